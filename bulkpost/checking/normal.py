"""What may be sent in the place of a cell: LeadConduit's own reading of it, where that is safe."""

from datetime import datetime
from typing import Final

from bulkpost.fields import Parsed, parse
from bulkpost.fields.field_type import FieldType

# Types of which a reading is one text that means the same to everybody.
NORMALISED: Final = frozenset(
    {FieldType.PHONE, FieldType.DATE, FieldType.DOB, FieldType.STATE, FieldType.POSTAL_CODE}
)
_COPIED_PART: Final = "code"  # of a postal code: the text as written, in capitals


def normal_text(field_type: FieldType, text: str, parsed: Parsed, as_of: datetime) -> str:
    """Return LeadConduit's reading of a text, or the text itself where that would not be safe.

    Safe is a reading without any finding that LeadConduit reads as it reads the text: valid, with
    the same value and components. So a telephone's letter for "home", a country code and a date
    that may be another one stay as they are.
    """
    if field_type not in NORMALISED or not parsed.valid or parsed.warnings:
        return text
    if parsed.value in {"", text}:
        return text
    again = parse(field_type, parsed.value, as_of=as_of)
    is_same = (again.valid, again.value, again.warnings) == (True, parsed.value, ())
    return parsed.value if is_same and _components(again) == _components(parsed) else text


def _components(parsed: Parsed) -> dict[str, object]:
    return {name: part for name, part in parsed.parts.items() if name != _COPIED_PART}

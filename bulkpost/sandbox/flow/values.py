"""What LeadConduit's types make of a lead's fields, and which of them must not be shown.

A name that the flow does not have is ignored. A field is looked for under its whole name first,
then along its dots: nobody outside knows which of the two LeadConduit prefers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bulkpost.fields import Part, guess_type, parse
from bulkpost.fields.field_type import FieldType

PARTS: Final[dict[FieldType, frozenset[str]]] = {
    FieldType.DOB: frozenset({"age", "year"}),
    FieldType.EMAIL: frozenset({"domain", "host", "is_disposable", "is_free", "tld", "user"}),
    FieldType.GENDER: frozenset({"abbr"}),
    FieldType.IP: frozenset({"ipv6_format", "is_ipv4"}),
    FieldType.PHONE: frozenset(
        {
            "area",
            "country_calling_code",
            "country_code",
            "exchange",
            "extension",
            "is_tollfree",
            "line",
            "number",
            "type",
        }
    ),
    FieldType.POSTAL_CODE: frozenset(
        {"code", "country_code", "district", "four", "fsa", "incode", "ldu", "outcode", "zip"}
    ),
    FieldType.RANGE: frozenset({"avg", "max", "mid", "min"}),
    FieldType.SSN: frozenset({"first_three", "last_four", "middle_two"}),
    FieldType.STATE: frozenset({"name"}),
    FieldType.STREET: frozenset({"name", "number"}),
    FieldType.URL: frozenset({"hash", "host", "path", "port", "protocol", "query"}),
}
_SECRET: Final = frozenset({FieldType.SSN, FieldType.CREDENTIAL})


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field as the flow sees it.

    Attributes:
        value: The normal value, as text; the text itself where its type cannot read it.
        valid: Whether its type can read it.
        parts: The type's components that there are.
    """

    value: str = field(repr=False)
    valid: bool
    parts: Mapping[str, Part] = field(default_factory=dict, repr=False)


def read_values(
    fields: Any, types: Mapping[str, FieldType], as_of: datetime
) -> dict[str, FieldValue]:
    """Return the flow's fields that a lead has, typed.

    Args:
        fields: The lead as parsed; one that is no mapping has no fields.
        types: The flow's fields.
        as_of: Now; ages depend on it.
    """
    if not isinstance(fields, dict):
        return {}
    values = {}
    for name, field_type in types.items():
        text = _text(_found(fields, name))
        if text is not None:
            parsed = parse(field_type, text, as_of=as_of)
            parts = {part: told for part, told in parsed.parts.items() if told is not None}
            values[name] = FieldValue(parsed.value, parsed.valid, parts)
    return values


def is_secret(name: str, types: Mapping[str, FieldType]) -> bool:
    """Whether a field is never shown: by the flow's type, or because its name says what it is."""
    return types.get(name) in _SECRET or guess_type(name) in _SECRET


def masked_values(
    values: Mapping[str, FieldValue], types: Mapping[str, FieldType]
) -> dict[str, FieldValue]:
    """Return values of which the secret ones are asterisks, as many as characters."""
    return {
        name: _masked_value(value) if is_secret(name, types) else value
        for name, value in values.items()
    }


def masked_fields(fields: Any, types: Mapping[str, FieldType], name: str = "") -> Any:
    """Return a lead as parsed, its secret fields masked wherever they stand.

    Raises:
        RecursionError: The lead is nested too deeply.
    """
    if name and is_secret(name, types):
        return _masked(fields)
    if isinstance(fields, dict):
        return {
            key: masked_fields(inner, types, _below(name, key)) for key, inner in fields.items()
        }
    if isinstance(fields, list):
        return [
            masked_fields(inner, types, _below(name, str(index)))
            for index, inner in enumerate(fields)
        ]
    return fields


def _below(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return None if value is None else "*" * len(str(value))


def _masked_value(value: FieldValue) -> FieldValue:
    parts: dict[str, Part] = {part: "*" * len(str(text)) for part, text in value.parts.items()}
    return FieldValue("*" * len(value.value), value.valid, parts)


def _found(fields: dict[str, Any], name: str) -> Any:
    if name in fields:
        return fields[name]
    place: Any = fields
    for segment in name.split("."):
        if isinstance(place, list) and segment.isdecimal() and int(segment) < len(place):
            place = place[int(segment)]
        elif isinstance(place, dict):
            place = place.get(segment)
        else:
            return None
    return place


def _text(value: Any) -> str | None:
    """Return a value as LeadConduit's types get to see it; None if there is none."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        return ",".join(_text(item) or "" for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if float(value).is_integer() else str(value)

"""gender: male, female or other, or their first letters."""

from typing import Final

from bulkpost.fields.javascript import trimmed
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "gender_not_understood",
    "LeadConduit knows male, female and other only, and passes this on as it is",
    "Write male, female or other, or M, F or O.",
)

_WORDS: Final = {
    "m": "male",
    "male": "male",
    "f": "female",
    "female": "female",
    "o": "other",
    "other": "other",
}
_CHARS_MAX = 6


def parse_gender(text: str) -> Parsed:
    """Read a text as a gender; ``abbr`` is its first letter."""
    word = trimmed(text)
    gender = _WORDS.get(word.lower()) if len(word) <= _CHARS_MAX else None
    if gender is None:
        warnings = (NOT_UNDERSTOOD,) if text else NO_FINDINGS
        return Parsed(valid=False, value=text, parts={"abbr": None}, warnings=warnings)
    return Parsed(valid=True, value=gender, parts={"abbr": gender[0].upper()})

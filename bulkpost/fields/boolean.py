"""boolean: a closed list of words, whatever stands around the letters and digits."""

import re
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "boolean_not_understood",
    "LeadConduit cannot read the text as yes or no, and takes it for no",
    "Write yes, y, true, t or 1, or no, n, false, f or 0.",
)
SIGNED: Final = Finding(
    "boolean_signed",
    "a minus sign is dropped, so minus one is read as yes",
    "Write yes or no.",
)

_TRUE = frozenset({"y", "yes", "true", "t", "1"})
_FALSE = frozenset({"n", "no", "false", "f", "0"})
_DROPPED = re.compile(r"[^0-9A-Za-z]+")
_CHARS_MAX = 5  # of the longest word


def parse_boolean(text: str) -> Parsed:
    """Read a text as yes or no. The value is ``true`` or ``false``; an invalid one is ``false``."""
    word = _DROPPED.sub("", text)
    word = word.lower() if len(word) <= _CHARS_MAX else ""
    if word in _TRUE:
        return Parsed(valid=True, value="true", warnings=(SIGNED,) if "-" in text else NO_FINDINGS)
    if word in _FALSE:
        return Parsed(valid=True, value="false")
    return Parsed(valid=False, value="false", warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)

"""What looks wrong with a person's name; LeadConduit takes any text for one."""

import re
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS
from bulkpost.finding import Finding

DIGITS: Final = Finding(
    "name_digits", "the name holds digits", "Compare the columns: another field may stand here."
)
ADDRESS: Final = Finding(
    "name_is_an_address",
    "the name holds an e-mail address or a web address",
    "Compare the columns: another field may stand here.",
)
NO_LETTER: Final = Finding(
    "name_no_letter", "the name holds no letter", "Leave the cell empty where no name is known."
)

_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_CHARS_MAX = 1000


def name_doubts(text: str) -> tuple[Finding, ...]:
    """Return what looks wrong with a name."""
    if text.isalpha() or not text:
        return NO_FINDINGS
    text = text[:_CHARS_MAX]
    found = []
    if "@" in text or "://" in text:
        found.append(ADDRESS)
    elif _DIGIT.search(text):
        found.append(DIGITS)
    if not _LETTER.search(text):
        found.append(NO_LETTER)
    return tuple(found)

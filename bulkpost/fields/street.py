"""street: the first word is the house number, the rest the street's name; both must be there."""

import re
from typing import Final

from bulkpost.fields.javascript import trimmed
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "street_not_understood",
    "LeadConduit expects a house number and a street name, two words at least",
    "Write the number, a space and the street.",
)
NO_NUMBER: Final = Finding(
    "street_no_number",
    "the first word has no digit, and LeadConduit takes it for the house number",
    "Put the house number first, or expect rules about the street's parts to fail.",
)

_SPACES = re.compile("[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
_DIGIT = re.compile(r"\d")


def parse_street(text: str) -> Parsed:
    """Read a text as a street address: ``number`` and ``name``."""
    street = trimmed(text)
    gap = _SPACES.search(street)
    if gap is None:
        return Parsed(valid=False, value=text, warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)
    number, name = street[: gap.start()], street[gap.end() :]
    warnings = NO_FINDINGS if _DIGIT.search(number) else (NO_NUMBER,)
    return Parsed(
        valid=True, value=street, parts={"number": number, "name": name}, warnings=warnings
    )

"""ssn: nine digits, whatever stands between them; and which fields hold such a number.

A hash of nine digits is the nine digits (a billion guesses), so such a field stays out of every
digest, log and ledger. The guess by name therefore errs on the safe side. Nothing here keeps a
number beyond the call, and no finding tells more than a rule.
"""

import re
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "ssn_not_understood",
    "LeadConduit cannot read the text as a social security number: that takes nine digits",
    "Write nine digits, with or without hyphens.",
)
MASKED: Final = Finding(
    "ssn_masked",
    "the social security number is masked, so LeadConduit cannot read it",
    "Send the whole number or leave the cell empty.",
)
ZERO_LOST: Final = Finding(
    "ssn_zero_lost",
    "the social security number is one or two digits short, as after a spreadsheet dropped zeros",
    "Keep the column as text when the list is exported.",
)
IMPOSSIBLE: Final = Finding(
    "ssn_impossible",
    "no social security number has these groups, though LeadConduit calls it valid",
    "Correct the number or leave the cell empty.",
)
MISGROUPED: Final = Finding(
    "ssn_misgrouped",
    "the digits are not grouped as three, two and four, so some may be missing or moved",
    "Compare the number with where it came from.",
)
EXTRA_TEXT: Final = Finding(
    "ssn_extra_text",
    "letters around the digits are dropped",
    "Write the digits only.",
)

_NO_DIGITS = re.compile(r"[^0-9]+")
_GROUPS = re.compile(
    r"\s*([0-9]+)[\s./_\-\u2010-\u2015]+([0-9]+)[\s./_\-\u2010-\u2015]+([0-9]+)\s*"
)
_LETTER = re.compile(r"[^\W\d_]")
_MASK = re.compile(r"[*xX\u2022]{2}")
# Printed in advertisements and on sample cards, hence misused ever since.
_SAMPLES: Final = frozenset({"123456789", "078051120", "219099999", "987654321"})
_NAME = re.compile(r"ssn|social", re.IGNORECASE)


def is_ssn_name(name: str) -> bool:
    """Tell whether a field or column of this name must be taken for a social security number."""
    return _NAME.search(name) is not None


def parse_ssn(text: str) -> Parsed:
    """Read a text as a social security number: ``first_three``, ``middle_two``, ``last_four``."""
    digits = _NO_DIGITS.sub("", text)
    if len(digits) != 9:
        warnings = (_why_not(text, len(digits)),) if text else NO_FINDINGS
        return Parsed(valid=False, value=text, warnings=warnings)
    parts = {"first_three": digits[:3], "middle_two": digits[3:5], "last_four": digits[5:]}
    return Parsed(valid=True, value=digits, parts={**parts}, warnings=_doubts(text, digits))


def _why_not(text: str, digits: int) -> Finding:
    if _MASK.search(text):
        return MASKED
    return ZERO_LOST if digits in {7, 8} and not _LETTER.search(text) else NOT_UNDERSTOOD


def _doubts(text: str, digits: str) -> tuple[Finding, ...]:
    found = []
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if (
        area in {"000", "666"}
        or area[0] == "9"
        or group == "00"
        or serial == "0000"
        or digits in _SAMPLES
        or len(set(digits)) == 1
    ):
        found.append(IMPOSSIBLE)
    if len(text) > 9:
        groups = _GROUPS.fullmatch(text)
        if groups and tuple(map(len, groups.groups())) != (3, 2, 4):
            found.append(MISGROUPED)
        if _LETTER.search(text):
            found.append(EXTRA_TEXT)
    return tuple(found)

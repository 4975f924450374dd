"""postal_code: of the United States, Canada or Great Britain.

The first pattern that fits the trimmed text in capitals decides. LeadConduit looks at the shape
only: it knows no list of codes, and five digits of any country are a ZIP code to it.
"""

import re
from typing import Final

from bulkpost.fields.javascript import trimmed
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "postal_code_not_understood",
    "LeadConduit cannot read the text as a postal code of the USA, Canada or Great Britain",
    "Write five digits, ZIP+4, or the Canadian or British form with one space.",
)
ZERO_LOST: Final = Finding(
    "postal_code_zero_lost",
    "the ZIP code is too short, as after a spreadsheet dropped its leading zero",
    "Keep the column as text when the list is exported.",
)
DECIMALS: Final = Finding(
    "postal_code_decimals",
    "the ZIP code was written as a decimal number, so LeadConduit cannot read it",
    "Keep the column as text when the list is exported.",
)
PARTIAL: Final = Finding(
    "postal_code_partial",
    "only the second half of a British postcode is there, though LeadConduit calls it valid",
    "Write the whole postcode.",
)
IMPOSSIBLE: Final = Finding(
    "postal_code_impossible",
    "no postal code is written so, though LeadConduit calls it valid",
    "Correct the code or leave the cell empty.",
)
HALF_EXTENSION: Final = Finding(
    "postal_code_trailing_hyphen",
    "a separator follows the ZIP code and the four digits after it are missing",
    "Write five digits only, or all nine.",
)

_ZIP = re.compile(r"(?:([0-9]{5})\s*-?\s*([0-9]{4})?)?")
_CANADA = re.compile(r"([A-Z][0-9][A-Z])\s*([0-9][A-Z][0-9])")
_BRITAIN = re.compile(r"([A-Z]{1,2}[0-9]{1,3}[A-Z]?)?\s*([0-9][A-Z]{2})")
_CHARS_MAX = 64  # white space may stand between the parts of ZIP+4
_CANADA_POSSIBLE = re.compile(
    r"[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]"
)
_BRITAIN_POSSIBLE = re.compile(
    r"(?:[A-PR-UWYZ][0-9]{1,2}|[A-PR-UWYZ][0-9][A-Z]|[A-PR-UWYZ][A-HK-Y][0-9]{1,2}"
    r"|[A-PR-UWYZ][A-HK-Y][0-9][A-Z]) [0-9][ABD-HJLNP-UW-Z]{2}"
)
_SHORT = re.compile(r"[0-9]{3,4}(?:-[0-9]{4})?")
_DECIMALS = re.compile(r"[0-9]{3,5}\.0*")


def parse_postal_code(text: str) -> Parsed:
    """Read a text as a postal code; the parts depend on ``country_code``.

    An empty text is valid and of the United States: so LeadConduit has it.
    """
    code = trimmed(text)
    if len(code) <= _CHARS_MAX:
        if match := _ZIP.fullmatch(code):
            return _zip(code, match[1], match[2])
        code = code.upper()
        if match := _CANADA.fullmatch(code):
            return _canada(code, match[1], match[2])
        if match := _BRITAIN.fullmatch(code):
            return _britain(code, match[1], match[2])
    return Parsed(valid=False, value=text, warnings=(_why_not(code),))


def _zip(code: str, five: str | None, four: str | None) -> Parsed:
    value = f"{five}-{four}" if four else five or ""
    warnings = NO_FINDINGS
    if five in {"00000", "99999"}:
        warnings = (IMPOSSIBLE,)
    elif five and not four and len(code) > 5:
        warnings = (HALF_EXTENSION,)
    parts = {"country_code": "US", "code": code or None, "zip": five, "four": four}
    return Parsed(valid=True, value=value, parts={**parts}, warnings=warnings)


def _canada(code: str, fsa: str, ldu: str) -> Parsed:
    value = f"{fsa} {ldu}"
    warnings = NO_FINDINGS if _CANADA_POSSIBLE.fullmatch(value) else (IMPOSSIBLE,)
    parts = {"country_code": "CA", "code": code, "fsa": fsa, "district": fsa[0], "ldu": ldu}
    return Parsed(valid=True, value=value, parts={**parts}, warnings=warnings)


def _britain(code: str, outcode: str | None, incode: str) -> Parsed:
    value = f"{outcode or ''} {incode}"
    warnings = NO_FINDINGS
    if outcode is None:
        warnings = (PARTIAL,)
    elif not _BRITAIN_POSSIBLE.fullmatch(value):
        warnings = (IMPOSSIBLE,)
    parts = {"country_code": "GB", "code": code, "outcode": outcode, "incode": incode}
    return Parsed(valid=True, value=value, parts={**parts}, warnings=warnings)


def _why_not(code: str) -> Finding:
    if len(code) <= _CHARS_MAX:
        if _SHORT.fullmatch(code):
            return ZERO_LOST
        if _DECIMALS.fullmatch(code):
            return DECIMALS
    return NOT_UNDERSTOOD

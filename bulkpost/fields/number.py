"""number: everything but digits, ``-`` and ``.`` is deleted, and the rest must be a number."""

import re
from typing import Final

from bulkpost.fields.javascript import number, number_text
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "number_not_understood",
    "LeadConduit cannot read the text as a number",
    "Write digits with at most one point and one leading minus.",
)
EXPONENT: Final = Finding(
    "number_exponent",
    "the exponent is not understood: its digits are appended to the number",
    "Write the number without an exponent; spreadsheets write long numbers so.",
)
LETTERS: Final = Finding(
    "number_letters",
    "letters are dropped, so a unit such as k or M is lost",
    "Write the whole number.",
)
DECIMAL_COMMA: Final = Finding(
    "number_decimal_comma",
    "a comma is dropped, not read as a decimal point",
    "Write a point before the decimals and nothing between the thousands.",
)
MINUS_LOST: Final = Finding(
    "number_minus_lost",
    "the number looks negative but is read as positive",
    "Write a plain hyphen before the digits.",
)
JOINED: Final = Finding(
    "number_joined",
    "what stands between the digits is dropped, so two numbers become one",
    "Write one number only.",
)

_DROPPED = re.compile(r"[^0-9.\-]+")
_PLAIN = re.compile(r"-?\$?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?(?![0-9,])")
_EXPONENT = re.compile(r"[0-9][eE][+-]?[0-9]")
_LETTER = re.compile(r"[^\W\d_]")
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")
_MINUS_LOST = re.compile(r"\([^()0-9]*[0-9][^()]*\)|[\u2012-\u2015\u2212]\s*[^\w\s]?\s*[0-9]")
_JOINED = re.compile(r"[0-9][^0-9.,\-_' \u00a0\u202f]+[0-9]")


def parse_number(text: str) -> Parsed:
    """Read a text as a number. An invalid one has the value ``NaN``."""
    value = number(_DROPPED.sub("", text))
    if value is None:
        return Parsed(valid=False, value="NaN", warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)
    warnings = NO_FINDINGS if _PLAIN.fullmatch(text) else tuple(_doubts(text))
    return Parsed(valid=True, value=number_text(value), warnings=warnings)


def _doubts(text: str) -> list[Finding]:
    found = []
    if _EXPONENT.search(text):
        found.append(EXPONENT)
    elif _LETTER.search(text):
        found.append(LETTERS)
    elif _JOINED.search(text):
        found.append(JOINED)
    if _DECIMAL_COMMA.search(text) and not _GROUPED.search(text):
        found.append(DECIMAL_COMMA)
    if _MINUS_LOST.search(text):
        found.append(MINUS_LOST)
    return found

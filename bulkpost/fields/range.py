"""range: ``10+``, two numbers, or one number.

Everything but digits, points, minus and plus signs and blanks is dropped first, so what LeadConduit
does not know as a separator joins two numbers into one.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from bulkpost.fields.javascript import number, number_text
from bulkpost.fields.parsed import NO_FINDINGS, Parsed, Part
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "range_not_understood",
    "LeadConduit cannot read the text as a range or a number",
    "Write 1-10, 1 to 10, 10+ or 10.",
)
JOINED: Final = Finding(
    "range_joined",
    "LeadConduit does not know what stands between the numbers, and joins them into one",
    "Write a plain hyphen between them.",
)
REVERSED: Final = Finding(
    "range_reversed",
    "the first number is larger than the second, and LeadConduit keeps them so",
    "Write the smaller number first.",
)
OPEN_END: Final = Finding(
    "range_bound_lost",
    "words or signs for 'below' and 'above' are dropped: the range is exactly that number",
    "Write 50+ for 'above', and 0-50 for 'below'.",
)
UNIT_LOST: Final = Finding(
    "range_unit_lost",
    "a unit such as k or M is dropped",
    "Write the whole numbers.",
)
DATES: Final = Finding(
    "range_of_dates",
    "two dates are read as a range of milliseconds",
    "Map the column to a field that takes dates.",
)
MISREAD: Final = Finding(
    "range_misread",
    "a sign or a point makes LeadConduit read other numbers than were meant",
    "Write two whole numbers with a plain hyphen between them.",
)

_CLOCK = r"T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_DAY = rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{_CLOCK})?)"
_DATES = re.compile(rf"\s*{_DAY} (?:-|to) {_DAY}\s*")
_DROPPED = re.compile(r"[^0-9.+\- ]+")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_OPEN = re.compile(rf"(-?{_NUMBER}) *\+")
# Blanks may stand between the first two of several numbers, a hyphen between the last two only;
# the second number has no sign.
_BLANKS = re.compile(rf"(-?{_NUMBER}) +({_NUMBER})")
_HYPHEN = re.compile(rf"(-?{_NUMBER}) *- *({_NUMBER})$")
_JOINED = re.compile(r"[0-9][^0-9.,\-+ ]+\$?[0-9]")
_COMMA = re.compile(r"[0-9],[0-9]")
_THOUSANDS = re.compile(r"(?<![0-9,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_SIGN_LOST = re.compile(r"(?:to|-)\s*-\s*[0-9]", re.IGNORECASE)
_BOUND = re.compile(
    r"[<>\u2264\u2265]|\b(?:under|over|above|below|less|more|up to|at least|within)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[0-9]\s?(?:[kKmM]|thousand|million)\b")
_SIGNED = re.compile(r"(?:^|[\s$])\.[0-9]|[0-9]\s?-\s?[0-9.]+\s?-\s?[0-9]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CHARS_MAX = 1000  # a longer text is no range


def parse_range(text: str) -> Parsed:
    """Read a text as a range: ``min``, ``max``, their average ``avg``, its whole part ``mid``."""
    if len(text) > _CHARS_MAX:
        return _invalid(text)
    if (dates := _DATES.fullmatch(text)) and (bounds := _milliseconds(dates)):
        return _between(*bounds, (DATES,))
    bare = _DROPPED.sub("", text).strip(" ")
    if match := _OPEN.search(bare):
        least = number(match[1])
        assert least is not None, "the pattern is a number's"
        value = f"{number_text(least)}+"
        return Parsed(valid=True, value=value, parts=_parts(least, None, None, None))
    if match := _BLANKS.search(bare) or _HYPHEN.search(bare):
        low, high = number(match[1]), number(match[2])
        assert low is not None, "the pattern is a number's"
        assert high is not None, "the pattern is a number's"
        return _between(low, high, tuple(_range_doubts(text, low, high)))
    return _single(text)


def _single(text: str) -> Parsed:
    value = number(re.sub(r"[^0-9.\-]+", "", text))
    if value is None:
        return _invalid(text)
    found = []
    if _JOINED.search(text) or (_COMMA.search(text) and not _THOUSANDS.search(text)):
        found.append(JOINED)
    if _BOUND.search(text):
        found.append(OPEN_END)
    if _UNIT.search(text):
        found.append(UNIT_LOST)
    parts = _parts(value, value, value, value)
    return Parsed(valid=True, value=text, parts=parts, warnings=tuple(found))


def _invalid(text: str) -> Parsed:
    warnings = (NOT_UNDERSTOOD,) if text else NO_FINDINGS
    return Parsed(valid=False, value=text, parts=_parts(None, None, None, None), warnings=warnings)


def _between(low: float, high: float, warnings: tuple[Finding, ...]) -> Parsed:
    middle = (low + high) / 2
    average = math.floor(middle * 100 + 0.5) / 100
    parts = _parts(low, high, average, math.trunc(middle))
    value = f"{number_text(low)}-{number_text(high)}"
    return Parsed(valid=True, value=value, parts=parts, warnings=warnings)


def _range_doubts(text: str, low: float, high: float) -> list[Finding]:
    found = []
    if low > high:
        found.append(REVERSED)
    if _SIGNED.search(text) or _SIGN_LOST.search(text):
        found.append(MISREAD)
    if _UNIT.search(text):
        found.append(UNIT_LOST)
    return found


def _parts(
    low: float | None, high: float | None, average: float | None, middle: float | None
) -> dict[str, Part]:
    return {"min": low, "max": high, "avg": average, "mid": middle}


def _milliseconds(dates: re.Match[str]) -> tuple[float, float] | None:
    try:
        first, last = (datetime.fromisoformat(day) for day in dates.groups())
    except ValueError:  # no such day
        return None
    return _since_1970_ms(first), _since_1970_ms(last)


def _since_1970_ms(time: datetime) -> float:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return float((aware - _EPOCH) // timedelta(milliseconds=1))

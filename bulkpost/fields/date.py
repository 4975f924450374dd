"""date: any of sixteen formats, read strictly first and leniently else."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from bulkpost.fields.date_formats import DateReading, read_date
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "date_not_understood",
    "LeadConduit cannot read the text as a date",
    "Write YYYY-MM-DD.",
)
GUESSED: Final = Finding(
    "date_incomplete",
    "the day, the month or the year is missing, and LeadConduit fills it in",
    "Write the whole date as YYYY-MM-DD.",
)
MISREAD: Final = Finding(
    "date_misread",
    "LeadConduit calls the text a date but surely reads another one than was meant",
    "Write YYYY-MM-DD.",
)
DAY_FIRST: Final = Finding(
    "date_day_first",
    "the day stands before the month; where both are below 13, LeadConduit takes the month first",
    "Write YYYY-MM-DD in the whole column.",
)
TWO_DIGIT_YEAR: Final = Finding(
    "date_two_digit_year",
    "the year has two digits: up to 68 it is read as 20xx, from 69 as 19xx",
    "Write the year with four digits.",
)
DOTTED: Final = Finding(
    "date_dotted",
    "a date with points is read as month first, if at all",
    "Write YYYY-MM-DD.",
)
REST_IGNORED: Final = Finding(
    "date_rest_ignored",
    "a time or a time zone after the date is dropped, without converting the date",
    "Write the date alone, in the time zone that the flow expects.",
)
ODD_YEAR: Final = Finding(
    "date_odd_year",
    "the year lies before 1900 or after 2100",
    "Write the year with four digits.",
)

_LETTER = re.compile(r"[^\W\d_]")
_DOTTED = re.compile(r"\s*[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}\b")
_REST_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"[0-9]+")
_DAY_FIRST: Final = frozenset(
    {"D/M/YYYY", "D/M/YY", "YYYY-DD-MM", "DD-MM-YYYY", "DDMMYYYY", "YYYYDDMM"}
)
_MIDNIGHT = re.compile(r"[0-9][T ]00?:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?\s?\Z")
_TIME = re.compile(r"[0-9](?:T|\s+)[0-9]{1,2}:[0-9]{2}|[0-9]Z$")


def parse_date(text: str, as_of: datetime) -> Parsed:
    """Read a text as a date.

    Args:
        text: What stands in the cell.
        as_of: Now; what is missing in the text is taken from it, in UTC.
    """
    reading = read_date(text, utc_date(as_of))
    if reading is None:
        return Parsed(valid=False, value=text, warnings=(why_not(text),) if text else NO_FINDINGS)
    return Parsed(valid=True, value=reading.text(), warnings=tuple(date_doubts(text, reading)))


def utc_date(as_of: datetime) -> date:
    """Return the day that it is in UTC; a naive time is taken to be UTC."""
    return (as_of if as_of.tzinfo is None else as_of.astimezone(UTC)).date()


def why_not(text: str) -> Finding:
    """Return why a text is no date."""
    return DOTTED if _DOTTED.match(text[:32]) else NOT_UNDERSTOOD


def date_doubts(text: str, reading: DateReading) -> list[Finding]:
    """Return what looks wrong with a date that was understood."""
    found = [] if 1900 <= reading.year <= 2100 else [ODD_YEAR]
    if reading.strict:
        if reading.format in _DAY_FIRST:
            found.append(DAY_FIRST)
        if reading.format.endswith("/YY"):
            found.append(TWO_DIGIT_YEAR)
        return found
    if _MIDNIGHT.search(text[-32:]):  # says no more than the date
        return found
    doubt = next((finding for rule, finding in _LENIENT_RULES if rule(text, reading)), None)
    return [*found, doubt] if doubt else found


def _is_dotted(text: str, _: DateReading) -> bool:
    return _DOTTED.match(text[:32]) is not None


def _is_only_a_time_left(text: str, reading: DateReading) -> bool:
    is_left = _REST_DIGIT.search(reading.rest) or "Z" in reading.rest
    return bool(is_left) and _TIME.search(text) is not None


def _is_name_overlooked(text: str, reading: DateReading) -> bool:
    return "MMM" not in reading.format and _LETTER.search(text) is not None


def _is_incomplete(text: str, reading: DateReading) -> bool:
    """Tell whether a number is missing, or one run of digits was cut to serve as two."""
    wanted = 2 if "MMM" in reading.format else 3
    has_gaps = not reading.format.isalpha()
    return reading.guessed or (has_gaps and len(_DIGITS.findall(text)) < wanted)


def _is_number_left(_: str, reading: DateReading) -> bool:
    return _REST_DIGIT.search(reading.rest) is not None


def _has_two_digit_year(text: str, reading: DateReading) -> bool:
    runs = _DIGITS.findall(text)
    at = 0 if reading.format.startswith("YYYY") else 1 if "MMM" in reading.format else 2
    return at < len(runs) and len(runs[at]) == 2


# The first that holds is told.
_LENIENT_RULES: Final[tuple[tuple[Callable[[str, DateReading], bool], Finding], ...]] = (
    (_is_dotted, DOTTED),
    (_is_only_a_time_left, REST_IGNORED),
    (_is_name_overlooked, MISREAD),
    (_is_incomplete, GUESSED),
    (_is_number_left, MISREAD),
    (_has_two_digit_year, TWO_DIGIT_YEAR),
)

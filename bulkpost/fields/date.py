"""date: any of sixteen formats, read strictly first and leniently else."""

import re
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
_DAY_FIRST: Final = frozenset(
    {"D/M/YYYY", "D/M/YY", "YYYY-DD-MM", "DD-MM-YYYY", "DDMMYYYY", "YYYYDDMM"}
)
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
    found = []
    if not 1900 <= reading.year <= 2100:
        found.append(ODD_YEAR)
    if reading.strict:
        if reading.format in _DAY_FIRST:
            found.append(DAY_FIRST)
        return found
    if _DOTTED.match(text[:32]):
        found.append(DOTTED)
    elif reading.guessed:
        found.append(GUESSED)
    elif _is_time_only(text, reading):
        found.append(REST_IGNORED)
    elif _is_misread(text, reading):
        found.append(MISREAD)
    return found


def _is_time_only(text: str, reading: DateReading) -> bool:
    return bool(_REST_DIGIT.search(reading.rest) or "Z" in reading.rest) and bool(
        _TIME.search(text)
    )


def _is_misread(text: str, reading: DateReading) -> bool:
    """A month's name that the format has no place for, or numbers that were left over."""
    has_name = "MMM" in reading.format
    return (not has_name and bool(_LETTER.search(text))) or bool(_REST_DIGIT.search(reading.rest))

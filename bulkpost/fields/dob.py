"""dob: a date, with the year and the age that LeadConduit computes from it."""

from datetime import date, datetime
from typing import Final

from bulkpost.fields.date import date_doubts, utc_date, why_not
from bulkpost.fields.date_formats import DateReading, days_in_month, read_date
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

FUTURE: Final = Finding(
    "dob_future",
    "the date of birth lies in the future, though LeadConduit calls it valid",
    "Write the year with four digits: two digits up to 68 are read as 20xx.",
)
MINOR: Final = Finding(
    "dob_minor",
    "the person would be younger than 18",
    "Make sure that the lead may be sold, or correct the date.",
)
TOO_OLD: Final = Finding(
    "dob_too_old",
    "the person would be older than 110",
    "Correct the date or leave the cell empty.",
)
LEAP_DAY: Final = Finding(
    "dob_leap_day",
    "LeadConduit computes no age for somebody born on the 29th of February, except in leap years",
    "Nothing is wrong with the lead; rules about the age will not hold for it.",
)

_DAYS_A_YEAR: Final = 365
_CALENDAR_YEARS: Final = 400  # then it repeats
_ADULT_YEARS: Final = 18
_OLD_YEARS: Final = 110


def parse_dob(text: str, as_of: datetime) -> Parsed:
    """Read a text as a date of birth: ``age`` in years, with one decimal, and ``year``.

    The age of somebody born on a leap day is ``None`` in other years.
    """
    today = utc_date(as_of)
    reading = read_date(text, today)
    if reading is None:
        return Parsed(valid=False, value=text, warnings=(why_not(text),) if text else NO_FINDINGS)
    tenths = _age_tenths(reading, today)
    age = None if tenths is None else tenths // 10 if tenths % 10 == 0 else tenths / 10
    return Parsed(
        valid=True,
        value=reading.text(),
        parts={"age": age, "year": reading.year},
        warnings=_doubts(text, reading, today),
    )


def _age_tenths(reading: DateReading, today: date) -> int | None:
    """Whole years to the date, towards zero, plus the part of a year since the last birthday."""
    if reading.day > days_in_month(today.year, reading.month):
        return None
    now = today.replace(year=today.year % _CALENDAR_YEARS + _CALENDAR_YEARS)
    birthday = date(now.year, reading.month, reading.day)
    is_ahead = birthday > now
    if is_ahead:
        birthday = _a_year_before(birthday)
    years = today.year - reading.year - (1 if is_ahead else 0)
    if years < 0 and birthday != now:
        years += 1  # towards zero
    tenths = min(9, (now - birthday).days * 10 // _DAYS_A_YEAR)
    return years * 10 + tenths


def _a_year_before(day: date) -> date:
    last = days_in_month(day.year - 1, day.month)
    return date(day.year - 1, day.month, min(day.day, last))


def _doubts(text: str, reading: DateReading, today: date) -> tuple[Finding, ...]:
    found = date_doubts(text, reading)
    born = (reading.year, reading.month, reading.day)
    if born > (today.year, today.month, today.day):
        found.append(FUTURE)
    elif born > (today.year - _ADULT_YEARS, today.month, today.day):
        found.append(MINOR)
    elif born < (today.year - _OLD_YEARS, today.month, today.day):
        found.append(TOO_OLD)
    if (reading.month, reading.day) == (2, 29):
        found.append(LEAP_DAY)
    return tuple(found)

"""time: any text in which an English date or time of day can be found.

LeadConduit uses a natural-language reader, so a sentence with a weekday in it is a time. Only
whether it finds one is told here, not which one: that depends on its server's clock, and no
maintained library finds the same.
"""

import re
from typing import Final

from bulkpost.fields.date_formats import days_in_month
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "time_not_understood",
    "LeadConduit finds neither a date nor a time of day in the text",
    "Write the time as 2024-01-05T13:45:00Z.",
)
RELATIVE: Final = Finding(
    "time_relative",
    "part of the time is missing and taken from the clock of LeadConduit's server",
    "Write the time as 2024-01-05T13:45:00Z.",
)
NO_ZONE: Final = Finding(
    "time_no_zone",
    "the time has no time zone, and LeadConduit takes its server's",
    "Write the time as 2024-01-05T13:45:00Z.",
)

_MONTH = (
    "(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
)
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?"
_UNIT = (
    "(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?|mo|quarters?|qtr"
    "|years?|yrs?|y)"
)
_COUNT = (
    "(?:[0-9]+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a few|few"
    "|(?:a )?couple(?: of)?|half an?)"
)
_FULL_MONTH = _MONTH.partition("|(?:jan")[0].removeprefix("(?:")
_CLOCK = r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9]"
_YEAR_FIRST = re.compile(r"(?<![\w./-])([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?![0-9]|-[0-9])")
_YEAR_LAST = re.compile(
    r"(?<![\w./-])([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])"
)
_NO_DAY = re.compile(r"(?<![\w./-])(?:0?[1-9]|1[0-2])/[0-9]{4}(?![\w/])")
_NO_YEAR = re.compile(r"(?<![\w./-])([0-9]{1,2})/([0-9]{1,2})(?![\w/])")
_NAMED_DATE = re.compile(
    rf"\b{_MONTH}[ ,\-/]*[0-9]{{1,4}}|\b{_DAY}[ \-/]*(?:of )?{_MONTH}"
    rf"|\b(?:{_FULL_MONTH}|sept)\b|\b{_MONTH} '[0-9]{{2}}\b",
    re.IGNORECASE,
)
_CLOCK_TIME = re.compile(
    rf"(?<![\w:.])T?{_CLOCK}(?!\d)|\b(?:1[0-2]|0?[1-9]) ?[ap]\.?m\b", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"\b(?:now|today|tonight|tomorrow|tmrw?|yesterday|noon|midday|midnight"
    r"|(?:mon|tue|wed|thu|thur|thurs|fri|sat|sun)"
    r"|(?:mon|wednes|thurs|fri|satur|sun)day"
    "|mornings?|afternoon|evening|night|week(?:day|end)|end of (?:the )?(?:month|year|week|day)"
    r"|[0-9]{1,2} ?o'clock|[0-9]{1,2} to [0-9]{1,2}"
    rf"|(?:this|last|past|next) {_UNIT}"
    rf"|(?:in|within|for) (?:about )?{_COUNT} {_UNIT}"
    rf"|(?:next|last|past) {_COUNT} {_UNIT}"
    rf"|{_COUNT} ?{_UNIT} (?:ago|before|earlier|from now|later|after|out)"
    rf"|at [0-9]{{1,2}})\b|(?<![\w+\-])[+\-][0-9]{{1,4}} ?{_UNIT}\b",
    re.IGNORECASE,
)
_ZONE = re.compile(r"[0-9] ?(?:Z|UTC|GMT|[A-Z][DS]T|[+-][0-9]{2}:?[0-9]{2})")

_CHARS_MAX = 10_000  # a time is not looked for behind them


def parse_time(text: str) -> Parsed:
    """Tell whether a text has a date or time in it. The value is the text, never what is read."""
    head = text[:_CHARS_MAX]
    has_day = _has_day(head)
    has_clock = _CLOCK_TIME.search(head) is not None
    is_relative = _RELATIVE.search(head) is not None
    if not (has_day or has_clock or is_relative or _has_day_without_year(head)):
        return Parsed(valid=False, value=text, warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)
    if not has_day:
        return Parsed(valid=True, value=text, warnings=(RELATIVE,))
    if has_clock and not _ZONE.search(head):
        return Parsed(valid=True, value=text, warnings=(NO_ZONE,))
    return Parsed(valid=True, value=text)


def _has_day(text: str) -> bool:
    if match := _YEAR_FIRST.search(text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
        return _is_day(year, month, day) or _is_day(year, day, month)
    if match := _YEAR_LAST.search(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        return _is_day(year, first, second) or _is_day(year, second, first)
    return _NAMED_DATE.search(text) is not None


def _has_day_without_year(text: str) -> bool:
    if match := _NO_YEAR.search(text):
        first, second = int(match[1]), int(match[2])
        return _is_day(2000, first, second) or _is_day(2000, second, first)
    return _NO_DAY.search(text) is not None


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= days_in_month(year, month)

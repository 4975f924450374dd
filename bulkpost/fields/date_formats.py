"""Reading a date by a list of formats, as the date library behind LeadConduit does.

Rule 1: first the text must be one of the formats to the letter; the first that fits wins, so that
a date which can be read as month first is.
Rule 2: else every format is tried leniently. Each token takes the next text that looks like it,
wherever that stands. What no token took costs 1 a character, a token that found nothing costs 10.
The cheapest format wins, the earlier of two; but a valid reading replaces an invalid one at any
price, once.
Rule 3: what was not found is today's, down to the first thing that was found; what comes after it
is the first of January.

Reference: LeadConduit's published list of formats, in its order; moment.js's documentation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

TEXT_CHARS_MAX = 1000  # a longer text is no date; keeps the lenient search short

_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_WEEKDAYS: Final = ("su", "mo", "tu", "we", "th", "fr", "sa")
_MISSING_COST = 10

FORMATS: Final = (
    "ddd MMM DD YYYY",
    "MMM DD YYYY",
    "M/D/YYYY",
    "M/D/YY",
    "YYYY-MM-DD",
    "MM-DD-YYYY",
    "MMDDYYYY",
    "YYYYMMDD",
    "ddd DD MMM YYYY",
    "DD MMM YYYY",
    "D/M/YYYY",
    "D/M/YY",
    "YYYY-DD-MM",
    "DD-MM-YYYY",
    "DDMMYYYY",
    "YYYYDDMM",
)


@dataclass(frozen=True, slots=True)
class DateReading:
    """A date and how it came about.

    Attributes:
        year: 0 to 9999.
        month: 1 to 12.
        day: 1 to 31.
        format: The format that won.
        strict: Whether the text was the format to the letter.
        guessed: Whether year, month or day was not in the text.
        rest: What no token took.
    """

    year: int
    month: int
    day: int
    format: str
    strict: bool
    guessed: bool = False
    rest: str = ""

    def text(self) -> str:
        """Return the date as ``YYYY-MM-DD``."""
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


@dataclass(slots=True)
class _Attempt:
    """One format tried leniently; the numbers are None until a token finds them."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    cost: int = 0
    rest: str = ""
    is_empty: bool = True
    is_bad: bool = False


def read_date(text: str, today: date) -> DateReading | None:
    """Return the date that a text is taken for, or None."""
    if len(text) > TEXT_CHARS_MAX:
        return None
    if text.isascii():
        for strict in _STRICT:
            if (match := strict.pattern.fullmatch(text)) and (read := strict.reading(match)):
                return read
    return _leniently(text, today)


def days_in_month(year: int, month: int) -> int:
    """Return how many days a month has, in the year 0 too."""
    if month != 2:
        return _MONTH_DAYS[month - 1]
    return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28


def _weekday(year: int, month: int, day: int) -> int:
    """Return the day of the week, Sunday being 0; the calendar repeats after 400 years."""
    return date(year % 400 + 400, month, day).isoweekday() % 7


def _two_digit_year(number: int) -> int:
    return number + (1900 if number > 68 else 2000)


@dataclass(frozen=True, slots=True)
class _Strict:
    format: str
    pattern: re.Pattern[str]

    def reading(self, match: re.Match[str]) -> DateReading | None:
        found = match.groupdict()
        year, day = int(found["year"]), int(found["day"])
        month = _MONTHS.index(found["name"].lower()) + 1 if "name" in found else int(found["month"])
        if len(found["year"]) == 2:
            year = _two_digit_year(year)
        if not 1 <= month <= 12 or not 1 <= day <= days_in_month(year, month):
            return None
        if "weekday" in found and (
            _WEEKDAYS.index(found["weekday"][:2].lower()) != _weekday(year, month, day)
        ):
            return None
        return DateReading(year, month, day, self.format, strict=True)


_TOKEN = re.compile(r"ddd|MMM|MM?|DD?|YYYY|YY|.")
_STRICT_TOKENS: Final = {
    "ddd": "(?P<weekday>(?i:sun|mon|tue|wed|thu|fri|sat))",
    "MMM": f"(?P<name>(?i:{'|'.join(_MONTHS)}))",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
    "YYYY": "(?P<year>[0-9]{4})",
    "YY": "(?P<year>[0-9]{2})",
}
_STRICT: Final = tuple(
    _Strict(
        name, re.compile("".join(_STRICT_TOKENS.get(t, re.escape(t)) for t in _TOKEN.findall(name)))
    )
    for name in FORMATS
)

_WORD = re.compile(
    "[0-9]{0,256}['A-Za-z\u00a0-\u05ff\u0700-\ud7ff\uf900-\ufdcf\ufdf0-\uff07\uff10-\uffef]{1,256}"
    "|[\u0600-\u06ff/]{1,256}(?:\\s*?[\u0600-\u06ff]{1,256}){1,2}"
)
_ONE_OR_TWO = re.compile("[0-9]{1,2}")
_LENIENT_TOKENS: Final = {
    "ddd": _WORD,
    "MMM": _WORD,
    "MM": _ONE_OR_TWO,
    "M": _ONE_OR_TWO,
    "DD": _ONE_OR_TWO,
    "D": _ONE_OR_TWO,
    "YYYY": re.compile("[0-9]{1,4}"),
    "YY": _ONE_OR_TWO,
}
_LENIENT: Final = tuple((name, tuple(_TOKEN.findall(name))) for name in FORMATS)


def _leniently(text: str, today: date) -> DateReading | None:
    best: tuple[int, DateReading | None] | None = None
    has_valid = False
    for cost, reading in _readings(text, today):
        is_first_valid = reading is not None and not has_valid
        if best is None or cost < best[0] or is_first_valid:
            best = (cost, reading)
        has_valid = has_valid or reading is not None
    return best[1] if best else None


def _readings(text: str, today: date) -> Iterator[tuple[int, DateReading | None]]:
    for name, tokens in _LENIENT:
        attempt = _attempt(text, tokens)
        yield attempt.cost, _completed(attempt, name, today)


def _attempt(text: str, tokens: tuple[str, ...]) -> _Attempt:
    attempt = _Attempt()
    position, taken, rest = 0, 0, []
    for token in tokens:
        pattern = _LENIENT_TOKENS.get(token)
        if pattern is None:
            start = text.find(token, position)
            found = token if start >= 0 else ""
        else:
            match = pattern.search(text, position)
            start, found = (match.start(), match[0]) if match else (-1, "")
            _take(attempt, token, found)
        if found:
            rest.append(text[position:start])
            position = start + len(found)
            taken += len(found)
    rest.append(text[position:])
    attempt.rest = "".join(rest)
    attempt.cost += len(text) - taken
    return attempt


def _take(attempt: _Attempt, token: str, found: str) -> None:
    if not found:
        attempt.cost += _MISSING_COST
        return
    attempt.is_empty = False
    match token[0], len(token):
        case "d", _:
            attempt.weekday = _index(_WEEKDAYS, found.lower()[:2])
            attempt.is_bad |= attempt.weekday is None
        case "M", 3:
            month = _index(_MONTHS, found.lower()[:3])
            attempt.is_bad |= month is None
            attempt.month = None if month is None else month + 1
        case "M", _:
            attempt.month = int(found)
        case "D", _:
            attempt.day = int(found)
        case _, size:
            number = int(found)
            attempt.year = _two_digit_year(number) if size == 2 or len(found) == 2 else number


def _index(words: tuple[str, ...], word: str) -> int | None:
    return words.index(word) if word in words else None


def _completed(attempt: _Attempt, name: str, today: date) -> DateReading | None:
    if attempt.is_empty or attempt.is_bad:
        return None
    year, month, day = attempt.year, attempt.month, attempt.day
    guessed = year is None or month is None or day is None
    if year is None:
        year = today.year
        if month is None:
            month = today.month
            if day is None:
                day = today.day
    month = 1 if month is None else month
    day = 1 if day is None else day
    if not 1 <= month <= 12 or not 1 <= day <= days_in_month(year, month):
        return None
    if attempt.weekday is not None and attempt.weekday != _weekday(year, month, day):
        return None
    return DateReading(year, month, day, name, strict=False, guessed=guessed, rest=attempt.rest)

from datetime import UTC, datetime, timedelta, timezone

import pytest
from field_reading import codes, read

from bulkpost.fields import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12/25/1995", "1995-12-25"),
        ("yesterday", None),
    ],
)
def test_a_date_of_birth_is_a_date(text: str, value: str | None) -> None:
    """A date of birth is read as any date."""
    parsed = read("dob", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "age", "year"),
    [
        ("1976-11-22", 50, 1976),
        ("1995-12-25", 30.9, 1995),
        ("2000-02-29", None, 2000),
        ("3000-01-01", -972.2, 3000),
        ("2027-11-22", -1, 2027),
        ("2026-11-23", 0.9, 2026),
        ("0000-01-01", 2026.8, 0),
    ],
)
def test_the_age_is_in_years_with_one_decimal(text: str, age: float | None, year: int) -> None:
    """Cut, never rounded; unknown for a leap day in another year."""
    assert {"age": age, "year": year} == read("dob", text).parts


def test_the_age_depends_on_the_day() -> None:
    """Before the birthday the year does not count, and a leap year has its leap day."""
    born = "2000-02-29"
    in_leap_year = parse("dob", born, as_of=datetime(2024, 3, 1, tzinfo=UTC))
    a_day_before = parse("dob", born, as_of=datetime(2024, 2, 28, tzinfo=UTC))
    assert (24, 23.9) == (in_leap_year.parts["age"], a_day_before.parts["age"])


def test_the_day_is_the_one_in_utc() -> None:
    """Late in the evening in Chicago it is tomorrow already; a naive time is in UTC."""
    chicago = timezone(timedelta(hours=-6))
    late = parse("dob", "2000-01-02", as_of=datetime(2026, 1, 1, 23, tzinfo=chicago))
    naive = parse("dob", "2000-01-02", as_of=datetime(2026, 1, 1, 23))  # noqa: DTZ001  # on purpose
    assert (26, 25.9) == (late.parts["age"], naive.parts["age"])


def test_what_is_no_date_has_no_parts() -> None:
    """Neither age nor year is there to be asked for."""
    assert {} == read("dob", "yesterday").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1980-03-04", []),
        ("2020-01-01", ["dob_minor"]),
        ("2030-01-01", ["dob_future"]),
        ("1/5/35", ["date_two_digit_year", "dob_future"]),
        ("1901-01-01", ["dob_too_old"]),
        ("2000-02-29", ["dob_leap_day"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("dob", text)

import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1995-12-25", "1995-12-25"),
        ("12/25/1995", "1995-12-25"),
        ("05/06/2024", "2024-05-06"),
        ("13/05/2024", "2024-05-13"),
        ("12311999", "1999-12-31"),
        ("19991231", "1999-12-31"),
        ("Dec 25 1995", "1995-12-25"),
        ("dec 25, 1995", "1995-12-25"),
        ("Fri 05 Jan 2024", "2024-01-05"),
        ("5th January 2024", "2024-01-05"),
        ("1/5/68", "2068-01-05"),
        ("1/5/69", "1969-01-05"),
        ("2024-01-05T23:59:00-06:00", "2024-01-05"),
        ("2024", "2024-01-20"),
        ("1/5", "2026-01-05"),
        ("12", "2026-11-12"),
        ("May 32 2010", "2032-10-20"),
        ("2024-13-05", "2024-05-13"),
        ("2000-02-29", "2000-02-29"),
        ("1900-02-29", None),
        ("2024/01/05", None),
        ("13.05.2024", None),
        ("today", None),
        ("1704412800", None),
        (
            "x" * 2000 + " 1/5/2024",
            None,
        ),
    ],
)
def test_how_a_date_is_read(text: str, value: str | None) -> None:
    """Strictly by sixteen formats first, leniently else."""
    parsed = read("date", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_weekday_decides_whether_the_format_fits() -> None:
    """A wrong weekday makes LeadConduit look for another reading."""
    assert "2024-01-05" == read("date", "Fri Jan 05 2024").value
    assert "2024-05-20" == read("date", "Thu Jan 05 2024").value


def test_a_date_has_no_parts() -> None:
    """Year and age belong to a date of birth only."""
    assert {} == read("date", "1995-12-25").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1995-12-25", []),
        ("05/06/2024", []),
        ("Dec 25, 1995", []),
        ("13/05/2024", ["date_day_first"]),
        ("05.01.2024", ["date_dotted"]),
        ("13.05.2024", ["date_dotted"]),
        ("2024", ["date_incomplete"]),
        ("1/5", ["date_incomplete"]),
        ("May 32 2010", ["date_misread"]),
        ("Thu Jan 05 2024", ["date_misread"]),
        ("2024-01-05T23:59:00-06:00", ["date_rest_ignored"]),
        ("1-5-24", ["date_odd_year"]),
        ("2024-01-05 00:00:00", []),
        ("1/5/24", ["date_two_digit_year"]),
        ("5-Jan-24", ["date_two_digit_year"]),
        ("24-01-05", ["date_two_digit_year"]),
        ("Jan 2024", ["date_incomplete"]),
        ("05/2024", ["date_incomplete"]),
        ("today", ["date_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("date", text)

import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10+", "10+"),
        ("$50,000 +", "50000+"),
        ("50+ years", "50+"),
        ("1-10", "1-10"),
        ("1 to 10", "1-10"),
        ("between 100 and 200", "100-200"),
        ("Good (700-749)", "700-749"),
        ("10-1", "10-1"),
        ("-10 to -5", "-10-5"),
        (".5-1", "5-1"),
        ("1-2-3", "-2-3"),
        ("1 2 3", "1-2"),
        ("under 50", "under 50"),
        ("100/200", "100/200"),
        ("-10 - -5", None),
        ("excellent", None),
        ("2024-01-01 to 2024-01-02", "1704067200000-1704153600000"),
    ],
)
def test_how_a_range_is_read(text: str, value: str | None) -> None:
    """A plus opens the range, blanks or a hyphen part two numbers, else it is one number."""
    parsed = read("range", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_parts_of_a_range() -> None:
    """The average has two decimals, the middle none; an open range has neither."""
    assert {"min": 1, "max": 2.5, "avg": 1.75, "mid": 1} == read("range", "1 to 2.5").parts
    assert {"min": -5, "max": 2, "avg": -1.5, "mid": -1} == read("range", "-5 - 2").parts
    assert 1.63 == read("range", "1 to 2.25").parts["avg"]
    assert {"min": 10, "max": None, "avg": None, "mid": None} == read("range", "10+").parts
    assert {"min": 7, "max": 7, "avg": 7, "mid": 7} == read("range", "7").parts
    assert {"min": None, "max": None, "avg": None, "mid": None} == read("range", "x").parts


def test_days_that_are_not_in_the_calendar_are_no_range_of_dates() -> None:
    """Such a text is read as numbers."""
    assert "range_of_dates" not in codes("range", "2024-02-30 - 2024-03-01")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-10", []),
        ("10+", []),
        ("100\u2013200", ["range_joined"]),
        ("100/200", ["range_joined"]),
        ("10-1", ["range_reversed"]),
        ("<50", ["range_bound_lost"]),
        ("under 50", ["range_bound_lost"]),
        ("$1k-$2k", ["range_unit_lost"]),
        ("50k", ["range_unit_lost"]),
        ("1-2-3", ["range_misread"]),
        ("2024-01-01 to 2024-12-31", ["range_of_dates"]),
        ("excellent", ["range_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("range", text)

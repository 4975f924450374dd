import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("219-45-6789", "219456789"),
        ("219 45 6789", "219456789"),
        ("SSN: 219.45.6789", "219456789"),
        ("219-45-678", None),
        ("219-45-67890", None),
        ("xxx-xx-6789", None),
        ("219-45-678\uff19", None),
    ],
)
def test_nine_digits_are_a_number(text: str, value: str | None) -> None:
    """Nine digits, whatever stands between them."""
    parsed = read("ssn", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_parts_of_a_number() -> None:
    """Three, two and four digits; none if there are not nine."""
    parts = {"first_three": "219", "middle_two": "45", "last_four": "6789"}
    assert parts == read("ssn", "219456789").parts
    assert {} == read("ssn", "6789").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("219-45-6789", []),
        ("219 45 6789", []),
        ("***-**-6789", ["ssn_masked"]),
        ("XXX-XX-6789", ["ssn_masked"]),
        ("01-23-4567", ["ssn_zero_lost"]),
        ("6789", ["ssn_not_understood"]),
        ("000-12-3456", ["ssn_impossible"]),
        ("666-12-3456", ["ssn_impossible"]),
        ("900-12-3456", ["ssn_impossible"]),
        ("219-00-6789", ["ssn_impossible"]),
        ("219-45-0000", ["ssn_impossible"]),
        ("123-45-6789", ["ssn_impossible"]),
        ("111-11-1111", ["ssn_impossible"]),
        ("21-945-6789", ["ssn_misgrouped"]),
        ("SSN 219456789", ["ssn_extra_text"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("ssn", text)

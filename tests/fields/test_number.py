import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,250.50", "1250.5"),
        ("$20", "20"),
        ("(20)", "20"),
        ("-$20", "-20"),
        ("1e3", "13"),
        ("1/2", "12"),
        ("007", "7"),
        ("1000000000000000000000", "1e+21"),
        ("0.0000001", "1e-7"),
        ("-0", "0"),
    ],
)
def test_only_digits_points_and_hyphens_count(text: str, value: str | None) -> None:
    """Everything but digits, points and hyphens is deleted before reading."""
    parsed = read("number", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize("text", ["", "twelve", "5-", "1-2", "1.2.3", "-", ".", "٣"])
def test_what_is_no_number_has_the_value_nan(text: str) -> None:
    """LeadConduit keeps such a value as "not a number"."""
    parsed = read("number", text)
    assert (False, "NaN") == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250000", []),
        ("$1,250,000.00", []),
        ("1 000", []),
        ("-5", []),
        ("twelve", ["number_not_understood"]),
        ("1e3", ["number_exponent"]),
        ("100k", ["number_letters"]),
        ("1/2", ["number_joined"]),
        ("12:30", ["number_joined"]),
        ("1.000,50", ["number_decimal_comma"]),
        ("€45,10", ["number_decimal_comma"]),
        ("($20)", ["number_minus_lost"]),
        ("\u22125", ["number_minus_lost"]),
        (" 5", ["padded"]),
        ("n/a", ["placeholder", "number_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("number", text)

import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 123 Main St ", "123 Main St"),
        ("Main St", "Main St"),
        ("123", None),
        ("123 ", None),
        ("", None),
    ],
)
def test_a_street_has_two_words(text: str, value: str | None) -> None:
    """Two words at least; outer white space goes."""
    parsed = read("street", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_first_word_is_the_number() -> None:
    """Whatever it is."""
    assert {"number": "123", "name": "Main  St"} == read("street", "123 \tMain  St").parts
    assert {"number": "Main", "name": "St"} == read("street", "Main St").parts
    assert {} == read("street", "Broadway").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123 Main St", []),
        ("1/2 Elm St", []),
        ("P.O. Box 12", ["street_no_number"]),
        ("Broadway", ["street_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("street", text)

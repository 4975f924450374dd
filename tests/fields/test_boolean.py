import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Y", "true"),
        ("yes!", "true"),
        ("-1", "true"),
        ("[True]", "true"),
        ("no", "false"),
        ("F", "false"),
        ("0", "false"),
    ],
)
def test_ten_words_are_known(text: str, value: str | None) -> None:
    """Ten words, whatever stands around them."""
    parsed = read("boolean", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize("text", ["on", "x", "✓", "sí", "1.0", "yeah", "yesyes", ""])
def test_what_is_not_known_counts_as_no(text: str) -> None:
    """An invalid value is false, not missing."""
    parsed = read("boolean", text)
    assert (False, "false") == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", []),
        ("on", ["boolean_not_understood"]),
        ("-1", ["boolean_signed"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("boolean", text)

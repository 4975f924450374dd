import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a\nb", "a\nb"),
        ("", ""),
    ],
)
def test_any_text_is_a_string(text: str, value: str | None) -> None:
    """Any text stays as it is."""
    parsed = read("string", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fine", []),
        ("a\nb", []),
        ("test", ["placeholder"]),
        ("cafÃ©", ["garbled"]),
        ("x\ufeffy", ["invisible_characters"]),
        ("tab\t", ["padded"]),
        ("\xa0", ["blank"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("string", text)

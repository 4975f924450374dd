import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ada", "Ada"),
        (" Ada ", " Ada "),
        ("", ""),
        ("123", "123"),
    ],
)
def test_any_text_is_a_name(text: str, value: str | None) -> None:
    """Any text is one."""
    parsed = read("last_name", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada", []),
        ("O'Brien", []),
        ("van der Berg", []),
        ("Ada1", ["name_digits"]),
        ("ada@example.org", ["name_is_an_address"]),
        ("123", ["name_digits", "name_no_letter"]),
        ("N/A", ["placeholder"]),
        ("JosÃ©", ["garbled"]),
        ("Ada\u200b", ["invisible_characters"]),
        (" Ada", ["padded"]),
        ("  ", ["blank", "name_no_letter"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("last_name", text)

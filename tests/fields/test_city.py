import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Austin", "Austin"),
        (" x ", " x "),
        ("", ""),
    ],
)
def test_any_text_is_a_city(text: str, value: str | None) -> None:
    """Any text is one."""
    parsed = read("city", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Austin", []),
        ("St. Louis", []),
        ("Austin, TX", ["city_with_state"]),
        ("Austin 78701", ["city_digits"]),
        ("unknown", ["placeholder"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("city", text)

import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("s3cret", "s3cret"),
        (" x ", " x "),
        ("", ""),
    ],
)
def test_any_text_is_a_credential(text: str, value: str | None) -> None:
    """Any text stays as it is."""
    parsed = read("credential", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test", []),
        (" x ", []),
        ("none", []),
    ],
)
def test_nothing_is_said_about_a_credential(text: str, expected: list[str]) -> None:
    """Not even that it looks like a placeholder."""
    assert expected == codes("credential", text)

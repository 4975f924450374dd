import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05T13:45:00Z", "2024.01.05", "01/05/2024 1:45 PM", "13/05/2024", "1/5", "01/2024",
        "May", "Jan 5, 2024", "5 January", "1:45 PM", "3pm", "at 5", "today", "next friday",
        "I will call you monday", "in 3 days", "2 hours ago", "this evening", "+2 days",
    ],
)  # fmt: skip
def test_a_text_with_a_date_or_a_time_of_day_is_valid(text: str) -> None:
    """Wherever in the text it stands; the value is not told."""
    parsed = read("time", text)
    assert (True, text, {}) == (parsed.valid, parsed.value, parsed.parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "20240105",
        "1704462300",
        "2024",
        "13/13/2024",
        "1/32",
        "25:75",
        "2024-W01-5",
        "N/A",
    ],
)
def test_a_text_without_one_is_not(text: str) -> None:
    """Epoch seconds and bare years are no time."""
    assert not read("time", text).valid


def test_a_time_is_not_looked_for_far_behind() -> None:
    """Nobody writes it after ten thousand characters."""
    assert not read("time", "x" * 10_001 + " today").valid


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-05T13:45:00Z", []),
        ("2024-01-05 13:45 -0600", []),
        ("2024-01-05", []),
        ("2024-01-05 13:45", ["time_no_zone"]),
        ("tomorrow", ["time_relative"]),
        ("1/5", ["time_relative"]),
        ("never", ["time_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("time", text)

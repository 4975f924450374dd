import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tx", "TX"),
        ("Texas", "TX"),
        ("NEW YORK", "NY"),
        ("Quebec", "QC"),
        ("VI", "VI"),
        ("dc", "DC"),
        ("TX ", "TX "),
        ("District of Columbia", "District of Columbia"),
        ("Newfoundland and Labrador", "Newfoundland and Labrador"),
        ("Yukon", "Yukon"),
        ("Québec", "Québec"),
        ("AE", "AE"),
        ("Bavaria", "Bavaria"),
        ("", ""),
    ],
)
def test_how_a_state_is_read(text: str, value: str | None) -> None:
    """A code or a full name becomes a code; all else passes."""
    parsed = read("state", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_part_of_a_state_is_its_name() -> None:
    """Of an unknown one, the text."""
    assert {"name": "Texas"} == read("state", "tx").parts
    assert {"name": "Yukon YT"} == read("state", "yt").parts
    assert {"name": "Bavaria"} == read("state", "Bavaria").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TX", []),
        ("texas", []),
        ("TX ", ["padded", "state_padded"]),
        ("District of Columbia", ["state_name_not_mapped"]),
        ("Yukon", ["state_name_not_mapped"]),
        ("AE", ["state_military"]),
        ("Bavaria", ["state_unknown"]),
        ("Texsa", ["state_unknown"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("state", text)

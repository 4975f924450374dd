import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("m", "male"),
        (" F ", "female"),
        ("OTHER", "other"),
        ("M.", None),
        ("Woman", None),
        ("X", None),
        ("1", None),
    ],
)
def test_three_genders_are_known(text: str, value: str | None) -> None:
    """Three words or their first letters."""
    parsed = read("gender", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_part_of_a_gender_is_its_letter() -> None:
    """None, if it is not known."""
    assert {"abbr": "F"} == read("gender", "Female").parts
    assert {"abbr": None} == read("gender", "Woman").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("F", []),
        ("Woman", ["gender_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("gender", text)

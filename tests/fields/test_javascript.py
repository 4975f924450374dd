import pytest

from bulkpost.fields.javascript import number, number_text, trimmed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-0.5", -0.5), (".5", 0.5), ("1.", 1), ("", None), ("-", None), (".", None),
        ("1-", None), ("--1", None), ("1.2.3", None), ("9" * 400, float("inf")),
        ("-" + "9" * 400, float("-inf")), ("0" * 1000 + "7", 7), ("0." + "0" * 2000 + "1", 0),
    ],
)  # fmt: skip
def test_a_number_is_what_javascript_takes_for_one(text: str, value: float | None) -> None:
    """Digits, one point, one leading minus; too many digits are infinite."""
    assert value == number(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (0.1, "0.1"), (1e16, "10000000000000000"), (1e21, "1e+21"),
        (1.5e21, "1.5e+21"), (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"), (1.5e-6, "0.0000015"), (1e-7, "1e-7"), (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"), (5e-324, "5e-324"), (-12.25, "-12.25"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_javascript_writes_it(value: float, text: str) -> None:
    """All digits below 10 to the power of 21, then an exponent with its sign."""
    assert text == number_text(value)


def test_white_space_is_javascripts() -> None:
    """A byte order mark is white space there, a file separator is not."""
    assert "a\x1c" == trimmed("\ufeff\u00a0 a\x1c\n")

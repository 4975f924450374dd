import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("78751", "78751"),
        ("787514424", "78751-4424"),
        ("78751 - 4424", "78751-4424"),
        ("78751-", "78751"),
        ("k1a0b1", "K1A 0B1"),
        ("K1A  0B1", "K1A 0B1"),
        ("sw1a1aa", "SW1A 1AA"),
        ("AA11A 1AA", "AA11A 1AA"),
        ("1AA", " 1AA"),
        ("", ""),
        ("  ", ""),
        ("78751--4424", None),
        ("K1A-0B1", None),
        ("2134", None),
        ("12345.0", None),
        ("'12345", None),
        ("GIR 0AA", None),
        ("75008 Paris", None),
    ],
)
def test_how_a_postal_code_is_read(text: str, value: str | None) -> None:
    """By shape only: a ZIP code, a Canadian or a British one."""
    parsed = read("postal_code", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (" 78751 ", {"country_code": "US", "code": "78751", "zip": "78751", "four": None}),
        ("", {"country_code": "US", "code": None, "zip": None, "four": None}),
        (
            "k1a0b1",
            {"country_code": "CA", "code": "K1A0B1", "fsa": "K1A", "district": "K", "ldu": "0B1"},
        ),
        ("l1 8jq", {"country_code": "GB", "code": "L1 8JQ", "outcode": "L1", "incode": "8JQ"}),
        ("1", {}),
    ],
)
def test_the_parts_tell_the_country(text: str, parts: dict[str, str | None]) -> None:
    """Each country has its own parts."""
    assert parts == read("postal_code", text).parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("78751", []),
        ("78751-4424", []),
        ("K1A 0B1", []),
        ("SW1A 1AA", []),
        ("2134", ["postal_code_zero_lost"]),
        ("12345.0", ["postal_code_decimals"]),
        ("1AA", ["postal_code_partial"]),
        ("Z9Z 9Z9", ["postal_code_impossible"]),
        ("QQ1 1QQ", ["postal_code_impossible"]),
        ("00000", ["postal_code_impossible"]),
        ("78751-", ["postal_code_trailing_hyphen"]),
        ("Paris", ["postal_code_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("postal_code", text)

import phonenumbers
import pytest
from field_reading import codes, read
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1-512-789-1111", "5127891111"),
        ("512-789-1111 x1234", "5127891111x1234"),
        ("(512) 789-1111h", "5127891111"),
        ("5127891111m", "5127891111"),
        ("+44 20 7946 0958", "2079460958"),
        ("011 44 20 7946 0958", "2079460958"),
        ("1-800-CALL-NOW", "8002255669"),
        ("tel:512-789-1111", "5127891111"),
        ("512-***-****", "512*******"),
        ("*67 512 789 1111", "*675127891111"),
        ("9005550123", "9005550123"),
        ("512_789_1111", None),
        ("512,789,1111", None),
        ("5.12789E+09", None),
        ("x", None),
        ("", None),
        (
            "5" * 251,
            None,
        ),
    ],
)
def test_how_a_number_is_read(text: str, value: str | None) -> None:
    """As libphonenumber reads it in the United States."""
    parsed = read("phone", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5127891111h", "home"),
        ("5127891111w", "work"),
        ("5127891111m", "mobile"),
        ("512-789-1111 (c)", "mobile"),
        ("512-789-1111 (w)", "work"),
        ("5127891111 x12m", "mobile"),
        ("5127891111H", None),
        ("5127891111h ", None),
        ("5127891111", None),
    ],
)
def test_a_last_small_letter_tells_the_kind(text: str, kind: str | None) -> None:
    """It must stand at the very end."""
    assert kind == read("phone", text).parts["type"]


def test_the_parts_of_an_american_number() -> None:
    """Canada and the islands count as the United States."""
    parts = {
        "area": "604",
        "exchange": "555",
        "line": "0187",
        "number": "5550187",
        "extension": "12",
        "country_code": "US",
        "country_calling_code": 1,
        "is_tollfree": False,
        "type": "home",
    }
    assert parts == read("phone", "(604) 555-0187 x12 h").parts


def test_the_parts_of_a_foreign_number() -> None:
    """Area and number only."""
    parts = read("phone", "+33 1 99 00 12 34").parts
    assert ("1", "99001234", "FR", 33) == (
        parts["area"],
        parts["number"],
        parts["country_code"],
        parts["country_calling_code"],
    )
    assert parts["exchange"] is parts["line"] is parts["extension"] is None


@pytest.mark.parametrize(
    ("text", "area", "exchange", "line"),
    [
        ("12345", "***", "123", "45"),
        ("512-555-01435", "***", "512", "5550"),
        ("2222222222", "222", "222", "2222"),
        ("911", "***", "911", ""),
    ],
)
def test_an_impossible_number_is_invalid_and_keeps_its_digits(
    text: str, area: str, exchange: str, line: str
) -> None:
    """Its parts are the first digits, whatever they mean."""
    parsed = read("phone", text)
    assert not parsed.valid
    assert text.replace("-", "") == parsed.value
    assert (area, exchange, line) == tuple(
        parsed.parts[name] for name in ("area", "exchange", "line")
    )


def test_leadconduit_knows_six_toll_free_areas() -> None:
    """833 is one in the world, but not there."""
    flags = {area: read("phone", f"{area}7891111").parts["is_tollfree"] for area in ("844", "833")}
    assert {"844": True, "833": False} == flags


@given(digits=st.from_regex(r"[2-9][0-9]{9}", fullmatch=True), gap=st.sampled_from(["", "-", " "]))
@example(digits="5234550143", gap="-")
@example(digits="2742701234", gap="")
def test_the_short_way_for_american_numbers_is_the_librarys_verdict(digits: str, gap: str) -> None:
    """Six digits decide, as they do in the library's own answer for all ten."""
    text = f"{digits[:3]}{gap}{digits[3:6]}{gap}{digits[6:]}"
    parsed = read("phone", text)
    number = phonenumbers.parse(text, "US")
    assert phonenumbers.is_valid_number(number) == parsed.valid
    assert str(number.national_number) == parsed.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(512) 789-1111", []),
        ("512-789-1111 ext. 12", []),
        ("5127891111h", []),
        ("512-555-0143", ["phone_fictitious"]),
        ("9007891111", ["phone_premium"]),
        ("8337891111", ["phone_toll_free"]),
        ("+44 20 7946 0958", ["phone_foreign"]),
        ("604-789-1111", ["phone_other_country"]),
        ("1-512-CALL-NOW", ["phone_letters"]),
        ("5127891111H", ["phone_hint_ignored"]),
        ("512-***-****", ["phone_masked"]),
        ("5127891111.0", ["phone_decimals"]),
        ("5.12789E+09", ["phone_decimals"]),
        ("1111111111", ["phone_invalid"]),
        ("512_789_1111", ["phone_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("phone", text)

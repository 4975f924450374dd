from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.endpoints.form import encode

texts = st.text(st.characters(codec="utf-8"))
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(st.lists(st.tuples(names, texts), min_size=1))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """Line breaks, ``&=+%;``, NUL, emoji: any text comes back as it went in."""
    body = encode(pairs).decode("ascii")
    assert pairs == parse_qsl(body, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b", b"x=a+b"),
        ("a+b", b"x=a%2Bb"),
        ("a&b=c", b"x=a%26b%3Dc"),
        ("100%", b"x=100%25"),
        ("é", b"x=%C3%A9"),
        ("\U0001f600", b"x=%F0%9F%98%80"),
        ("\r\n\x00", b"x=%0D%0A%00"),
        ("A-z_0.~", b"x=A-z_0.~"),
    ],
)
def test_the_bytes_on_the_wire(value: str, expected: bytes) -> None:
    """The body is plain ASCII, its texts UTF-8 in percent escapes, a space a plus."""
    assert expected == encode([("x", value)])


def test_dots_in_names_stay_dots() -> None:
    """A dotted name nests only if its dots arrive as they are."""
    assert b"loan.amount=1&first+name=2" == encode([("loan.amount", "1"), ("first name", "2")])

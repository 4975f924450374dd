import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("192.000.002.001", "192.0.2.1"),
        (" 192. 0.2.1", "192.0.2.1"),
        ("https://192.0.2.1:443/x", "192.0.2.1"),
        ("2001:0DB8::0001", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:c000:201"),
        ("192.0.2", None),
        ("256.0.0.1", None),
        ("2130706433", None),
        ("2001:db8::192.0.2.1", None),
        ("1:2:3:4:5:6:7", None),
        ("localhost", None),
        ("192.0.2.1 203.0.113.7", None),
    ],
)
def test_how_an_address_is_read(text: str, value: str | None) -> None:
    """Version 4 or 6, out of a URL if need be."""
    parsed = read("ip", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_parts_of_an_address() -> None:
    """Version 4 is written as version 6 in LeadConduit's own way."""
    assert {"is_ipv4": True, "ipv6_format": "ffff::cb00:7107"} == read("ip", "203.0.113.7").parts
    assert {"is_ipv4": False, "ipv6_format": "2001:db8::1"} == read("ip", "2001:db8::1").parts
    assert {} == read("ip", "localhost").parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", []),
        ("2606:4700::1111", []),
        ("10.0.0.1", ["ip_not_public"]),
        ("127.0.0.1", ["ip_not_public"]),
        ("::ffff:10.0.0.1", ["ip_not_public"]),
        ("8.8.8.8:80", ["ip_extra_text"]),
        ("localhost", ["ip_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("ip", text)

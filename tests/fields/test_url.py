import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("https://Example.org:443/a b?x=1#h", "https://example.org/a%20b?x=1#h"),
        ("example.org", "http://example.org/"),
        ("none", "http://none/"),
        ("https:/x", "http://https/x"),
        ("ftp://example.org", None),
        ("https:example.org", None),
        ("?", None),
        ("", None),
        (
            "x" * 9000,
            None,
        ),
    ],
)
def test_how_an_address_is_read(text: str, value: str | None) -> None:
    """By the URL Standard, with http:// before it if there is none."""
    parsed = read("url", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_parts_of_an_address() -> None:
    """The query has lost its question mark, the hash has kept its sign."""
    parts = read("url", "https://example.org:8443/a?b=1&c=2#d").parts
    assert {
        "protocol": "https",
        "host": "example.org:8443",
        "port": "8443",
        "path": "/a",
        "query": "b=1&c=2",
        "hash": "#d",
    } == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/a?b=c@d", []),
        ("example.org", []),
        ("none", ["placeholder", "url_unlikely"]),
        ("1", ["url_unlikely"]),
        ("512-555-0143", ["url_unlikely"]),
        ("a@b.org", ["url_user_info"]),
        ("https://[2001:db8::1]:80/", []),
        ("ftp://x", ["url_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("url", text)

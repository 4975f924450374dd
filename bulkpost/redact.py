"""Text from outside, made fit to keep and to show: no personal data, no control characters.

Two different needs, two functions: ``scrub`` takes lead data out of what LeadConduit answers, so
that it may be stored; ``printable`` takes the teeth out of any text before a terminal shows it.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REASON_CHARS_MAX = 500
_OWN_VALUE_CHARS_MIN = 3  # shorter ones ("TX", "M") identify nobody and would shred the sentence
_TELLING_CHARS_MIN = 8  # shorter ones ("Ann") are looked for as whole words only ("annual")
_OWN_DIGITS_MIN = 5
_WINDOW = 8  # how many times the result's length is looked at
_PASSES_MAX = 8
# Both start where a token starts only: linear on any text.
_EMAIL = re.compile(
    r"""(?<![^\s@<>"'(),:;\[\]])[^\s@<>"'(),:;\[\]]+(?:@|%40)[^\s@<>"'(),:;\[\]]+"""
)
# Seven digits or more with the separators people use: telephone and social security numbers, dates.
# An id of LeadConduit's (24 hex digits) is no one's data.
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z])(?P<id>[0-9a-fA-F]{24})(?![0-9A-Za-z])"
    r"|\+?\(?\d(?:[ ()./_\-\u2010-\u2015\u2212]{0,4}\d){6,}+"
)
_DIGIT_VALUE = re.compile(r"[\d\s().+,/_\-\u2010-\u2015\u2212]+")
_ANY_DIGIT = re.compile(r"\d")
_NO_DIGIT = re.compile(r"\D+")
# Terminal sequences as a whole: their last letter would stick to the word behind it.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)?)?")
_SPACES = re.compile(r"\s+")
# A telephone number or a social security number, as a whole word.
_PERSONAL_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{3}[-. ]?\d{3}[-. ]?\d{4}|\d{3}[- ]?\d{2}[- ]?\d{4})(?![0-9A-Za-z])"
)
# (field name, the value as it would stand in a cleaned text, the value as it was sent)
_Own = tuple[str, str, str]
# A short value stands alone: no letter or digit beside it, but for the end of an escape (%20, \\n).
_BEFORE = r"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt]))"
_AFTER = r"(?![^\W_])"


def scrub(
    text: str, own: Iterable[tuple[str, str]] = (), *, chars_max: int = REASON_CHARS_MAX
) -> str:
    """Take personal data out of a text that LeadConduit or a proxy sent.

    The row's own values become ``[field name]``, also where they come back escaped for a URL, JSON
    or HTML or with their digits grouped in another way; e-mail addresses and long numbers become
    ``[email]`` and ``[digits]`` wherever they came from; white space is folded, control characters
    and lone surrogates become ``?``.

    Args:
        text: What came.
        own: The (field name, text) pairs that were sent.
        chars_max: The result is cut to this many characters.
    """
    window = text[: chars_max * _WINDOW]
    values = [(name, folded, value) for name, value in own if (folded := _folded(value))]
    clean = _scrubbed(_plain_text(window), values)
    if len(window) < len(text):
        # The window may end inside a value, which is then not recognised.
        longest = max((len(value) for _, value, _ in values), default=0)
        clean = clean[: max(0, len(clean) - longest)]
    return clean if len(clean) <= chars_max else clean[: chars_max - 1] + "…"


def printable(text: str) -> str:
    """Return a text whose control, bidirectional and surrogate characters are shown, not obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == " " else _escaped(char) for char in text)


def _scrubbed(text: str, values: list[_Own]) -> str:
    # What one rule leaves behind may give another rule its word boundary.
    for _ in range(_PASSES_MAX):
        clean = _once(text, values)
        if clean == text:
            break
        text = clean
    return text


def _once(text: str, values: list[_Own]) -> str:
    lowered = text.casefold()
    is_escaped = any(mark in text for mark in "%+\\&")
    hits = [
        (name, form)
        for name, folded, value in values
        for form in (_forms(folded, value) if is_escaped else (folded,))
        if form in lowered
    ]
    if hits:
        # Where folding changes the length ("ß"), only the folded text shows the value.
        text = _without(text if len(lowered) == len(text) else lowered, hits)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[email]", text)
    if _ANY_DIGIT.search(text):
        text = _without_digits(text, values)
    return text


def _without(text: str, hits: list[tuple[str, str]]) -> str:
    hits.sort(key=lambda hit: -len(hit[1]))
    marks = "|".join(re.escape(f"[{name}]") for name, _ in hits)
    forms = "|".join(_pattern(form) for _, form in hits)
    pattern = re.compile(f"{marks}|{forms}", re.IGNORECASE)

    def replaced(match: re.Match[str]) -> str:
        return f"[{hits[match.lastindex - 1][0]}]" if match.lastindex else match[0]

    return pattern.sub(replaced, text)


def _pattern(form: str) -> str:
    if len(form) >= _TELLING_CHARS_MIN:
        return f"({re.escape(form)})"
    return f"{_BEFORE}({re.escape(form)}){_AFTER}"


def _without_digits(text: str, values: list[_Own]) -> str:
    text = _DIGITS.sub(lambda match: match[0] if match["id"] else "[digits]", text)
    digits = _NO_DIGIT.sub("", text)
    if len(digits) < _OWN_DIGITS_MIN:
        return text
    for name, value, _ in values:
        own_digits = _NO_DIGIT.sub("", value) if _DIGIT_VALUE.fullmatch(value) else ""
        if len(own_digits) >= _OWN_DIGITS_MIN and own_digits in digits:
            grouped = r"[^0-9A-Za-z\[\]]{0,5}".join(own_digits)
            mark = f"[{name}]".replace("\\", r"\\")
            text = re.sub(rf"(?<!\d){grouped}(?!\d)", mark, text)
    return text


def _forms(folded: str, value: str) -> Iterator[str]:
    """Yield how a value may come back: as it is, and escaped for a URL, JSON or HTML."""
    yield folded
    for form in (
        quote_plus(value, errors="replace"),
        quote(value, errors="replace"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
    ):
        if form != value:
            yield _folded(form)


def _folded(value: str) -> str:
    """Return a value as it would stand in a cleaned text, or nothing if it identifies nobody."""
    if len(value) < _OWN_VALUE_CHARS_MIN:
        return ""
    value = " ".join(value.split()).casefold()
    if not value.isascii():
        value = _plain_text(unicodedata.normalize("NFC", value)).casefold()
    return value if len(value) >= _OWN_VALUE_CHARS_MIN else ""


def _plain_text(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = _TERMINAL.sub("?", text)
        text = "".join(_plain(char) for char in text)
    return _SPACES.sub(" ", text).strip()


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


def scrub_path(path: str) -> str:
    """Take what looks like personal data out of a file's path, and leave the rest usable.

    Dates and running numbers stay; an e-mail address, a telephone or a social security number in a
    file name becomes ``[email]`` or ``[digits]``.
    """
    parts = [
        _PERSONAL_NUMBER.sub("[digits]", _EMAIL.sub("[email]", part)) for part in path.split("/")
    ]
    return _plain_text("/".join(parts))

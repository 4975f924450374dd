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

from bulkpost.escapes import unescaped

REASON_CHARS_MAX = 500
_OWN_VALUE_CHARS_MIN = 3  # shorter ones ("TX", "M") identify nobody and would shred the sentence
_TELLING_CHARS_MIN = 8  # shorter ones ("Ann") are looked for as whole words only ("annual")
_OWN_DIGITS_MIN = 5
_WINDOW = 8  # how many times the result's length is looked at
# Nothing longer than the text stands in it, even if an escape takes so much more room than what it
# stands for: of a value of a megabyte only its beginning is looked for.
_SHRINKING = 16
_VALUE_CHARS_MIN = 4_096
_PASSES_MAX = 8
_LEVELS_MAX = 4  # escapes of escapes
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
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_LETTER_ESCAPE = re.compile(r"\\[bfnrt]")
# What is left of an escape, or of a character, that was cut off.
_BROKEN_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]?|\\[uUxX]?[0-9A-Fa-f]{0,3}|&#?\w{0,8}|\ufffd)\Z")
_LAST_DIGITS = re.compile(r"(?<!\d)\d[^A-Za-z\[\]]{0,40}\Z")
_GAP = re.compile(r"[^0-9A-Za-z\[\]]{0,5}")  # what people put between the digits of a number


def scrub(
    text: str,
    own: Iterable[tuple[str, str]] = (),
    *,
    chars_max: int = REASON_CHARS_MAX,
    is_cut: bool = False,
) -> str:
    """Take personal data out of a text that LeadConduit or a proxy sent.

    The row's own values become ``[field name]``, also where they come back escaped for a URL, JSON
    or HTML or with their digits grouped in another way; e-mail addresses and long numbers become
    ``[email]`` and ``[digits]`` wherever they came from; white space is folded, control characters
    and lone surrogates become ``?``, and characters that nobody sees are left out.

    Args:
        text: What came.
        own: The (field name, text) pairs that were sent.
        chars_max: The result is cut to this many characters.
        is_cut: The text does not end where its author ended it, so it may end inside a value.
    """
    if not text:
        return text  # of most successes: the reason is empty, and looking for nothing costs time
    window = text[: chars_max * _WINDOW]
    looked_for_chars_max = max(_VALUE_CHARS_MIN, len(window) * _SHRINKING)
    values = [
        (name, folded, spelling)
        for name, value in own
        for spelling in _spellings(value[:looked_for_chars_max])
        if (folded := _folded(spelling))
    ]
    clean = _scrubbed(_plain_text(window), values)
    if is_cut or len(window) < len(text):
        clean = _without_edge(clean, values)
    return clean if len(clean) <= chars_max else clean[: chars_max - 1] + "…"


def printable(text: str) -> str:
    """Return a text whose control, bidirectional and surrogate characters are shown, not obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == " " else _escaped(char) for char in text)


def json_text(value: object) -> str:
    """Return a value as JSON on one line, with every character escaped that could be obeyed."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _scrubbed(text: str, values: list[_Own]) -> str:
    """Scrub a text, and what it says once its escapes are read as what they stand for.

    It stays as it came, escapes and all, unless they hide something: then it is kept unescaped.
    """
    clean = shown = _passed(text, values)
    for _ in range(_LEVELS_MAX):
        plain = _plain_text(unescaped(text))
        if plain == text:
            break
        text = plain
        told, shown = _passed(text, values), _plain_text(unescaped(shown))
        if told != shown:
            clean = shown = told
    return clean


def _passed(text: str, values: list[_Own]) -> str:
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
        text = _without(text if len(lowered) == len(text) else lowered, lowered, hits)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[email]", text)
    if _ANY_DIGIT.search(text):
        text = _without_digits(text, values)
    return text


def _without_edge(clean: str, values: list[_Own]) -> str:
    """Take away the end of a text that was cut off inside a value; else leave it as it is."""
    plain = _BROKEN_ESCAPE.sub("", clean)
    for _ in range(_LEVELS_MAX):
        plain = _plain_text(_BROKEN_ESCAPE.sub("", unescaped(plain)))
    lowered = plain.casefold()
    begun = max((_begun_chars(lowered, folded) for _, folded, _ in values), default=0)
    if begun < _OWN_VALUE_CHARS_MIN:
        return clean
    # Where folding changes the length, only the folded text shows where the value begins.
    kept = plain if len(plain) == len(lowered) else lowered
    return kept[: len(kept) - begun].rstrip()


def _begun_chars(lowered: str, folded: str) -> int:
    """Return how many characters at the end of a text are the beginning of a value."""
    for count in range(min(len(folded) - 1, len(lowered)), _OWN_VALUE_CHARS_MIN - 1, -1):
        if lowered.endswith(folded[:count]):
            return count
    own_digits = _NO_DIGIT.sub("", folded) if _DIGIT_VALUE.fullmatch(folded) else ""
    end = _LAST_DIGITS.search(lowered)
    if own_digits and end and own_digits.startswith(_NO_DIGIT.sub("", end[0])):
        return len(end[0])
    return 0


def _without(text: str, lowered: str, hits: list[tuple[str, str]]) -> str:
    """Put field names in the place of values; what stands there already is left alone.

    Looked for by hand: a pattern made of a value would stay in the memory of the ``re`` module.
    """
    wanted = [(f"[{name}]".casefold(), "") for name, _ in hits]
    wanted += [(form, f"[{name}]") for name, form in hits]
    wanted.sort(key=lambda entry: -len(entry[0]))
    starts = [_next_alone(text, lowered, form, 0) for form, _ in wanted]
    pieces, at = list[str](), 0
    while (start := min((start for start in starts if start >= 0), default=-1)) >= 0:
        form, mark = wanted[starts.index(start)]
        end = start + len(form)
        pieces += (text[at:start], mark or text[start:end])
        at = end
        starts = [
            _next_alone(text, lowered, form, at) if 0 <= found < at else found
            for found, (form, _) in zip(starts, wanted, strict=True)
        ]
    return "".join([*pieces, text[at:]])


def _next_alone(text: str, lowered: str, form: str, at: int) -> int:
    """Return where a value stands next, from a place on; -1 if nowhere."""
    while (start := lowered.find(form, at)) >= 0:
        end = start + len(form)
        if len(form) >= _TELLING_CHARS_MIN or form[0] == "[" or _is_alone(text, start, end):
            return start
        at = start + 1
    return -1


def _is_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a short value is a word of its own: no letter or digit is beside it.

    The end of an escape, such as %20, is no letter; neither is the x before the last digits of a
    number that somebody has masked.
    """
    if text[end : end + 1].isalnum():
        return False
    before = text[max(0, start - 1) : start]
    return (
        not before.isalnum()
        or _ESCAPE.fullmatch(text, max(0, start - 3), start) is not None
        or _LETTER_ESCAPE.fullmatch(text, max(0, start - 2), start) is not None
        or (before in "xX" and text[start:end].isdecimal())
    )


def _without_digits(text: str, values: list[_Own]) -> str:
    text = _DIGITS.sub(lambda match: match[0] if match["id"] else "[digits]", text)
    digits = _NO_DIGIT.sub("", text)
    if len(digits) < _OWN_DIGITS_MIN:
        return text
    for name, value, _ in values:
        own_digits = _NO_DIGIT.sub("", value) if _DIGIT_VALUE.fullmatch(value) else ""
        if len(own_digits) >= _OWN_DIGITS_MIN and own_digits in digits:
            text = _without_grouped(text, own_digits, f"[{name}]")
    return text


def _without_grouped(text: str, own_digits: str, mark: str) -> str:
    """Replace a number whatever stands between its digits, but for letters and brackets."""
    places = [match.start() for match in _ANY_DIGIT.finditer(text)]
    digits = "".join(text[place] for place in places)
    pieces, at, first = list[str](), 0, digits.find(own_digits)
    while first >= 0:
        last = first + len(own_digits) - 1
        if _is_one_number(text, places, first, last):
            pieces += (text[at : places[first]], mark)
            at = places[last] + 1
            first = digits.find(own_digits, last + 1)
        else:
            first = digits.find(own_digits, first + 1)
    return "".join([*pieces, text[at:]])


def _is_one_number(text: str, places: list[int], first: int, last: int) -> bool:
    if first and places[first - 1] == places[first] - 1:
        return False
    if last + 1 < len(places) and places[last + 1] == places[last] + 1:
        return False
    return all(
        _GAP.fullmatch(text, places[index] + 1, places[index + 1]) for index in range(first, last)
    )


def _spellings(value: str) -> Iterator[str]:
    """Yield a value, and what it reads like where it holds escapes itself."""
    yield value
    for _ in range(_LEVELS_MAX):
        plain = unescaped(value)
        if plain == value:
            return
        yield plain
        value = plain


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
    if unicodedata.category(char) == "Cf":
        return ""  # nobody sees it, and it would take a value apart
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

"""What looks wrong with any text, whatever its type.

LeadConduit says nothing about these: it passes most of them on as they are.
"""

import re
from typing import Final

from bulkpost.fields.javascript import SPACE
from bulkpost.fields.parsed import NO_FINDINGS
from bulkpost.finding import Finding

BLANK: Final = Finding(
    "blank", "the cell holds nothing but white space", "Leave the cell empty: it is then not sent."
)
PADDED: Final = Finding(
    "padded",
    "white space stands before or after the text",
    "Take it away: not every type of LeadConduit's does so.",
)
INVISIBLE: Final = Finding(
    "invisible_characters",
    "the text holds characters that cannot be seen, such as a zero-width space",
    "Take them away: the text will not compare equal to what it looks like.",
)
GARBLED: Final = Finding(
    "garbled",
    "accented letters look garbled, as after reading a file in the wrong encoding",
    "Export the list again as UTF-8.",
)
PLACEHOLDER: Final = Finding(
    "placeholder",
    "the text looks like a word for 'nothing' or like test data",
    "Leave the cell empty where nothing is known: it is then not sent.",
)

_PLACEHOLDERS: Final = frozenset({
    "-", "--", "---", ".", "..", "...", "?", "??", "???", "*", "/", "\\", "_", "~",
    "n/a", "na", "n.a.", "n.a", "none", "null", "nil", "nan", "undefined", "unknown", "no answer",
    "not available", "not given", "not provided", "tbd", "todo", "empty", "blank",
    "test", "tester", "testing", "test test", "asdf", "asdfasdf", "qwerty", "foo", "foobar",
    "xx", "xxx", "xxxx", "#n/a", "#null!", "#ref!", "#value!", "#name?",
})  # fmt: skip
_PLACEHOLDER_CHARS_MAX = max(map(len, _PLACEHOLDERS))
# UTF-8 read as Windows-1252: a lead byte's letter and then one that no word has after it.
_GARBLED = re.compile("\u00c3[\u0080-\u00bf\u0192\u2030]|\u00c2[\u00a0-\u00bf]|\u00e2\u20ac|\ufffd")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)


def looks(text: str) -> tuple[Finding, ...]:
    """Return what looks wrong with a text; an empty one is fine, for it is never sent."""
    if text.isascii() and text.isprintable():  # nearly every cell of nearly every list
        if text[:1] != " " and text[-1:] != " ":
            return (PLACEHOLDER,) if _is_placeholder(text) else NO_FINDINGS
        return _closely(text)
    return _closely(text)


def _closely(text: str) -> tuple[Finding, ...]:
    bare = text.strip(SPACE)
    if not bare:
        return (BLANK,) if text else NO_FINDINGS
    found = []
    if len(bare) < len(text):
        found.append(PADDED)
    if _INVISIBLE.search(text):
        found.append(INVISIBLE)
    if _GARBLED.search(text):
        found.append(GARBLED)
    if _is_placeholder(bare):
        found.append(PLACEHOLDER)
    return tuple(found)


def _is_placeholder(text: str) -> bool:
    return len(text) <= _PLACEHOLDER_CHARS_MAX and text.lower() in _PLACEHOLDERS

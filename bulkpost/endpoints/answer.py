"""What LeadConduit says in a body: read once, into a value; one reader per format.

The bytes decide, not the Content-Type. An answer is believed as a whole or not at all: anything
odd about it makes it unreadable, with the reason why.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from bulkpost.outcome import VERDICTS, OutcomeKind

_BOM = b"\xef\xbb\xbf"
_LOOKED_AT_BYTES = 512
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title)[\s>]", re.IGNORECASE)
_XML_STARTS = (b"<?xml", b"<result", b"<response", b"<!doctype response", b"<!doctype result")
_SCALAR = re.compile(rb"""["\d-]|(?:null|true|false|NaN|-?Infinity)\b""")
_LEAD_ID = re.compile(rb"(?<![0-9A-Za-z])[0-9a-fA-F]{24}(?![0-9A-Za-z])")
_WORDS = b"|".join(kind.value.encode() for kind in sorted(VERDICTS))
_WHOLE_LEAD_ID = re.compile(r"[0-9a-fA-F]{24}")
_KINDS = {kind.value: kind for kind in VERDICTS}
_WORD = re.compile(rb'"outcome"\s*:\s*"(' + _WORDS + rb')"|<outcome>\s*(' + _WORDS + rb")\s*<")


class Shape(Enum):
    """What a body looks like from its first bytes."""

    EMPTY = auto()
    JSON = auto()
    HTML = auto()
    XML = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """A readable answer.

    Attributes:
        kind: One of LeadConduit's three.
        reason: As it came, not scrubbed; None if there was none.
        lead_id: 24 lower-case hex digits, or None if the account does not return it.
        price_micros: Price in millionths, or None if there was none.
    """

    kind: OutcomeKind
    reason: str | None = field(repr=False)
    lead_id: str | None
    price_micros: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that cannot be believed.

    Attributes:
        why: What is odd, in our words: "the body is empty".
        word: The server's own word where that is the oddity; not scrubbed.
    """

    why: str
    word: str = field(default="", repr=False)


class OddError(Exception):
    """Something in an answer is not as it must be; the two attributes are ``Unreadable``'s."""

    def __init__(self, why: str, word: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.word = word


def kind_of(word: object) -> OutcomeKind:
    """Return the outcome that a word of the answer stands for.

    Raises:
        OddError: It is none of LeadConduit's three: "deferred" from a server must not become ours.
    """
    if word is None:
        raise OddError("there is no outcome")
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise OddError("the outcome is no known word", word if isinstance(word, str) else "")
    return kind


def whole_lead_id(text: object) -> str:
    """Return a lead id in lower case.

    Raises:
        OddError: It is not 24 hex digits.
    """
    if not isinstance(text, str) or _WHOLE_LEAD_ID.fullmatch(text) is None:
        raise OddError("the lead id is not 24 hex digits")
    return text.lower()


def shape_of(body: bytes) -> Shape:
    """Tell what a body looks like, whatever its header said."""
    start = trimmed(body)[:_LOOKED_AT_BYTES]
    if not start:
        return Shape.EMPTY
    if start[:1] in b"{[" or _SCALAR.match(start):
        return Shape.JSON
    if _HTML.search(start):
        return Shape.HTML
    return Shape.XML if start.lower().startswith(_XML_STARTS) else Shape.OTHER


def trimmed(body: bytes) -> bytes:
    """Return a body without byte order mark and outer white space."""
    return body.strip().removeprefix(_BOM).strip()


def salvaged_lead_id(body: bytes, own: frozenset[str]) -> str | None:
    """Return the one lead id that stands in the bytes; None if there is none or more than one.

    Args:
        body: What came of the body.
        own: Texts of ours, lower case, that may look like an id and come back.
    """
    found = {match.decode("ascii").lower() for match in _LEAD_ID.findall(body)} - own
    return found.pop() if len(found) == 1 else None


def salvaged_word(body: bytes) -> str | None:
    """Return the one outcome word that stands in the bytes; None if there is none or several."""
    found = {(json_word or xml_word).decode() for json_word, xml_word in _WORD.findall(body)}
    return found.pop() if len(found) == 1 else None

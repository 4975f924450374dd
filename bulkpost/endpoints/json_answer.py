"""The JSON answer: ``{"outcome":"failure","reason":"duplicate","lead":{"id":"..."},"price":0}``.

The account chooses the fields of its response, so all but the outcome may be absent.
"""

import json
import re
from collections.abc import Sequence

from bulkpost.endpoints.answer import Answer, Unreadable, trimmed
from bulkpost.outcome import MICROS_PER_UNIT, VERDICTS, OutcomeKind

_LEAD_ID = re.compile(r"[0-9a-fA-F]{24}")
_PRICE_MAX = 2**63 // MICROS_PER_UNIT - 1
_KINDS = {kind.value: kind for kind in VERDICTS}


class _OddError(Exception):
    """Something in an answer is not as it must be."""

    def __init__(self, why: str, word: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.word = word


class _Object(dict[str, object]):
    """A JSON object that remembers whether a name stood there twice."""

    has_repeats = False


def read_json(body: bytes) -> Answer | Unreadable:
    """Read a whole body as an answer; never raises."""
    try:
        return _answer(_document(body))
    except _OddError as odd:
        return Unreadable(odd.why, odd.word)


def message_of(body: bytes) -> str | None:
    """Return the ``message`` or ``error`` of a JSON body, not scrubbed, or None."""
    try:
        document = _document(body)
    except _OddError:
        return None
    if not isinstance(document, _Object):
        return None
    texts = (document.get(name) for name in ("message", "error", "reason"))
    return next((text for text in texts if isinstance(text, str)), None)


def _document(body: bytes) -> object:
    try:
        # Bytes that are not UTF-8 can only spoil texts, never the words that decide.
        document: object = _DECODER.decode(trimmed(body).decode("utf-8", "replace"))
    except (ValueError, RecursionError):  # ValueError: also an integer of 5,000 digits
        raise _OddError("the body is not JSON") from None
    return document


def _answer(document: object) -> Answer:
    if not isinstance(document, _Object):
        raise _OddError("the body is JSON, but not an object")
    if document.has_repeats:
        raise _OddError("a name stands twice in the answer")
    return Answer(
        _kind(document.get("outcome")),
        _reason(document.get("reason")),
        _lead_id(document.get("lead")),
        _price_micros(document.get("price")),
    )


def _kind(word: object) -> OutcomeKind:
    if word is None:
        raise _OddError("there is no outcome")
    # Only their three words: "deferred" from a server must not become ours.
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise _OddError("the outcome is no known word", word if isinstance(word, str) else "")
    return kind


def _reason(reason: object) -> str | None:
    if reason is None or isinstance(reason, str):
        return reason
    raise _OddError("the reason is not a text")


def _lead_id(lead: object) -> str | None:
    if lead is None:
        return None
    if not isinstance(lead, _Object) or lead.has_repeats:
        raise _OddError("the lead is not an object, or a name stands twice in it")
    lead_id = lead.get("id")
    if lead_id is None:
        return None
    if not isinstance(lead_id, str) or _LEAD_ID.fullmatch(lead_id) is None:
        raise _OddError("the lead id is not 24 hex digits")
    return lead_id.lower()


def _price_micros(price: object) -> int | None:
    if price is None:
        return None
    if isinstance(price, bool) or not isinstance(price, (int, float)):
        raise _OddError("the price is not a number")
    if abs(price) > _PRICE_MAX:  # 1e999 is read as infinity
        raise _OddError("the price is out of range")
    return round(price * MICROS_PER_UNIT)


def _object(pairs: Sequence[tuple[str, object]]) -> _Object:
    document = _Object(pairs)
    document.has_repeats = len(document) != len(pairs)
    return document


def _no_constant(_name: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)

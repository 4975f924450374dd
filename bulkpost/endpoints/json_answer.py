"""The JSON answer: ``{"outcome":"failure","reason":"duplicate","lead":{"id":"..."},"price":0}``.

The account chooses the fields of its response, so all but the outcome may be absent.
"""

import json
from collections.abc import Sequence

from bulkpost.endpoints.answer import Answer, OddError, Unreadable, kind_of, trimmed, whole_lead_id
from bulkpost.outcome import MICROS_PER_UNIT

_PRICE_MAX = 2**63 // MICROS_PER_UNIT - 1


class JsonObject(dict[str, object]):
    """A JSON object that remembers whether a name stood there twice.

    Attributes:
        has_repeats: It did; the last value counts.
    """

    has_repeats: bool


def read_json(body: bytes) -> Answer | Unreadable:
    """Read a whole body as an answer; never raises."""
    try:
        return _answer(json_document(body))
    except OddError as odd:
        return Unreadable(odd.why, odd.word)


def message_of(body: bytes) -> str | None:
    """Return the ``message`` or ``error`` of a JSON body, not scrubbed, or None."""
    try:
        document = json_document(body)
    except OddError:
        return None
    if not isinstance(document, JsonObject):
        return None
    texts = (document.get(name) for name in ("message", "error", "reason"))
    return next((text for text in texts if isinstance(text, str)), None)


def json_document(body: bytes) -> object:
    """Return what a whole body says.

    Raises:
        OddError: It is not JSON.
    """
    try:
        # Bytes that are not UTF-8 can only spoil texts, never the words that decide.
        document: object = _DECODER.decode(trimmed(body).decode("utf-8", "replace"))
    except (ValueError, RecursionError):  # ValueError: also an integer of 5,000 digits
        raise OddError("the body is not JSON") from None
    return document


def _answer(document: object) -> Answer:
    if not isinstance(document, JsonObject):
        raise OddError("the body is JSON, but not an object")
    if document.has_repeats:
        raise OddError("a name stands twice in the answer")
    return Answer(
        kind_of(document.get("outcome")),
        _reason(document.get("reason")),
        _lead_id(document.get("lead")),
        _price_micros(document.get("price")),
    )


def _reason(reason: object) -> str | None:
    if reason is None or isinstance(reason, str):
        return reason
    raise OddError("the reason is not a text")


def _lead_id(lead: object) -> str | None:
    if lead is None:
        return None
    if not isinstance(lead, JsonObject) or lead.has_repeats:
        raise OddError("the lead is not an object, or a name stands twice in it")
    lead_id = lead.get("id")
    return None if lead_id is None else whole_lead_id(lead_id)


def _price_micros(price: object) -> int | None:
    if price is None:
        return None
    if isinstance(price, bool) or not isinstance(price, (int, float)):
        raise OddError("the price is not a number")
    if abs(price) > _PRICE_MAX:  # 1e999 is read as infinity
        raise OddError("the price is out of range")
    return round(price * MICROS_PER_UNIT)


def _object(pairs: Sequence[tuple[str, object]]) -> JsonObject:
    document = JsonObject(pairs)
    document.has_repeats = len(document) != len(pairs)
    return document


def _no_constant(_name: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)

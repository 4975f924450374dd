"""What LeadConduit's API says, read into values; what is not needed is not even decoded.

An event holds the whole lead. Of it a value keeps the texts, for as long as a reason has to be
scrubbed of them and a reference looked for; nothing here shows them.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from bulkpost.errors import ApiError
from bulkpost.exchange import Reply
from bulkpost.outcome import MICROS_PER_UNIT, VERDICTS, OutcomeKind

_ID = re.compile(r"[0-9a-fA-F]{24}")
_TEXTS_MAX: Final = 5_000
_LEVELS_MAX: Final = 16
_PRICE_MAX: Final = 2**63 // MICROS_PER_UNIT - 1
_KINDS: Final = {kind.value: kind for kind in VERDICTS}
_OK: Final = 200
# A reason cannot be scrubbed of values that nobody looked at.
_UNTOLD: Final = "not kept: the lead has more values than can be looked through"
_DocumentT = TypeVar("_DocumentT")


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """What LeadConduit wrote down when it had handled one lead.

    Attributes:
        id: Of the event; ids grow with time.
        kind: Success, failure or error; None if its word is none of these.
        reason: As it stands there, not scrubbed; None if there is none.
        lead_id: The lead's id, lower case; None if it is not told.
        flow_id: The flow that handled it, lower case; None if it is not told.
        price_micros: Price in millionths; None if it is not told.
        texts: The lead's (name, text) pairs, values and their components.
    """

    id: str
    kind: OutcomeKind | None
    reason: str | None = field(repr=False)
    lead_id: str | None
    flow_id: str | None
    price_micros: int | None
    texts: tuple[tuple[str, str], ...] = field(repr=False)

    def carries(self, field_name: str, text: str) -> bool:
        """Tell whether the lead has a text in a field, as it was sent or as it was read."""
        return any(
            found.lower() == text.lower()
            and (name == field_name or name.startswith(f"{field_name}."))
            for name, found in self.texts
        )


@dataclass(frozen=True, slots=True)
class LeadHit:
    """A lead that full-text search found.

    Attributes:
        lead_id: Its id, lower case.
        flow_id: Its flow, lower case; None if it is not told.
        reference: What its standard field ``reference`` holds; None if that is not told.
    """

    lead_id: str
    flow_id: str | None
    reference: str | None = field(repr=False)


class _Named(msgspec.Struct):
    id: str | None = None


class _Vars(msgspec.Struct):
    lead: dict[str, Any] = msgspec.field(default_factory=dict)
    flow: _Named = msgspec.field(default_factory=_Named)


class _Response(msgspec.Struct):
    body: str | None = None


class _Event(msgspec.Struct):
    id: str
    type: str
    outcome: str | None = None
    reason: str | None = None
    vars: _Vars = msgspec.field(default_factory=_Vars)
    response: _Response | None = None
    purchase_price: float | None = None


class _Answered(msgspec.Struct):
    price: float | None = None


class _Hit(msgspec.Struct):
    lead_id: str
    flow_id: str | None = None
    reference: str | None = None


class _Hits(msgspec.Struct):
    hits: list[_Hit]


def read_events(reply: Reply) -> tuple[list[SourceEvent], str | None, int]:
    """Read a page of events.

    Returns:
        Its source events; the id of its last event; how many events of any type it holds.

    Raises:
        ApiError: It is no page of events. The message holds nothing of the answer.
    """
    page = _decoded(reply, list[_Event], "events")
    ids = [_id(event.id, "an event") for event in page]
    found = [_source_event(event) for event in page if event.type == "source"]
    return found, ids[-1] if ids else None, len(page)


def read_hits(reply: Reply) -> list[LeadHit]:
    """Read what the search for leads found.

    Raises:
        ApiError: As ``read_events``.
    """
    hits = _decoded(reply, _Hits, "leads").hits
    return [
        LeadHit(_id(hit.lead_id, "a lead"), _known_id(hit.flow_id), hit.reference) for hit in hits
    ]


def _decoded(reply: Reply, wanted: type[_DocumentT], what: str) -> _DocumentT:
    assert reply.status == _OK, reply.status
    if reply.cut is not None:
        raise ApiError(
            f"LeadConduit's API answered with {what}, but the answer is not whole: {reply.cut}",
            advice="If it is too long, lower api.page_events or raise api.reply_bytes_max.",
        )
    try:
        return msgspec.json.decode(reply.body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # Only what msgspec says of the shape is repeated: it holds names of ours and no values.
        shape = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise ApiError(
            f"LeadConduit's API did not answer with {what}: {shape}",
            advice="Nothing was concluded from it. Check api.url, or try again later.",
        ) from None


def _source_event(event: _Event) -> SourceEvent:
    texts, is_all = _texts(event.vars.lead)
    return SourceEvent(
        event.id.lower(),
        _KINDS.get(event.outcome or ""),
        event.reason if is_all or event.reason is None else _UNTOLD,
        _known_id(event.vars.lead.get("id")),
        _known_id(event.vars.flow.id),
        _price_micros(event),
        texts,
    )


def _id(text: str, what: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ApiError(f"LeadConduit's API told an id of {what} that is not 24 hex digits")
    return text.lower()


def _known_id(text: object) -> str | None:
    """Return an id in lower case; None if it is none, for what stands there instead may be data."""
    return text.lower() if isinstance(text, str) and _ID.fullmatch(text) else None


def _price_micros(event: _Event) -> int | None:
    """Return the price that the lead was answered with, else what LeadConduit paid for it."""
    price = event.purchase_price
    if event.response is not None and event.response.body:
        try:
            answered = msgspec.json.decode(event.response.body, type=_Answered)
        except (msgspec.MsgspecError, RecursionError):  # XML, or cut: the price beside it is left
            answered = _Answered()
        price = price if answered.price is None else answered.price
    if price is None or not abs(price) <= _PRICE_MAX:
        return None
    return round(price * MICROS_PER_UNIT)


def _texts(lead: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Return a lead's (name, text) pairs up to a limit, and whether these are all of them."""
    texts: list[tuple[str, str]] = []
    is_all = True
    waiting: list[tuple[str, Any, int]] = [(name, value, 1) for name, value in lead.items()]
    while waiting and len(texts) < _TEXTS_MAX:
        name, value, level = waiting.pop()
        if isinstance(value, dict | list) and level >= _LEVELS_MAX:
            is_all = False
        elif isinstance(value, dict):
            waiting += [(f"{name}.{part}", inner, level + 1) for part, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(name, inner, level + 1) for inner in value]
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            texts.append((name, str(value)))
    return tuple(texts), is_all and not waiting

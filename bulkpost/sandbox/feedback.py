"""Feedback as LeadConduit takes it: a request is read, its event is looked at, a verdict comes out.

Observed: other methods are answered 415, JSON is read once, names unfold in the query too, and
``event_id`` is no part of the feedback wherever it stands. A reason with "forbidden" in it makes a
409. Nothing looks at the type, and nothing counts repeats.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

from bulkpost.sandbox.form import parse_form
from bulkpost.sandbox.incoming import (
    Incoming,
    Refusal,
    read_body,
    refused_method,
    reply_type_of,
)
from bulkpost.sandbox.orders import Orders
from bulkpost.sandbox.verdict import Verdict

SHOWN: Final = ("id", "first_name", "last_name", "email", "phone_1")
_FORBIDDEN: Final = "forbidden"
EventId = Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{24}$")]
Days = Annotated[float, msgspec.Meta(ge=0, le=36_500)]


class FeedbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of feedback, where nobody outside knows it.

    Attributes:
        events: Which there are: ``taken``, those of leads that were taken and accepted; ``any``,
            every 24 hex digits, about a made-up lead where none was taken.
        forbidden: The recipient takes no feedback: 409.
        forbidden_events: The recipients of these events take none.
        expired_events: These are older than ``event_days_max``, whatever their lead's age.
        unknown_status: Answer to an event that there is not, or no longer; 201 is a failure.
        event_days_max: Events live that long.
        return_days_max: A return of an older lead is a failure; None bounds nothing.
        repeats: Outcome of the same type for the same event again.
    """

    events: Literal["taken", "any"] = "taken"
    forbidden: bool = False
    forbidden_events: tuple[EventId, ...] = ()
    expired_events: tuple[EventId, ...] = ()
    unknown_status: Literal[201, 400, 404, 410] = 404
    event_days_max: Days = 90.0
    return_days_max: Days | None = None
    repeats: Literal["success", "failure"] = "success"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says about a lead.

    Attributes:
        event_id: As given, anything; empty if there was none.
        fields: All of it but the event id; usually ``type`` and ``reason``.
        reply_type: The media type of the answer.
    """

    event_id: str
    fields: Any = field(repr=False)
    reply_type: str


def read_feedback(incoming: Incoming) -> Feedback | Refusal:
    """Check a request and read its feedback."""
    refusal = refused_method(incoming, 415)
    if refusal is not None:
        return refusal
    reply_type = reply_type_of(incoming)
    if isinstance(reply_type, Refusal):
        return reply_type
    query = parse_form(incoming.query)
    body = read_body(incoming, _parse_json)
    if isinstance(body, Refusal):
        return body
    if not isinstance(body, dict):
        return Feedback(str(query.get("event_id", "")), body, reply_type)
    fields = body | query
    return Feedback(str(fields.pop("event_id", "")), fields, reply_type)


def decide_feedback(
    settings: FeedbackSettings,
    feedback: Feedback,
    orders: Orders,
    age: timedelta,
    *,
    is_repeat: bool,
) -> Verdict:
    """Return what was ordered, else what the settings say, else success.

    Args:
        settings: The switches.
        feedback: About a lead that is known.
        orders: What the feedback ordered for itself.
        age: Of the lead.
        is_repeat: The same type came for the same event before.
    """
    if orders.outcome is not None:
        return Verdict(orders.outcome, orders.reason, orders.price or 0.0)
    kind = feedback.fields.get("type") if isinstance(feedback.fields, dict) else None
    days_max = settings.return_days_max
    if settings.forbidden or is_among(feedback.event_id, settings.forbidden_events):
        return Verdict("failure", "Feedback is forbidden")
    if kind == "return" and days_max is not None and age >= timedelta(days=days_max):
        return Verdict("failure", "Lead is too old to return")
    if is_repeat and settings.repeats == "failure":
        return Verdict("failure", "Feedback was received before")
    return Verdict("success", None, orders.price or 0.0)


def is_among(event_id: str, events: tuple[str, ...]) -> bool:
    """Tell whether an event is one of some, whatever the case of its letters."""
    return event_id.lower() in {event.lower() for event in events}


def is_expired(settings: FeedbackSettings, received_at: str, now_at: datetime) -> bool:
    """Tell whether a lead's events are gone."""
    return age_of(received_at, now_at) >= timedelta(days=settings.event_days_max)


def age_of(received_at: str, now_at: datetime) -> timedelta:
    """Return how long ago a moment was, never less than nothing."""
    return max(timedelta(), now_at - datetime.fromisoformat(received_at))


def status_of(verdict: Verdict) -> int:
    """Return the status that goes with a verdict."""
    return 409 if _FORBIDDEN in (verdict.reason or "").lower() else 201


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(
            f'Body is not parsable as application/json -- Error: "{text}" is not valid JSON'
        ) from None

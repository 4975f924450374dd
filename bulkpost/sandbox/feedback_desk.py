"""Takes feedback about leads that were delivered, and says what to answer."""

from typing import Any, Final

from bulkpost.clock import Clock
from bulkpost.sandbox.answer import Answer, refused
from bulkpost.sandbox.feedback import (
    SHOWN,
    Feedback,
    age_of,
    decide_feedback,
    is_among,
    is_expired,
    read_feedback,
    status_of,
)
from bulkpost.sandbox.identity import Sightings, identity
from bulkpost.sandbox.incoming import Incoming, Refusal
from bulkpost.sandbox.orders import Orders, split_orders
from bulkpost.sandbox.reply import render_feedback
from bulkpost.sandbox.settings import SandboxSettings
from bulkpost.sandbox.store import Store, TakenFeedback, TakenLead, is_event_id, rfc3339
from bulkpost.sandbox.troubles import Troubles
from bulkpost.sandbox.verdict import Verdict

_MADE_UP: Final = {
    "first_name": "Sam",
    "last_name": "Sample",
    "email": "sam.sample@example.com",
    "phone_1": "5125550100",
}


class FeedbackDesk:
    """Knows the events of the leads in a store.

    Args:
        settings: How it behaves.
        store: Has the leads, gets the feedback.
        troubles: Faults and delays.
        clock: Tells how old a lead is.
    """

    def __init__(
        self, settings: SandboxSettings, store: Store, troubles: Troubles, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._troubles = troubles
        self._clock = clock
        self._sightings = Sightings(settings.keep_max)

    def answer(self, incoming: Incoming, received_at: str, number: int) -> Answer:
        """Handle one request; feedback is taken before any fault that comes after taking.

        Args:
            incoming: The request.
            received_at: RFC 3339, UTC.
            number: Of the request.

        Raises:
            OSError: The log could not be written; nothing was taken.
        """
        feedback = read_feedback(incoming)
        if isinstance(feedback, Refusal):
            return refused(feedback)
        try:
            fields, orders = split_orders(feedback.fields)
        except ValueError as error:
            return refused(Refusal(400, str(error)))
        feedback = Feedback(feedback.event_id, fields, feedback.reply_type)
        key = identity(feedback.event_id, fields)
        nth = self._sightings.saw(key)
        fault = self._troubles.fault(key, nth, orders)
        latency_s = self._troubles.latency_s(key, nth, orders)
        if fault is not None and not fault.takes:
            return Answer(fault.status or 0, {}, b"", fault, latency_s)
        lead = self._lead(feedback.event_id)
        if lead is None:
            return self._unknown(feedback, latency_s)
        verdict = self._verdict(feedback, orders, lead)
        answer = Answer(
            status=status_of(verdict),
            headers={"Content-Type": feedback.reply_type},
            body=render_feedback(verdict, _shown(lead), feedback.reply_type),
            fault=fault,
            latency_s=latency_s,
            lead_id=lead.id,
            outcome=verdict.outcome,
        )
        self._store.take_feedback(
            TakenFeedback(
                event_id=feedback.event_id.lower(),
                lead_id=lead.id,
                fields=fields,
                outcome=verdict.outcome,
                reason=verdict.reason,
                received_at=received_at,
                fault=None if fault is None else fault.name,
                request=number,
            )
        )
        self._sightings.took(_same(feedback))
        return answer

    def _lead(self, event_id: str) -> TakenLead | None:
        settings = self._settings.feedback
        lead = self._store.lead_of(event_id)
        if lead is None and settings.events == "any" and is_event_id(event_id):
            lead = _made_up(event_id.lower(), rfc3339(self._clock.now_at()))
        if lead is None or is_among(event_id, settings.expired_events):
            return None
        return None if is_expired(settings, lead.received_at, self._clock.now_at()) else lead

    def _unknown(self, feedback: Feedback, latency_s: float) -> Answer:
        status = self._settings.feedback.unknown_status
        verdict = Verdict("failure", "Event not found")
        body = render_feedback(verdict, {}, feedback.reply_type)
        return Answer(status, {"Content-Type": feedback.reply_type}, body, latency_s=latency_s)

    def _verdict(self, feedback: Feedback, orders: Orders, lead: TakenLead) -> Verdict:
        age = age_of(lead.received_at, self._clock.now_at())
        is_repeat = self._sightings.was_taken(_same(feedback))
        return decide_feedback(self._settings.feedback, feedback, orders, age, is_repeat=is_repeat)


def _same(feedback: Feedback) -> bytes:
    """Return what feedback of one type for one event has in common."""
    kind = feedback.fields.get("type") if isinstance(feedback.fields, dict) else None
    return identity(feedback.event_id, {"type": kind})


def _made_up(event_id: str, received_at: str) -> TakenLead:
    """Return a lead that was never taken, for an event that somebody asks about."""
    return TakenLead(
        id=f"6a{event_id[2:]}",
        fields=_MADE_UP,
        outcome="success",
        reason=None,
        price=0.0,
        flow_id="",
        source_id="",
        received_at=received_at,
        fault=None,
        request=0,
        event_id=event_id,
    )


def _shown(lead: TakenLead) -> dict[str, Any]:
    fields = lead.fields if isinstance(lead.fields, dict) else {}
    return {name: lead.id if name == "id" else fields.get(name) for name in SHOWN}

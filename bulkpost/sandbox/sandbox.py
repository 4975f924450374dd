"""The sandbox without its socket: a request in, an answer out, everything written down.

A request is handled in one go, between two awaits of the server, so that a lead is taken wholly or
not at all, whatever the client does meanwhile.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.clock import Clock, SystemClock
from bulkpost.log import get_logger
from bulkpost.sandbox.answer import Answer, refused, status_sent
from bulkpost.sandbox.faults import Fault
from bulkpost.sandbox.feedback_desk import FeedbackDesk
from bulkpost.sandbox.flow.door import meta_turned_away, turned_away
from bulkpost.sandbox.flow.flow import Flow
from bulkpost.sandbox.flow.meta import meta_of
from bulkpost.sandbox.flow.values import FieldValue
from bulkpost.sandbox.identity import Sightings, identity
from bulkpost.sandbox.incoming import Incoming, Refusal
from bulkpost.sandbox.orders import Orders, split_orders
from bulkpost.sandbox.records import RecordsDesk
from bulkpost.sandbox.reply import render
from bulkpost.sandbox.routes import Target
from bulkpost.sandbox.settings import SandboxSettings
from bulkpost.sandbox.store import LeadLog, ReceivedRequest, Stats, Store, TakenLead, rfc3339
from bulkpost.sandbox.submission import Submission, read_submission
from bulkpost.sandbox.troubles import Troubles
from bulkpost.sandbox.verdict import DUPLICATE, Verdict, as_bid, decide

_DEFAULT_SETTINGS: Final = SandboxSettings()


@dataclass(frozen=True, slots=True)
class _Lead:
    """A lead on its way through the sandbox; its values are None if there is no flow."""

    fields: Any = field(repr=False)
    key: bytes
    nth: int
    orders: Orders
    came_at: datetime
    values: dict[str, FieldValue] | None = field(default=None, repr=False)


class Sandbox:
    """LeadConduit's imitation: its leads, its faults, its counts.

    Args:
        settings: How it behaves.
        log_path: Gets one JSON line for each lead taken, at that moment; None for no log.
        clock: Times and waits.

    Raises:
        ConfigError: The log cannot be opened.
    """

    def __init__(
        self,
        settings: SandboxSettings = _DEFAULT_SETTINGS,
        *,
        log_path: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.seed = secrets.randbits(32) if settings.seed is None else settings.seed
        self.clock: Clock = clock or SystemClock()
        self._log = LeadLog(log_path) if log_path is not None else None
        self._store = Store(self.seed, settings.keep_max, self._log)
        self._troubles = Troubles(settings, self.seed)
        self._sightings = Sightings(settings.keep_max)
        self._desk = FeedbackDesk(settings, self._store, self._troubles, self.clock)
        self._records = RecordsDesk(settings.api, self._store, self.clock)
        self._flow: Flow | None = None
        if settings.flow is not None:
            duplicates = settings.duplicates
            self._flow = Flow(settings.flow, settings.keep_max, checks_duplicates=duplicates)
        self._set_up_at = rfc3339(self.clock.now_at())

    @property
    def leads(self) -> tuple[TakenLead, ...]:
        """Leads taken, oldest first; at most ``keep_max``."""
        return self._store.leads

    @property
    def lead_lines(self) -> tuple[bytes, ...]:
        """The same, each as one JSON object."""
        return self._store.lead_lines

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """Requests received and what was done with each, oldest first; at most ``keep_max``."""
        return self._store.requests

    @property
    def feedback_lines(self) -> tuple[bytes, ...]:
        """Feedback taken, oldest first, each as one JSON object; at most ``keep_max``."""
        return self._store.feedback_lines

    @property
    def stats(self) -> Stats:
        """Counts since the start."""
        return self._store.stats

    def close(self) -> None:
        """Close the log; call once, when nothing is being answered any more."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def receive(self, target: Target, incoming: Incoming) -> Answer:
        """Handle one submission: take the lead or not, write it down, and say what to answer.

        A lead that the log cannot be given is not taken, and answered 500.
        """
        kind = "ping" if target.is_ping else "submit"
        return self._recorded(incoming, kind, target, partial(self._answer, target, incoming))

    def receive_feedback(self, incoming: Incoming) -> Answer:
        """Handle feedback in the same way."""
        return self._recorded(incoming, "feedback", None, partial(self._desk.answer, incoming))

    def meta(self, target: Target, authorization: str) -> Answer:
        """Return what ``/meta`` tells about a source; 404 without a flow."""
        flow = self.settings.flow
        if flow is None or not self._serves(target):
            return refused(Refusal(404, "Not found"))
        turned = meta_turned_away(flow, authorization)
        if turned is not None:
            return turned
        told = meta_of(flow, target.flow_id, target.source_id, self._set_up_at)
        return Answer(200, {"Content-Type": "application/json"}, msgspec.json.encode(told))

    def records(self, path: str, query: str, authorization: str) -> Answer:
        """Return what LeadConduit's API tells an account about its leads."""
        return self._records.answer(path, query, authorization)

    def _recorded(
        self,
        incoming: Incoming,
        kind: str,
        target: Target | None,
        answered: Callable[[str, int], Answer],
    ) -> Answer:
        received_at = rfc3339(self.clock.now_at())
        number = self.stats.requests + 1
        try:
            answer = answered(received_at, number)
        except OSError as error:
            get_logger().error("lead_log_failed", error=error.strerror)
            answer = refused(Refusal(500, "The lead log cannot be written"))
        fault = answer.fault
        self._store.record(
            ReceivedRequest(
                number=number,
                received_at=received_at,
                method=incoming.method,
                kind=kind,
                flow_id=None if target is None else target.flow_id,
                source_id=None if target is None else target.source_id,
                taken=answer.lead_id is not None,
                lead_id=answer.lead_id,
                outcome=answer.outcome,
                fault=None if fault is None else fault.name,
                status=status_sent(answer),
            )
        )
        return answer

    def _answer(self, target: Target, incoming: Incoming, received_at: str, _number: int) -> Answer:
        if not self._serves(target):
            return refused(Refusal(404, "Not found"))
        flow = self.settings.flow
        turned = None if flow is None else turned_away(flow, incoming.authorization)
        if turned is not None:
            return turned
        submission = read_submission(incoming)
        if isinstance(submission, Refusal):
            return refused(submission)
        try:
            lead = self._seen(target, submission.fields)
        except ValueError as error:
            return refused(Refusal(400, str(error)))
        except RecursionError:
            return refused(Refusal(400, "The lead is nested too deeply"))
        return self._handled(target, submission, lead, received_at)

    def _serves(self, target: Target) -> bool:
        flow_id, source_id = self.settings.flow_id, self.settings.source_id
        return (flow_id is None or flow_id.lower() == target.flow_id.lower()) and (
            source_id is None or source_id.lower() == target.source_id.lower()
        )

    def _seen(self, target: Target, submitted: Any) -> _Lead:
        fields, orders = split_orders(submitted)
        key = identity(target.flow_id, fields)
        now_at = self.clock.now_at()
        flow = self._flow
        if flow is None:
            return _Lead(fields, key, self._sightings.saw(key), orders, now_at)
        values, shown = flow.read(fields, now_at), flow.shown(fields)
        return _Lead(shown, key, self._sightings.saw(key), orders, now_at, values)

    def _handled(
        self, target: Target, submission: Submission, lead: _Lead, received_at: str
    ) -> Answer:
        fault = self._troubles.fault(lead.key, lead.nth, lead.orders)
        latency_s = self._troubles.latency_s(lead.key, lead.nth, lead.orders)
        if fault is not None and not fault.takes:
            return Answer(fault.status or 0, {}, b"", fault, latency_s)
        verdict = self._verdict(target, lead)
        lead_id = None if target.is_ping else self._store.next_lead_id()
        headers = {"Content-Type": submission.reply_type}
        if submission.redirect_to is not None:
            headers["Location"] = submission.redirect_to
        answer = Answer(
            status=_handled_status(target, submission),
            headers=headers,
            body=self._body(verdict, lead, lead_id, submission.reply_type),
            fault=fault,
            latency_s=latency_s,
            lead_id=lead_id,
            outcome=None if lead_id is None else verdict.outcome,
            counts_characters=self.settings.content_length == "characters",
        )
        if lead_id is not None:  # last, so that nothing can fail once the lead is taken
            self._take(target, lead, verdict, (lead_id, received_at, fault))
        return answer

    def _verdict(self, target: Target, lead: _Lead) -> Verdict:
        verdict = decide(lead.orders, refusal=self._refusal(target, lead), price=self._price())
        return as_bid(verdict) if target.is_ping else verdict

    def _refusal(self, target: Target, lead: _Lead) -> Verdict | None:
        if self._flow is not None and lead.values is not None:
            return self._flow.refusal(target.flow_id, lead.values, lead.came_at)
        is_duplicate = self.settings.duplicates and self._sightings.was_taken(lead.key)
        return DUPLICATE if is_duplicate else None

    def _price(self) -> float:
        flow = self.settings.flow
        return self.settings.price if flow is None or flow.price is None else flow.price

    def _take(
        self, target: Target, lead: _Lead, verdict: Verdict, how: tuple[str, str, Fault | None]
    ) -> None:
        lead_id, received_at, fault = how
        taken = TakenLead(
            id=lead_id,
            fields=lead.fields,
            outcome=verdict.outcome,
            reason=verdict.reason,
            price=verdict.price,
            flow_id=target.flow_id,
            source_id=target.source_id,
            received_at=received_at,
            fault=None if fault is None else fault.name,
            request=self.stats.requests + 1,
            event_id=self._store.event_id_of(lead.fields) if verdict.is_accepted else None,
            values=self._shown_values(lead),
        )
        self._store.take(taken)
        self._sightings.took(lead.key)
        if self._flow is not None and lead.values is not None and verdict.is_accepted:
            self._flow.accept(target.flow_id, lead.values, lead.came_at)

    def _shown_values(self, lead: _Lead) -> dict[str, FieldValue] | msgspec.UnsetType:
        if self._flow is None or lead.values is None:
            return msgspec.UNSET
        return self._flow.shown_values(lead.values)

    def _body(self, verdict: Verdict, lead: _Lead, lead_id: str | None, reply_type: str) -> bytes:
        shown = dict(lead.fields) if isinstance(lead.fields, dict) else {}
        shown["id"] = lead_id
        return render(verdict, shown, reply_type, self.settings.reply_fields)


def _handled_status(target: Target, submission: Submission) -> int:
    if submission.redirect_to is not None:
        return 303
    return 200 if target.is_ping else 201

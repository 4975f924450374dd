"""The feedback endpoint: one return or conversion, one request.

    status        answer             means
    201           readable           that outcome; a return that is too old is a failure
    409           any                feedback is disabled or forbidden: stops the run as long as no
                                     answer was good, later it is held for its row
    404, 410      readable           no such event, or not any more: held for its row
    404           otherwise          no address of LeadConduit's, perhaps: several at first stop
    all others                       as for a lead

A reply shows the lead's name, e-mail address and telephone number. Nothing of them is kept; the
lead's id is.

Reference: "Sending Feedback to LeadConduit"; answers as observed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from bulkpost.endpoints import form, json_body, xml_body
from bulkpost.endpoints.answer import Answer
from bulkpost.endpoints.classify import Pairs, classify, read_outcome, status_line
from bulkpost.endpoints.evidence import Evidence, evidence_of
from bulkpost.endpoints.lead_shown import shown_of_lead, without_lead
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.exchange import Reply, Request
from bulkpost.feedback import Feedback
from bulkpost.lead import LeadFormat
from bulkpost.outcome import NextStep, Outcome, OutcomeKind, Verdict
from bulkpost.redact import scrub

EVENT_DAYS: Final = 90  # events live that long
_BODIES: Final[Mapping[LeadFormat, tuple[str, Callable[[Iterable[tuple[str, str]]], bytes]]]] = {
    LeadFormat.FORM: ("application/x-www-form-urlencoded", form.encode),
    LeadFormat.JSON: ("application/json", json_body.encode),
    LeadFormat.XML: ("text/xml", partial(xml_body.encode, root="feedback")),
}
_ACCEPTS: Final = {"json": "application/json", "xml": "text/xml"}
_NO_EVENT: Final = f"no such event, or it is older than {EVENT_DAYS} days"
# What LeadConduit's own word with a status means.
_MEANINGS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "LeadConduit does not understand it",
    HTTPStatus.NOT_FOUND: _NO_EVENT,
    HTTPStatus.CONFLICT: "feedback is disabled or forbidden for this recipient",
    HTTPStatus.GONE: _NO_EVENT,
}
_DISABLED_ADVICE: Final = (
    "The account's owner enables feedback for the recipient in the flow's step, then `bulkpost "
    "retry --outcome http_error` sends these rows again. If it is disabled for this event alone, "
    "the same command goes on with the rows behind it."
)
_UNKNOWN_ADVICE: Final = (
    "Check the URL, and that the column holds recipient event ids, not lead ids; events are gone "
    f"after {EVENT_DAYS} days."
)
_REFUSED_ADVICE: Final = "Check the URL that feedback is sent to; every row would fare alike."


class FeedbackEndpoint:
    """Sends feedback. Implements ``Endpoint[Feedback]``."""

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        """Prepare the endpoint.

        Args:
            settings: How to write feedback and read replies; the defaults if None. GET is for
                leads.
        """
        self._settings = settings if settings is not None else EndpointSettings()
        assert self._settings.format in _BODIES, self._settings.format

    def request(self, item: Feedback, generated: tuple[tuple[str, str], ...] = ()) -> Request:
        """Return the request that sends feedback.

        Args:
            item: The feedback.
            generated: Nothing: LeadConduit keeps nothing else of feedback.
        """
        assert not generated, "feedback has no field for a reference"
        media_type, encode = _BODIES[self._settings.format]
        fields = item.fields()
        body = encode(fields)
        headers = {
            "Accept": _ACCEPTS[self._settings.accept],
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
        }
        names = tuple(name for name, _ in fields)
        query = f"event_id={item.event_id}"
        return Request("POST", item.destination.url, headers, body, query, names)

    def verdict(self, reply: Reply, item: Feedback) -> Verdict:
        """Say what a reply means for its feedback; never raises, whatever the bytes."""
        shown = shown_of_lead(reply.body)
        own = (*item.own_texts(), *(shown or ()))
        strict = self._settings.strict
        verdict = classify(reply, own, strict=strict)
        if shown is None:
            reason = f"{status_line(reply.status)}, with more values than can be looked through"
            return replace(verdict, outcome=replace(verdict.outcome, reason=reason))
        if verdict.outcome.kind is not OutcomeKind.HTTP_ERROR:
            # XML has an empty element where JSON has nothing.
            outcome = replace(verdict.outcome, reason=verdict.outcome.reason or None)
            return replace(verdict, outcome=outcome)
        read = read_outcome(reply)
        if reply.status in _MEANINGS and isinstance(read, Answer):
            outcome = _explained(reply.status, read, own)
        else:
            safe = replace(reply, body=without_lead(reply))
            # What is left of a body may look like another ending: its words alone are taken.
            words = classify(safe, own, strict=strict).outcome.reason
            outcome = replace(verdict.outcome, reason=words)
        return _with_step(replace(verdict, outcome=outcome), is_theirs=isinstance(read, Answer))

    def evidence(self, request: Request, reply: Reply, item: Feedback) -> Evidence:
        """Return what LeadConduit's support asks for, as JSON values without personal data."""
        own = (*item.own_texts(), *(shown_of_lead(reply.body) or ()))
        return evidence_of(request, replace(reply, body=without_lead(reply)), own)


def _explained(status: int, answer: Answer, own: Pairs) -> Outcome:
    """Return what LeadConduit's word means, and the word."""
    says = scrub(answer.reason or "", own)
    reason = f"{status_line(status)}: {_MEANINGS[status]}" + (f": {says}" if says else "")
    return Outcome(OutcomeKind.HTTP_ERROR, reason, status, answer.lead_id, answer.price_micros)


def _with_step(verdict: Verdict, *, is_theirs: bool) -> Verdict:
    status = verdict.outcome.http_status
    if status == HTTPStatus.CONFLICT:
        return replace(verdict, next_step=NextStep.STOP_AT_START, advice=_DISABLED_ADVICE)
    if status == HTTPStatus.NOT_FOUND:
        step = NextStep.SETTLE if is_theirs else NextStep.SUSPECT
        return replace(verdict, next_step=step, advice=_UNKNOWN_ADVICE)
    return replace(verdict, advice=_REFUSED_ADVICE)

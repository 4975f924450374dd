"""What is kept of an answer to feedback, word by word, and what a person is advised to do."""

import json
from typing import Any

import pytest

from bulkpost.destination import parse_feedback_url
from bulkpost.endpoints.feedback import FeedbackEndpoint
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.exchange import Reply
from bulkpost.feedback import Feedback, FeedbackType
from bulkpost.outcome import NextStep, Outcome, OutcomeKind, Verdict

EVENT_ID, LEAD_ID = "5af4b98aa8065fa3a79bf4b3", "57913b9911c754b2cb643cf3"
WHERE = parse_feedback_url("https://app.leadconduit.com/feedback")
RETURN = Feedback(1, WHERE, EVENT_ID, FeedbackType.RETURN, "Nicht zuständig")


def verdict(status: int, said: object, cut: str | None = None, *, strict: bool = False) -> Verdict:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    endpoint = FeedbackEndpoint(EndpointSettings(strict=strict))
    return endpoint.verdict(Reply(status, (), body, cut), RETURN)


def kept(said: object, cut: str | None = None) -> str:
    """Return what support is shown of the body of a 500."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    endpoint = FeedbackEndpoint()
    _, came = endpoint.evidence(endpoint.request(RETURN), Reply(500, (), body, cut), RETURN)
    return str(came["reply_body"])


def test_without_settings_it_is_a_form() -> None:
    """Whose length is told in bytes."""
    request = FeedbackEndpoint().request(RETURN)

    assert b"type=return&reason=Nicht+zust%C3%A4ndig" == request.body
    assert {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": "39",
    } == request.headers


@pytest.mark.parametrize(
    ("strict", "kind"), [(False, OutcomeKind.DEFERRED), (True, OutcomeKind.IN_DOUBT)]
)
def test_strict_holds_feedback_that_may_have_been_taken(kind: OutcomeKind, *, strict: bool) -> None:
    """As it holds leads."""
    assert kind is verdict(504, b"", strict=strict).outcome.kind


def test_a_refusal_without_a_word_is_told_by_its_meaning() -> None:
    """With its lead id and its price."""
    said = {"outcome": "failure", "lead": {"id": LEAD_ID}, "price": 1.5}
    reason = "404 Not Found: no such event, or it is older than 90 days"

    assert Outcome(OutcomeKind.HTTP_ERROR, reason, 404, LEAD_ID, 1_500_000) == (
        verdict(404, said).outcome
    )


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (409, "The account's owner enables feedback"),
        (404, "Check the URL, and that the column holds recipient event ids"),
        (403, "Check the URL that feedback is sent to"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, advice: str) -> None:
    """By what it means."""
    assert (verdict(status, b"").advice or "").startswith(advice)


def test_a_text_that_was_cut_stays_an_http_error() -> None:
    """Nothing of it is kept; and what is left of it is no answer that was lost."""
    got = verdict(200, b"Joe Blow", "connection lost")
    reason = "200 OK, but the body is cut: connection lost"

    assert Outcome(OutcomeKind.HTTP_ERROR, reason, 200) == got.outcome
    assert NextStep.SUSPECT is got.next_step


def _lead(values: int) -> dict[str, Any]:
    return {f"field_{number}": f"text {number}" for number in range(values)}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (200, "[lead] is odd"),
        (201, "201 Created, with more values than can be looked through"),
    ],
)
def test_two_hundred_values_are_looked_for(values: int, reason: str) -> None:
    """More are no answer of LeadConduit's."""
    said = {"outcome": "failure", "reason": "text 199 is odd", "lead": _lead(values)}

    assert reason == verdict(201, said).outcome.reason


@pytest.mark.parametrize(
    ("said", "cut", "told"),
    [
        ({"message": "é"}, None, '{"message": "é", "values_left_out": 0}'),
        (b'{"message":"a\\ud800b"}', None, '{"message": "a?b", "values_left_out": 0}'),
        ({"message": "odd", "city": ""}, None, '{"message": "odd", "values_left_out": 0}'),
        (b"<result><reason/><city/></result>", None, '{"reason": "", "values_left_out": 0}'),
        ({"message": "odd"}, "connection lost", ""),
        ({"message": "odd", **_lead(200)}, None, '{"message": "odd", "values_left_out": 200}'),
        ({"message": "odd", **_lead(201)}, None, ""),
    ],
)
def test_support_is_shown_what_leadconduit_said(said: object, cut: str | None, told: str) -> None:
    """And how many values were left out; an answer that did not come whole may hold anything."""
    assert told == kept(said, cut)

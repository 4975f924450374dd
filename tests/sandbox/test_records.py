"""What the sandbox tells the owner of a flow about its leads: events, and the search for leads."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from flows import NOON, Served, SetClock, a_flow, served

from bulkpost.sandbox.records import ApiSettings

ADA = {"first_name": "Ada", "email": "ada@example.org", "reference": "aebagbafaydqqcikbmga2dqp"}


async def asked(server: Served, path: str, *params: tuple[str, str]) -> Any:
    """Ask, and return what comes with status 200."""
    status, body = await server.get(f"{path}?{urlencode(params)}")
    assert 200 == status, body
    return json.loads(body)


def rules(*told: tuple[str, str, Any]) -> tuple[str, str]:
    return "rules", json.dumps([{"lhv": lhv, "op": op, "rhv": rhv} for lhv, op, rhv in told])


async def with_leads(server: Served, count: int) -> None:
    for number in range(count):
        await server.post(email=f"a{number}@example.org", reference=f"ref{number}")


async def test_a_lead_has_its_events_with_outcome_reason_and_answer() -> None:
    """The delivery and then the source's event; a refused lead has the latter alone."""
    async with served(None, seed=7, price=1.5) as server:
        await server.post(ADA)
        await server.post(ADA, sandbox_outcome="failure:no")
        events = await asked(server, "/events", ("sort", "asc"))
        taken, refused = server.sandbox.leads

    assert ["recipient", "source", "source"] == [event["type"] for event in events]
    assert taken.event_id == events[0]["id"]
    assert sorted(event["id"] for event in events) == [event["id"] for event in events]
    _, bought, turned_away = events
    assert ("success", 1.5) == (bought["outcome"], bought["purchase_price"])
    assert ("failure", "no") == (turned_away["outcome"], turned_away["reason"])
    assert [taken.id, refused.id] == [event["vars"]["lead"]["id"] for event in events[1:]]
    answered = {"outcome": "success", "lead": {"id": taken.id}, "price": 1.5}
    assert answered == json.loads(bought["response"]["body"])
    assert "ada%40example.org" in bought["request"]["body"]


async def test_events_come_in_pages_in_either_direction() -> None:
    """After or before an event, at most so many, the newest first unless told otherwise."""
    source = rules(("type", "is equal to", "source"))
    async with served(None, seed=7) as server:
        await with_leads(server, 5)
        everything = await asked(server, "/events", source)
        ids = [event["id"] for event in everything]
        up, after = [], ""
        for _ in range(3):
            page = (("limit", "2"), ("sort", "asc"), *([("after_id", after)] if after else []))
            told = await asked(server, "/events", source, *page)
            up += [event["id"] for event in told]
            after = told[-1]["id"]
        before = await asked(server, "/events", source, ("before_id", ids[2]), ("limit", "1"))

    assert 5 == len(set(ids))
    assert ids[::-1] == up
    assert [ids[3]] == [event["id"] for event in before]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (("lead.reference", "is equal to", "REF1"), [1]),
        (("vars.lead.reference", "is equal to", "ref1"), [1]),
        (("lead.reference", "is not equal to", "ref1"), [0, 2]),
        (("lead.reference", "is included in", ["ref0", "ref2", "x"]), [0, 2]),
        (("lead.phone_1", "is blank", None), [0, 1, 2]),
        (("lead.email.nothing", "is not blank", None), []),
        (("outcome", "is equal to", "failure"), []),
    ],
)
async def test_rules_select_events(rule: tuple[str, str, Any], found: list[int]) -> None:
    """By a variable of the lead or a field of the event, compared without case."""
    async with served(None, seed=7) as server:
        await with_leads(server, 3)
        told = await asked(
            server, "/events", rules(("type", "is equal to", "source"), rule), ("sort", "asc")
        )

    assert [f"ref{n}" for n in found] == [event["vars"]["lead"]["reference"] for event in told]


async def test_only_what_is_asked_for_is_told() -> None:
    """``include`` and ``exclude`` name fields, or what is in them."""
    async with served(None, seed=7) as server:
        await server.post(ADA)
        (told,) = await asked(
            server, "/events", ("limit", "1"), ("include", "type"), ("include", "vars.lead.email")
        )
        (rest,) = await asked(
            server, "/events", ("limit", "1"), ("exclude", "request"), ("exclude", "vars.lead")
        )

    assert {"type": "source", "vars": {"lead": {"email": ADA["email"]}}} == told
    assert "request" not in rest
    assert "response" in rest
    assert {"flow", "source", "submission"} == set(rest["vars"])


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "sort=up",
        "after_id=1",
        "rules=%7B",
        "rules=%5B%7B%22lhv%22%3A%22type%22%2C%22op%22%3A%22matches%22%7D%5D",
        "start=yesterday",
        "include=id&exclude=type",
        "limit=1&limit=2",
    ],
)
async def test_a_wrong_question_is_400(query: str) -> None:
    """With the name of what is wrong, as JSON."""
    async with served(None) as server:
        status, body = await server.get(f"/events?{query}")

    assert 400 == status
    assert json.loads(body)["error"]


async def test_events_are_found_within_their_time() -> None:
    """After the lag, until they expire, and between start and end."""
    clock = SetClock()
    api = ApiSettings(lag_s=60, event_days_max=2)
    async with served(None, clock, api=api) as server:
        await server.post(ADA)
        counts = []
        for days in (0, 0.001, 1, 3):
            clock.at = NOON + timedelta(days=days)
            counts.append(len(await asked(server, "/events", ("limit", "1"))))
        clock.at = NOON + timedelta(days=1)
        late = await asked(server, "/events", ("start", "2026-11-20T12:00:01Z"))
        early = await asked(server, "/events", ("end", "2026-11-20T11:59:59Z"))
        exact = await asked(
            server, "/events", ("start", "2026-11-20T12:00:00"), ("end", "2026-11-20T12:00:00Z")
        )

    assert [0, 1, 1, 0] == counts
    assert ([], [], 2) == (late, early, len(exact))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("ADA", 2),
        ("exam", 2),
        ("ada aebag", 1),
        ('"ada@example.org"', 1),
        ('"da@example.org"', 0),
        ("ada bob", 0),
        ("", 0),
    ],
)
async def test_leads_are_searched_by_the_beginnings_of_words(query: str, count: int) -> None:
    """All words must be there; a phrase in quotes is one word."""
    async with served(None, seed=7) as server:
        await server.post(ADA)
        await server.post(first_name="Adalbert", email="x@exam.example")
        found = await asked(server, "/search/leads", ("query", query))
        ids = {lead.id for lead in server.sandbox.leads}

    assert count == found["total"] == len(found["hits"])
    assert {hit["lead_id"] for hit in found["hits"]} <= ids
    assert all("source" == hit["latest_event"]["type"] for hit in found["hits"])


async def test_hits_come_in_pages_and_sorted() -> None:
    """From so many on, at most so many, by a field."""
    async with served(None, seed=7) as server:
        await with_leads(server, 5)
        page = (("from", "1"), ("limit", "2"), ("sort_by", "reference"), ("sort_dir", "asc"))
        found = await asked(server, "/search/leads", ("query", "example"), *page)
        refused = [
            (await server.get(f"/search/leads?query=x&{wrong}"))[0]
            for wrong in ("limit=101", "from=1001", "sort_by=ssn", "sort_dir=up")
        ]

    assert (5, ["ref1", "ref2"]) == (found["total"], [hit["reference"] for hit in found["hits"]])
    assert [400] * 4 == refused


async def test_with_a_flow_only_its_fields_are_variables_and_secrets_are_masked() -> None:
    """A reference that the flow has no field for is nowhere, as there."""
    flow = a_flow("email:email", "ssn:ssn")
    async with served(flow, seed=7) as server:
        await server.post(ADA, ssn="219-09-9999")
        (event,) = await asked(server, "/events", ("limit", "1"))
        found = await asked(server, "/search/leads", ("query", ADA["reference"]))

    assert {"id", "email", "ssn"} == set(event["vars"]["lead"])
    assert "example.org" == event["vars"]["lead"]["email"]["domain"]
    assert "219" not in json.dumps(event)
    assert 0 == found["total"]


async def test_a_key_is_asked_for_if_there_is_one() -> None:
    """HTTP Basic, the key as password, any user; the page of the sandbox itself asks for none."""
    api = msgspec.convert({"key": "k3y"}, ApiSettings)
    async with served(None, api=api) as server:
        statuses = [
            (await server.get(path, Authorization=f"Basic {b64encode(word).decode()}"))[0]
            for path in ("/events", "/search/leads")
            for word in (b"API:k3y", b"x:k3y", b"API:other", b"k3y")
        ]
        status, body = await server.get("/events")

    assert [200, 200, 401, 401] * 2 == statuses
    assert (401, {"error": "not authorized"}) == (status, json.loads(body))
    assert "k3y" not in repr(api)


async def test_questions_are_no_submissions() -> None:
    """They are counted nowhere, and only GET asks them."""
    async with served(None, seed=7) as server:
        await server.post(ADA)
        await asked(server, "/events")
        async with server.session.post(f"{server.address.origin}/events") as reply:
            assert 404 == reply.status
        assert 1 == server.sandbox.stats.requests

"""LeadConduit's API over a real socket: keys, pages, refusals, answers that are none."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asking import KEY, Waits, a_client, event, event_id, page
from faultserver import JSON, Script, answer, answers, closed_port, fault_server, response
from faultserver import hang_up_after_request as hang_up

from bulkpost.errors import ApiError, ConfigError
from bulkpost.records.questions import EventQuery

QUERY = EventQuery((("lead.reference", "ref1"),))


async def test_the_key_and_the_question_are_sent_and_nothing_else() -> None:
    """HTTP Basic with the key as password; rules as JSON; the request of the event is not asked."""
    async with fault_server(answers(page(event(1)))) as server, a_client(server.url) as (api, at):
        (found,) = await api.events(at, QUERY)

    (asked,) = server.complete
    assert ("GET", b"") == (asked.method, asked.body)
    assert f"Basic {b64encode(f'API:{KEY}'.encode()).decode()}" == asked.headers["authorization"]
    params = parse_qs(urlsplit(asked.path).query)
    assert [
        {"lhv": "type", "op": "is equal to", "rhv": "source"},
        {"lhv": "lead.reference", "op": "is equal to", "rhv": "ref1"},
    ] == json.loads(params["rules"][0])
    assert "request" not in params["include"]
    assert (event_id(1), f"{1:024x}", 1_500_000) == (found.id, found.lead_id, found.price_micros)
    assert "ada" not in repr(found)


async def test_pages_are_read_to_the_end() -> None:
    """A full page asks for the next, after its last event."""
    pages = answers(page(event(1), event(2)), page(event(3), event(4)), page(event(5)))
    async with fault_server(pages) as server, a_client(server.url, page_events=2) as (api, at):
        found = await api.events(at, QUERY)

    assert [event_id(n) for n in range(1, 6)] == [entry.id for entry in found]
    after = [parse_qs(urlsplit(asked.path).query).get("after_id") for asked in server.complete]
    assert [None, [event_id(2)], [event_id(4)]] == after


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ([page(event(1), event(2))] * 2, "repeats its pages"),
        ([page(event(n), event(n + 1)) for n in (1, 3, 5)], "more than 6 events"),
    ],
)
async def test_pages_without_end_are_an_error(pages: list[bytes], says: str) -> None:
    """A server that repeats a page, or has more than anybody wants, does not keep us for ever."""
    limits: dict[str, Any] = {"page_events": 2, "pages_max": 3}
    async with fault_server(answers(*pages)) as server, a_client(server.url, **limits) as (api, at):
        with pytest.raises(ApiError, match=says):
            await api.events(at, QUERY)

    assert len(pages) == len(server.complete)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_not_accepted_is_told_once(status: int) -> None:
    """No second try with a wrong key; the message says what to do and does not show the key."""
    async with fault_server(answer(status)) as server, a_client(server.url) as (api, at):
        with pytest.raises(ConfigError) as caught:
            await api.events(at, QUERY)

    assert 1 == len(server.complete)
    assert "BULKPOST_API_KEY" in caught.value.advice
    assert KEY not in f"{caught.value!r}{caught.value.advice}{at!r}"


async def test_a_busy_server_is_asked_again_when_it_says() -> None:
    """429 and 5xx; never sooner than Retry-After says."""
    clock = Waits()
    last = ("Connection", "close")  # the next one meets the next script
    late = response(429, b"{}", (*JSON, last, ("Retry-After", "7")))
    busy = response(503, b"", (last,))
    scripts = (answers(late), answers(busy), answers(page(event(1))))
    async with fault_server(*scripts) as server, a_client(server.url, clock) as (api, at):
        found = await api.events(at, QUERY)

    assert (1, 3) == (len(found), len(server.complete))
    assert 1 == sum(7 <= waited < 9 for waited in clock.waited_s)


@pytest.mark.parametrize(
    ("script", "tries"),
    [
        pytest.param(answer(500), 3, id="500"),
        pytest.param(answer(429, b"", (("Retry-After", "86400"),)), 1, id="come-back-tomorrow"),
        pytest.param(answer(302, b"", (("Location", "https://evil.invalid/"),)), 1, id="302"),
        pytest.param(answer(404), 1, id="404"),
        pytest.param(hang_up(), 3, id="lost"),
    ],
)
async def test_a_server_that_does_not_answer_is_given_up(script: Script, tries: int) -> None:
    """After so many tries, and at once where another try would be the same; nothing is followed."""
    async with fault_server(script) as server, a_client(server.url, attempts_max=3) as (api, at):
        with pytest.raises(ApiError):
            await api.events(at, QUERY)

    assert tries == len(server.complete)


async def test_a_host_that_is_away_is_an_error_and_not_a_wait() -> None:
    """Nobody listens: the same number of tries."""
    origin = f"http://127.0.0.1:{closed_port()}"
    async with a_client(origin, attempts_max=2) as (api, at):
        with pytest.raises(ApiError, match="attempt 2 of 2"):
            await api.search(at, "ref1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>canary</html>",
        b'{"error": "canary"}',
        b"[" * 100_000,
        b'[{"id": "canary", "type": "source"}]',
        b'[{"id": "' + b"a" * 24 + b'", "type": 5}]',
        b'[{"type": "canary"}]',
        b"[\xff]",
        b'["' + b"canary" * 400 + b'"]',
    ],
    ids=["empty", "html", "object", "deep", "id", "type", "no-id", "not-utf-8", "long"],
)
async def test_an_answer_that_is_none_says_nothing_of_what_it_holds(body: bytes) -> None:
    """Hostile or merely wrong: an error, without a word of the answer, and no conclusion."""
    limits: dict[str, Any] = {"reply_bytes_max": 2048} if b"canarycanary" in body else {}
    async with (
        fault_server(answer(200, body)) as server,
        a_client(server.url, **limits) as (api, at),
    ):
        with pytest.raises(ApiError) as caught:
            await api.events(at, QUERY)

    assert "canary" not in f"{caught.value!r} {caught.value.advice}"


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({}, 1_500_000),
        ({"response": {"body": "<xml/>"}, "purchase_price": 2}, 2_000_000),
        ({"response": None}, None),
        ({"response": {"body": '{"price": 1e300}'}}, None),
    ],
)
async def test_the_price_is_what_the_lead_was_answered_with(
    changes: dict[str, Any], price: int | None
) -> None:
    """Or what LeadConduit says that it paid; a price that is none is left out."""
    script = answers(page(event(1, **changes)))
    async with fault_server(script) as server, a_client(server.url) as (api, at):
        (found,) = await api.events(at, QUERY)

    assert price == found.price_micros


async def test_a_reference_is_known_in_whatever_form_the_field_has() -> None:
    """As sent, as LeadConduit normalised it, or in a component; never in another field."""
    forms = ["ref1", {"raw": " REF1", "normal": "ref1"}, ["x", "ref1"]]
    told = [
        event(n, vars={"lead": {"id": "a" * 24, "reference": form}}) for n, form in enumerate(forms)
    ]
    other = event(9, vars={"lead": {"reference_2": "ref1", "reference": 1}})
    async with (
        fault_server(answers(page(*told, other))) as server,
        a_client(server.url) as (api, at),
    ):
        found = await api.events(at, QUERY)

    assert [True, True, True, False] == [entry.carries("reference", "ref1") for entry in found]


async def test_questions_keep_a_distance() -> None:
    """One question after the other, at the rate that is set."""
    clock = Waits()
    script = answers(*[page()] * 3)
    async with fault_server(script) as server, a_client(server.url, clock, rate="1/s") as (api, at):
        for _ in range(3):
            await api.events(at, QUERY)

    assert all(waited > 0.5 for waited in clock.waited_s[1:])

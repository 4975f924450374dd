"""Each fault does on the wire what its name says, and the store says whether the lead was taken."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import anyio
import anyio.lowlevel
import msgspec
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.sandbox.faults import FaultPlan, FaultRule, fault, parse_order, parse_rule
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import Address, serve
from bulkpost.sandbox.settings import SandboxSettings

LEAD = {"first_name": "Ada", "email": "ada@example.com"}


async def _post(address: Address, **fields: str) -> tuple[int, bytes, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(address.submit_url(), data=LEAD | fields) as reply,
    ):
        return reply.status, await reply.read(), dict(reply.headers)


async def _raw(address: Address, **fields: str) -> tuple[bytes, BaseException | None]:
    """Post on a bare socket and return what came until the end, and how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    body = urlencode(LEAD | fields)
    writer.write(
        f"POST {address.submit_url().removeprefix(address.origin)} HTTP/1.1\r\n"
        f"Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    received = b""
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionError as error:
        return received, error
    finally:
        writer.close()
    return received, None


@pytest.mark.parametrize(
    ("order", "status", "taken"),
    [
        ("502", 502, 0),
        ("503", 503, 0),
        ("504", 504, 0),
        ("500", 500, 0),
        ("400", 400, 0),
        ("302", 302, 0),
        ("disabled", 403, 0),
        ("503_after", 503, 1),
        ("504_after", 504, 1),
        ("garbage", 201, 1),
        ("empty", 201, 1),
        ("odd", 201, 1),
        ("mislabelled", 201, 1),
    ],
)
async def test_a_wrong_answer_says_whether_it_took_the_lead(
    order: str, status: int, taken: int
) -> None:
    """The status is the one ordered; only names that take the lead leave one in the store."""
    sandbox = Sandbox()

    async with (
        serve(sandbox) as address,
        aiohttp.ClientSession() as session,
        session.post(
            address.submit_url(), data=LEAD | {"sandbox_fault": order}, allow_redirects=False
        ) as reply,
    ):
        await reply.read()

    assert status == reply.status
    assert taken == len(sandbox.leads)
    assert [(bool(taken), order, status)] == [
        (request.taken, request.fault, request.status) for request in sandbox.requests
    ]


async def test_a_closed_source_answers_as_documented() -> None:
    """A disabled source is 403 with LeadConduit's own JSON."""
    async with serve(Sandbox()) as address:
        status, body, headers = await _post(address, sandbox_fault="disabled")

    assert 403 == status
    assert b'{"message": "Source is disabled"}' == body
    assert "application/json" == headers["Content-Type"]


async def test_an_odd_answer_has_no_outcome_and_a_mislabelled_one_is_right() -> None:
    """What is wrong is the JSON's shape, and its Content-Type, and nothing else."""
    async with serve(Sandbox()) as address:
        _, odd, odd_headers = await _post(address, sandbox_fault="odd")
        _, right, wrong_headers = await _post(address, sandbox_fault="mislabelled")

    assert None is json.loads(odd)["outcome"]
    assert "application/json" == odd_headers["Content-Type"]
    assert {"outcome", "lead", "price"} <= json.loads(right).keys()
    assert "text/html" == wrong_headers["Content-Type"]


@pytest.mark.parametrize("retry_after", ["120", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_retry_after_is_sent_as_ordered(retry_after: str) -> None:
    """Seconds, dates and nonsense all go out as written; without an order there is no header."""
    async with serve(Sandbox()) as address:
        _, _, with_header = await _post(address, sandbox_fault=f"503:retry_after={retry_after}")
        _, _, without_header = await _post(address, sandbox_fault="503")

    assert retry_after == with_header["Retry-After"]
    assert "Retry-After" not in without_header


@pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
@pytest.mark.parametrize(("order", "taken"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_is_a_reset(
    order: str, taken: int, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The client sees a TCP reset and not a byte, on both event loops."""
    sandbox = Sandbox()

    async def attempt() -> tuple[bytes, BaseException | None]:
        async with serve(sandbox) as address:
            return await _raw(address, sandbox_fault=order)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        received, ending = runner.run(attempt())

    assert b"" == received
    assert isinstance(ending, ConnectionResetError)
    assert taken == len(sandbox.leads)
    assert [None] == [request.status for request in sandbox.requests]


@pytest.mark.parametrize(("order", "taken"), [("close_before", 0), ("close_after", 1)])
async def test_a_close_is_an_orderly_end_without_an_answer(order: str, taken: int) -> None:
    """The client sees the end of the stream and not a byte."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        received, ending = await _raw(address, sandbox_fault=order)

    assert (b"", None) == (received, ending)
    assert taken == len(sandbox.leads)


@pytest.mark.parametrize(("order", "taken"), [("hang_before", 0), ("hang_after", 1)])
async def test_a_hang_lasts_until_the_client_leaves(order: str, taken: int) -> None:
    """No byte comes; the lead is taken first or never; stopping does not wait for it."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        attempt = asyncio.ensure_future(_raw(address, sandbox_fault=order))
        while not sandbox.requests:
            await asyncio.wait([attempt], timeout=0.01)
        assert not attempt.done()
        assert taken == len(sandbox.leads)
    received, _ = await attempt

    assert b"" == received


async def test_a_hang_ends_when_its_client_leaves() -> None:
    """No hanging request outlives its connection, so a long run gathers none."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_hang, address)
                while not sandbox.requests:
                    await anyio.lowlevel.checkpoint()
                in_flight_before = sandbox.stats.in_flight
                tasks.cancel_scope.cancel()
            while sandbox.stats.in_flight:
                await anyio.lowlevel.checkpoint()

    assert (1, 0) == (in_flight_before, sandbox.stats.in_flight)


async def _hang(address: Address) -> None:
    await _raw(address, sandbox_fault="hang_after")


@pytest.mark.parametrize(("order", "has_id"), [("cut", False), ("cut_late", True)])
async def test_a_cut_answer_promises_more_than_comes(order: str, *, has_id: bool) -> None:
    """The lead is taken, the head is whole, the body ends early, before or after the lead id."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        received, _ = await _raw(address, sandbox_fault=order)

    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 201 ")
    assert len(body) < promised
    assert [has_id] == [lead.id.encode() in body for lead in sandbox.leads]


async def test_a_drip_is_the_right_answer_slowly() -> None:
    """Every byte arrives in the end, and the answer is the true one."""
    sandbox = Sandbox(SandboxSettings(drip_interval_s=0.0001))

    async with serve(sandbox) as address:
        status, body, _ = await _post(address, sandbox_fault="drip")

    assert 201 == status
    assert sandbox.leads[0].id == json.loads(body)["lead"]["id"]


async def test_a_counted_order_hits_only_the_first_times_of_that_lead() -> None:
    """``503x2`` fails twice and then takes the lead, whatever other leads come between."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        statuses = []
        for _ in range(4):
            status, _, _ = await _post(address, sandbox_fault="503x2", reference="r-1")
            statuses.append(status)
            await _post(address, first_name="Grace")

    assert [503, 503, 201, 201] == statuses
    assert [LEAD | {"reference": "r-1"}] * 2 == [
        lead.fields for lead in sandbox.leads if lead.fields["first_name"] == "Ada"
    ]


@pytest.mark.parametrize(
    "field", ["sandbox_fault", "sandbox_outcome", "sandbox_latency", "sandbox_price"]
)
async def test_an_order_nobody_knows_is_refused_without_repeating_it(field: str) -> None:
    """A misspelt order is a 400 that names the field and not its value; no lead is taken."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        status, body, _ = await _post(address, **{field: "canary-5550143"})

    assert 400 == status
    assert field in body.decode()
    assert b"canary" not in body
    assert () == sandbox.leads


async def test_a_burst_hits_requests_in_a_row_and_then_stops() -> None:
    """``burst=3,after=1`` leaves one request alone, hits three and lets the rest through."""
    rule = parse_rule("503:burst=3,after=1")
    sandbox = Sandbox(SandboxSettings(faults=(rule,)))

    async with serve(sandbox) as address:
        statuses = [(await _post(address, first_name=str(n)))[0] for n in range(6)]

    assert [201, 503, 503, 503, 201, 201] == statuses
    assert {"503": 3} == dict(sandbox.stats.faults)


@given(st.integers(0, 2**32), st.permutations(list(range(40))))
def test_a_share_hits_the_same_leads_in_whatever_order_they_come(
    seed: int, order: list[int]
) -> None:
    """With one seed a lead meets its fault or not, independent of what came before it."""

    def faulted(numbers: list[int]) -> set[int]:
        plan = FaultPlan([FaultRule(kind="503", share=0.5)], seed)
        return {number for number in numbers if plan.choose(b"%d" % number, 1)}

    assert faulted(list(range(40))) == faulted(order)


def test_a_share_is_about_that_share() -> None:
    """Of 10,000 leads, a share of 0.05 hits between 4 and 6 in a hundred."""
    plan = FaultPlan([parse_rule("503:0.05")], seed=1)

    hits = sum(plan.choose(b"%d" % number, 1) is not None for number in range(10_000))

    assert 400 <= hits <= 600


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("503", FaultRule(kind="503")),
        ("503:0.05", FaultRule(kind="503", share=0.05)),
        ("hang_after:burst=5", FaultRule(kind="hang_after", burst=5)),
        ("502:0.5,burst=2,after=9", FaultRule(kind="502", share=0.5, burst=2, after=9)),
        ("503:retry_after=Wed, 21 Oct", FaultRule(kind="503", retry_after="Wed, 21 Oct")),
    ],
)
def test_a_rule_reads_as_documented(text: str, rule: FaultRule) -> None:
    """Share, burst, after and retry_after, in any number."""
    assert rule == parse_rule(text)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "100", "600", "503:2", "503:x=1", "503:burst=0", "hang"]
)
def test_a_rule_that_makes_no_sense_is_refused(text: str) -> None:
    """Unknown kinds and options and values out of range raise ValueError."""
    with pytest.raises((ValueError, msgspec.ValidationError)):
        parse_rule(text)


def test_an_order_reads_as_documented() -> None:
    """A kind, how often, and a Retry-After."""
    order = parse_order("503x2:retry_after=1")

    assert (fault("503", "1"), 2) == (order.fault, order.times)


async def test_jitter_repeats_with_the_seed() -> None:
    """The wait of each lead is within the jitter and the same in a second run."""

    class NoWait:
        def __init__(self) -> None:
            self.waits_s: list[float] = []

        def now_s(self) -> float:
            return 0.0

        def now_at(self) -> datetime:
            return datetime(2026, 11, 22, tzinfo=UTC)

        async def sleep(self, duration_s: float) -> None:
            self.waits_s.append(duration_s)

    async def waits_s() -> list[float]:
        clock = NoWait()
        settings = SandboxSettings(seed=7, latency_s=10.0, jitter_s=5.0)
        async with serve(Sandbox(settings, clock=clock)) as address:
            for number in range(5):
                await _post(address, first_name=str(number))
        return clock.waits_s

    first, second = await waits_s(), await waits_s()

    assert first == second
    assert all(10.0 <= wait_s < 15.0 for wait_s in first)
    assert 1 < len(set(first))

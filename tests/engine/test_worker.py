"""One attempt, step by step: what stands in the ledger, what was counted, who waits for what."""

from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog
from ledgers import content
from working import NOW_AT_MS, NOW_S, TAKEN, URL, a_job, a_rig, an_answer, half_open

from bulkpost.clock import SystemClock
from bulkpost.engine.worker import Worker
from bulkpost.errors import InDoubtError, NotSentError
from bulkpost.ledger.entries import Intent, Settlement, Wait, row_id_of
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.pacing.breaker import BreakerSettings, Pause
from bulkpost.pacing.retry import RetrySettings


async def test_a_lead_goes_out_once_its_intent_is_on_disk(tmp_path: Path) -> None:
    """And what comes is written down, with how long it took."""
    with structlog.testing.capture_logs() as log:
        async with a_rig(tmp_path, TAKEN, TAKEN) as rig:
            batch = rig.machines.waterline.open(7, 2)
            await rig.work(a_job(6, batch=batch), a_job(7, batch=batch, changed=("phone_1",)))

    assert [b"row=6&reference=abc234", b"row=7&reference=abc234"] == [
        request.body for request in rig.told.requests
    ]
    assert [(6, 0, 1, 0, b"c" * 8)] == rig.told.intents[:1]
    assert [(row, 10, 201, 1, 0, None, 2500) for row in (6, 7)] == rig.ended()
    assert [(7,)] == content(rig.path, "SELECT low_water FROM input")
    assert (2, 0, 0, 0, {OutcomeKind.SUCCESS: 2}, {"phone_1": 1}) == (
        rig.tally.sent,
        rig.tally.in_flight,
        rig.tally.retries,
        rig.tally.waiting,
        rig.tally.outcomes,
        rig.tally.changed,
    )
    assert [] == content(rig.path, "SELECT * FROM evidence")
    assert ([], []) == (rig.halts, log)


async def test_what_is_found_in_values_counts_once_for_each_lead(tmp_path: Path) -> None:
    """That is sent; a duplicate is not."""
    found = (("phone_1", "phone_short"),)
    async with a_rig(tmp_path, TAKEN, TAKEN) as rig:
        await rig.work(a_job(6, found=found), a_job(7, found=found), a_job(8, key=7, found=found))

    assert {found[0]: 2} == rig.tally.found


async def test_a_row_that_was_tried_before_goes_on_counting(tmp_path: Path) -> None:
    """Its earlier ending gives way, its attempts and its ambiguous retries stay."""
    async with a_rig(tmp_path, TAKEN, TAKEN) as rig:
        writer = rig.machines.ledger.writer
        row_id = row_id_of(1, 6)
        await writer.arm(Intent(row_id, (6).to_bytes(16, "big")))
        writer.put(Settlement(row_id, Outcome(OutcomeKind.DEFERRED), attempts=3, ambiguous=1))
        await writer.flush()
        await rig.work(a_job(6, attempt=3, ambiguous=1, supersedes=True), a_job(7, attempt=1))

    assert [(6, 0, 4, 1, b"c" * 8), (7, 0, 2, 0, b"c" * 8)] == rig.told.intents
    assert [(6, 10, 201, 4, 1, None, 2500), (7, 10, 201, 2, 0, None, 2500)] == rig.ended()
    assert 2 == rig.tally.retries


async def test_a_changed_field_is_counted_once_for_its_row(tmp_path: Path) -> None:
    """Not again with each attempt."""
    async with a_rig(tmp_path, TAKEN) as rig:
        writer = rig.machines.ledger.writer
        job = a_job(6, changed=("phone_1",), is_open=True, attempt=1)
        await writer.arm(Intent(job.row_id, job.prepared.identity.key))
        writer.put(Wait(job.row_id, 1, Outcome(OutcomeKind.DEFERRED), 0, NOW_AT_MS))
        await rig.work(job)

    assert {} == rig.tally.changed
    assert [(6, 10, 201, 2, 0, None, 2500)] == rig.ended()


async def test_a_copy_that_is_wanted_is_sent(tmp_path: Path) -> None:
    """With ``--duplicates submit`` the ledger takes the intent of a key that was sent."""
    async with a_rig(tmp_path, TAKEN, TAKEN) as rig:
        await rig.work(a_job(6), a_job(7, key=6, allow_duplicate=True))

    assert [6, 7] == [row[0] for row in rig.ended()]
    assert 2 == len(rig.told.requests)


async def test_an_http_error_is_kept_with_its_evidence_and_logged(tmp_path: Path) -> None:
    """What support asks for; and the log says which row, by number, and why."""
    with structlog.testing.capture_logs() as log:
        async with a_rig(tmp_path, an_answer(500, body="höppla".encode())) as rig:
            await rig.work(a_job(6))

    reason = "500 Internal Server Error: höppla"
    assert [(6, 30, 500, 1, 0, reason, 2500)] == rig.ended()
    ((asked, came),) = content(rig.path, "SELECT request, reply FROM exchanges")
    assert f'"url": "{URL}?campaign=…"' in asked
    assert '"fields": ["row", "reference"]' in asked
    assert "höppla" in came
    assert [
        {
            "event": "row_without_verdict",
            "log_level": "info",
            "row": 6,
            "attempt": 1,
            "outcome": "http_error",
            "http_status": 500,
            "reason": reason,
        }
    ] == log


@pytest.mark.parametrize(("status", "ambiguous"), [(502, 1), (503, 0), (504, 1)])
async def test_s16_a_refused_row_waits_in_the_ledger_and_in_the_supply(
    status: int, ambiguous: int, tmp_path: Path
) -> None:
    """Until what was asked for is over, and its own jitter; the gate is shut for everybody."""
    with structlog.testing.capture_logs() as log:
        async with a_rig(tmp_path, an_answer(status, ("Retry-After", "30"))) as rig:
            job = a_job(6)
            await rig.work(job)
            remaining = rig.machines.supply.remaining()

    assert [(6, 1, 1, ambiguous, NOW_AT_MS + 31_000)] == rig.waiting()
    assert [(NOW_S + 31.0, job)] == remaining
    assert (1, ambiguous) == (job.refusals, job.ambiguous)
    assert (1, ambiguous, 1, 0) == (
        rig.tally.waiting,
        rig.tally.ambiguous,
        rig.tally.sent,
        rig.tally.in_flight,
    )
    assert Pause(status, NOW_S, NOW_S + 30.0) == rig.breaker.pause(NOW_S)
    assert [(2500, status)] == content(rig.path, "SELECT latency_ms, http_status FROM attempt")
    (postponed,) = log
    assert ("attempt_postponed", 6, 1, status, 31.0) == tuple(
        postponed[name] for name in ("event", "row", "attempt", "http_status", "delay_s")
    )
    assert str(postponed["reason"]).startswith(f"{status} ")


@pytest.mark.parametrize(
    ("asked", "due_s"), [(None, 0), ("30", 30), ("1000000", 86_400), ("nonsense", 0)]
)
async def test_s15_a_row_that_is_given_up_may_go_when_the_server_said(
    asked: str | None, due_s: int, tmp_path: Path
) -> None:
    """But no word of a server puts a row off for more than a day."""
    headers = [("Retry-After", asked)] if asked is not None else []
    async with a_rig(
        tmp_path, an_answer(503, *headers), retry=RetrySettings(attempts_max=1)
    ) as rig:
        await rig.work(a_job(6))

    assert [(6, 50, 503, 1, 0, "503 Service Unavailable", 2500)] == rig.ended()
    assert [(NOW_AT_MS + due_s * 1000,)] == content(rig.path, "SELECT due_at_ms FROM due")
    assert {OutcomeKind.DEFERRED: 1} == rig.tally.outcomes


async def test_s16_refusals_add_up(tmp_path: Path) -> None:
    """For the row over all runs, for the run over all rows; and each wait is longer."""
    async with a_rig(tmp_path, an_answer(502)) as rig:
        rig.tally.ambiguous = 5
        job = a_job(6, ambiguous=1, refusals=2)
        await rig.work(job)

    assert (2, 3, 6) == (job.ambiguous, job.refusals, rig.tally.ambiguous)
    assert [(6, 1, 1, 2, NOW_AT_MS + 4_000)] == rig.waiting()


async def test_s15_a_date_counts_from_the_wall_clock(tmp_path: Path) -> None:
    """The row may go at that moment."""
    async with a_rig(
        tmp_path,
        an_answer(503, ("retry-after", "Sun, 22 Nov 2026 02:14:37 GMT")),
        retry=RetrySettings(attempts_max=1),
    ) as rig:
        await rig.work(a_job(6))

    assert [(NOW_AT_MS + 29_750,)] == content(rig.path, "SELECT due_at_ms FROM due")


async def test_n2_failures_to_send_add_up(tmp_path: Path) -> None:
    """Within a run; the log says how long the row waits, to the millisecond."""
    with structlog.testing.capture_logs() as log:
        async with a_rig(
            tmp_path,
            NotSentError("nobody listens"),
            retry=RetrySettings(unsent_base_s=0.12345),
        ) as rig:
            job = a_job(6, unsent=1)
            await rig.work(job)
            await rig.machines.ledger.writer.flush()

    assert 2 == job.unsent
    assert [(6, 1, 1, 0, NOW_AT_MS + 123)] == rig.waiting()
    assert [0.123] == [entry["delay_s"] for entry in log]


async def test_n15_a_probe_that_is_refused_shuts_the_gate_again(tmp_path: Path) -> None:
    """A host that only says 503 is not back."""
    async with a_rig(tmp_path, an_answer(503), breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        await rig.work(a_job(6))

    assert Pause(503, NOW_S - 5.0, NOW_S + 2.0) == rig.breaker.pause(NOW_S)


async def test_n2_a_request_that_never_left_waits_by_its_own_pace(tmp_path: Path) -> None:
    """It is not counted as sent, nor as ambiguous, and the breaker hears of it."""
    async with a_rig(tmp_path, NotSentError("nobody listens")) as rig:
        job = a_job(6)
        await rig.work(job)
        remaining = rig.machines.supply.remaining()

    assert [(6, 1, 1, 0, NOW_AT_MS + 125)] == rig.waiting()
    assert [(NOW_S + 0.125, job)] == remaining
    assert (1, 0) == (job.unsent, job.refusals)
    assert (0, 1, 0) == (rig.tally.sent, rig.tally.waiting, rig.tally.in_flight)
    assert 1 == rig.breaker.failures
    assert [("nobody listens", None)] == content(
        rig.path, "SELECT text, latency_ms FROM attempt JOIN reason ON reason.id = reason_id"
    )


async def test_n15_a_host_that_is_away_costs_no_row_its_attempts(tmp_path: Path) -> None:
    """The failure that opens the gate is the host's, not the row's."""
    settings: dict[str, Any] = {
        "breaker": BreakerSettings(failures_max=1),
        "retry": RetrySettings(unsent_attempts_max=1),
    }
    async with a_rig(tmp_path, NotSentError("nobody listens"), **settings) as rig:
        job = a_job(6)
        await rig.work(job)

    # It gave up at once only because a single attempt was allowed.
    assert 0 == job.unsent
    assert [(6, 50, None, 1, 0, "nobody listens", None)] == rig.ended()
    assert Pause(None, NOW_S, NOW_S + 1.0) == rig.breaker.pause(NOW_S)


async def test_n8_a_lost_answer_is_in_doubt(tmp_path: Path) -> None:
    """It was sent, as far as anybody knows; a probe that ends so has not found the host."""
    async with a_rig(
        tmp_path, InDoubtError("the connection was reset"), breaker=BreakerSettings(failures_max=1)
    ) as rig:
        half_open(rig)
        rig.tally.sent = 7
        await rig.work(a_job(6))
        pause = rig.breaker.pause(NOW_S)

    assert [(6, 20, None, 1, 0, "the connection was reset", None)] == rig.ended()
    assert (8, 0, {OutcomeKind.IN_DOUBT: 1}) == (
        rig.tally.sent,
        rig.tally.in_flight,
        rig.tally.outcomes,
    )
    assert pause is not None
    assert NOW_S < pause.until_s
    assert [] == rig.halts


async def test_requests_under_way_are_counted(tmp_path: Path) -> None:
    """Each of them, as long as it is under way."""
    async with a_rig(tmp_path, is_endless=True) as rig:
        await rig.machines.supply.fill([a_job(6), a_job(7)])
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(Worker(rig.machines, rig.halts.append).run)
            with anyio.fail_after(20):
                while len(rig.told.requests) < 2:
                    await SystemClock().sleep(0.001)
            in_flight = rig.tally.in_flight
            tasks.cancel_scope.cancel()

    assert (2, 0) == (in_flight, rig.tally.in_flight)


async def test_an_answer_to_a_probe_opens_the_gate_for_all(tmp_path: Path) -> None:
    """Whatever it says, short of 502, 503 and 504."""
    async with a_rig(tmp_path, an_answer(400), breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        await rig.work(a_job(6))

    assert rig.breaker.pause(NOW_S) is None
    assert 0 == rig.breaker.failures


async def test_p2_an_abort_leaves_what_was_in_flight_in_doubt(tmp_path: Path) -> None:
    """At once, and with the reason; the next probe may go."""
    async with a_rig(tmp_path, is_endless=True, breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rig.work, a_job(6))
            with anyio.fail_after(20):
                while not rig.told.requests:
                    await SystemClock().sleep(0.001)
            assert 1 == rig.tally.in_flight
            tasks.cancel_scope.cancel()
        await rig.machines.ledger.writer.flush()

    assert [(6, 20, None, 1, 0, "aborted while waiting for the answer", None)] == rig.ended()
    assert 0 == rig.tally.in_flight
    assert rig.breaker.admit(NOW_S) is not None


async def test_a_display_sees_how_many_wait(tmp_path: Path) -> None:
    """Also while the next row is under way."""
    async with a_rig(tmp_path, TAKEN) as rig:
        for row in (7, 8):
            rig.machines.supply.postpone(a_job(row), NOW_S + 100)
        await rig.work(a_job(6))

    assert 2 == rig.tally.waiting

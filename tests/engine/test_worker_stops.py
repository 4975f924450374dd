"""When a worker sends nothing, or nothing more: and what becomes of the row at hand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import structlog
from ledgers import content
from working import NOW_AT_MS, NOW_S, TAKEN, Doing, a_job, a_rig, an_answer, half_open

from bulkpost.clock import SystemClock
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.engine.halt import Halt
from bulkpost.engine.waterline import Waterline
from bulkpost.engine.worker import Worker
from bulkpost.errors import InDoubtError, NotSentError
from bulkpost.exchange import Reply
from bulkpost.lead import Lead
from bulkpost.ledger.entries import Intent, Settlement, Wait, row_id_of
from bulkpost.ledger.states import State
from bulkpost.outcome import NextStep, Outcome, OutcomeKind, Verdict
from bulkpost.pacing.breaker import BreakerSettings
from bulkpost.pacing.budget import BudgetSettings, ErrorBudget
from bulkpost.run import RunEnding


async def test_n5_a_fatal_refusal_to_send_ends_the_run(tmp_path: Path) -> None:
    """An untrusted certificate will not be trusted in a second: the row is deferred."""
    fatal = NotSentError("the certificate is not trusted", is_fatal=True, advice="Ask for one.")
    async with a_rig(tmp_path, fatal, breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        await rig.work(a_job(6))

    assert [(6, 50, None, 1, 0, "the certificate is not trusted", None)] == rig.ended()
    assert [Halt(RunEnding.REFUSED, "the certificate is not trusted", "Ask for one.")] == rig.halts
    assert 1 == rig.breaker.failures  # the one before: nothing was learned of the host
    assert rig.breaker.admit(NOW_S) is not None
    assert [] == content(rig.path, "SELECT * FROM due")


async def test_n1_a_host_that_was_away_for_too_long_ends_the_run(tmp_path: Path) -> None:
    """The message says for how long, and why at last."""
    async with a_rig(
        tmp_path,
        NotSentError("the name does not resolve"),
        breaker=BreakerSettings(failures_max=1, base_s=0.001, first_contact_s_max=60.0),
    ) as rig:
        first = rig.breaker.admit(NOW_S - 70.0)
        assert first is not None
        rig.breaker.failed(NOW_S - 70.0, first)
        await rig.work(a_job(6))

    assert [
        Halt(
            RunEnding.REFUSED,
            "the destination could not be reached for 70 s: the name does not resolve",
            "Check the URL and the network; the same command goes on where it stood.",
        )
    ] == rig.halts


async def test_s16_a_storm_that_lasts_too_long_ends_the_run(tmp_path: Path) -> None:
    """With the answer that came last."""
    async with a_rig(
        tmp_path, an_answer(503), breaker=BreakerSettings(failures_max=1, outage_s_max=60.0)
    ) as rig:
        first = rig.breaker.admit(NOW_S - 70.0)
        assert first is not None
        rig.breaker.failed(NOW_S - 70.0, first, 503)
        await rig.work(a_job(6))

    assert ["the destination could not be reached for 70 s: 503 Service Unavailable"] == [
        halt.reason for halt in rig.halts
    ]


@pytest.mark.parametrize(
    ("doings", "state"),
    [
        pytest.param([ValueError("x")], State.IN_DOUBT, id="after-it-may-have-left"),
        pytest.param([], State.DEFERRED, id="before"),
    ],
)
async def test_p10_a_mistake_of_ours_ends_the_run_and_tells_its_place(
    doings: Sequence[Doing], state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text may quote a lead, so only its kind and place are told; the row is never lost."""
    if not doings:

        def fail(*_: object) -> None:
            raise ValueError("x")

        monkeypatch.setattr(SubmissionEndpoint, "request", fail)
    with structlog.testing.capture_logs() as log:
        async with a_rig(tmp_path, *doings, breaker=BreakerSettings(failures_max=1)) as rig:
            half_open(rig)
            await rig.work(a_job(6))

    ((row, found, status, attempts, _, reason, _),) = rig.ended()
    assert (6, state, None, 1) == (row, found, status, attempts)
    assert reason.startswith("internal error ValueError at worker.py:")
    assert reason.count(".py:") == 2
    assert [Halt(RunEnding.FAILED, reason)] == rig.halts
    event = next(entry for entry in log if entry["event"] == "worker_failed")
    assert ("ValueError", 6, reason.partition(" at ")[2]) == (
        event["error_type"],
        event["row"],
        event["why"],
    )
    assert 0 == rig.tally.in_flight
    assert rig.breaker.admit(NOW_S) is not None


async def test_p10_a_mistake_outside_of_an_attempt_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is in doubt if it was armed, and pending if it was not."""

    def fail(*_: object) -> None:
        raise ValueError("x")

    async with a_rig(tmp_path, TAKEN) as rig:
        monkeypatch.setattr(Waterline, "accounted", fail)
        await rig.work(a_job(6, batch=rig.machines.waterline.open(6, 1)))

    ((_, found, *_, reason, _),) = rig.ended()
    assert State.IN_DOUBT == found
    assert reason.startswith("internal error ValueError at ")
    assert [Halt(RunEnding.FAILED, reason)] == rig.halts
    assert [] == rig.told.requests


async def test_p10_a_mistake_after_the_ending_leaves_the_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was written down stays the answer."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("x")

    async with a_rig(tmp_path, TAKEN) as rig:
        monkeypatch.setattr(ErrorBudget, "replied", fail)
        await rig.work(a_job(6))
        failure = rig.machines.ledger.writer.failure

    assert [(6, 10, 201, 1, 0, None, 2500)] == rig.ended()
    assert [RunEnding.FAILED] == [halt.ending for halt in rig.halts]
    assert failure is None


async def test_s20_a_destination_that_refuses_gets_nothing_more(tmp_path: Path) -> None:
    """A fresh row stays pending; one that waits is deferred with the refusal as its reason."""
    busy = an_answer(503)
    shut = an_answer(403, body=b'{"message":"Source is disabled"}')
    async with a_rig(tmp_path, busy, shut, is_endless=True) as rig:
        writer, supply = rig.machines.ledger.writer, rig.machines.supply
        waiting = a_job(5)
        await writer.arm(Intent(waiting.row_id, waiting.prepared.identity.key))
        writer.put(Wait(waiting.row_id, 1, Outcome(OutcomeKind.DEFERRED), 0, NOW_AT_MS))
        waiting.is_open, waiting.attempt = True, 1
        rig.told.doings = [shut]
        await supply.fill([a_job(6)])
        supply.postpone(waiting, NOW_S + 0.001)  # behind the fresh one, as the clock stands
        worker = Worker(rig.machines, rig.halts.append)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            with anyio.fail_after(20):
                while not rig.halts:
                    await SystemClock().sleep(0.001)
            supply.postpone(waiting, NOW_S)
            await supply.fill([a_job(7)])
            await anyio.wait_all_tasks_blocked()
            supply.stop()
        await writer.flush()

    reason = "the destination refused: 403 Forbidden: Source is disabled"
    assert [
        Halt(
            RunEnding.REFUSED,
            reason,
            "Check the posting URL and whether the source is enabled; every row would fare alike.",
        )
    ] == rig.halts
    assert {"here": reason} == rig.machines.refused
    assert 1 == len(rig.told.requests)
    assert [
        (5, 50, None, 1, 0, reason, None),
        (6, 30, 403, 1, 0, "403 Forbidden: Source is disabled", 2500),
    ] == rig.ended()


async def test_with_several_destinations_one_that_refuses_stops_alone(tmp_path: Path) -> None:
    """The others go on, each with a budget of its own."""
    async with a_rig(
        tmp_path,
        *(an_answer(400), an_answer(400), TAKEN),
        is_routed=True,
        budget=BudgetSettings(errors_max=2),
    ) as rig:
        await rig.work(a_job(5), a_job(6), a_job(7), a_job(8, destination="there"))

    reason = "2 of the last 200 attempts were answered outside the protocol or not at all"
    assert {"here": reason} == rig.machines.refused
    assert [(5, 30), (6, 30), (8, 10)] == [row[:2] for row in rig.ended()]
    assert {"here", "there"} == set(rig.machines.budgets)
    assert [] == rig.halts


class _Wary(SubmissionEndpoint):
    """To whom a 409 says that the destination is wrong, unless it was right before."""

    def verdict(self, reply: Reply, item: Lead) -> Verdict:
        verdict = super().verdict(reply, item)
        return (
            replace(verdict, next_step=NextStep.STOP_AT_START) if reply.status == 409 else verdict
        )


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_refusal_that_may_be_a_rows_own_stops_at_the_start_only(
    tmp_path: Path, *, is_first: bool
) -> None:
    """Once the destination has taken a row, such a refusal holds its row alone."""
    answers = [an_answer(409), TAKEN] if is_first else [TAKEN, an_answer(409)]
    async with a_rig(tmp_path, *answers, endpoint=_Wary()) as rig:
        await rig.work(a_job(5), a_job(6))

    assert [RunEnding.REFUSED] * is_first == [halt.ending for halt in rig.halts]
    assert ([(5, 30)] if is_first else [(5, 10), (6, 30)]) == [row[:2] for row in rig.ended()]


@pytest.mark.parametrize("last", [an_answer(400), InDoubtError("lost")])
async def test_too_many_wrong_answers_end_the_run(last: Doing, tmp_path: Path) -> None:
    """What is lost counts as what is wrong; the first reason stays."""
    async with a_rig(
        tmp_path, an_answer(400), last, an_answer(404), budget=BudgetSettings(errors_max=2)
    ) as rig:
        await rig.work(a_job(5), a_job(6), a_job(7))

    assert [
        Halt(
            RunEnding.BUDGET,
            "2 of the last 200 attempts were answered outside the protocol or not at all",
            "See `bulkpost show` for what came back, ready to send to LeadConduit's support.",
        )
    ] == rig.halts
    assert 2 == len(rig.told.requests)


async def test_s5_pages_of_somebody_else_end_the_run(tmp_path: Path) -> None:
    """From the very first answer on, as many as the settings say."""
    page = an_answer(200, body=b"<html><title>Please log in</title>")
    async with a_rig(tmp_path, page, page, page, budget=BudgetSettings(suspects_max=2)) as rig:
        await rig.work(a_job(5), a_job(6), a_job(7))

    assert [
        Halt(
            RunEnding.REFUSED,
            "the destination does not answer as LeadConduit does: 200 OK: Please log in",
            "Check the posting URL; a proxy or a maintenance page may stand before it.",
        )
    ] == rig.halts


async def test_d1_an_intent_that_is_not_on_disk_ends_the_run(tmp_path: Path) -> None:
    """Nothing is sent, and the place of the probe is free again."""
    async with a_rig(tmp_path, breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        database = rig.machines.ledger.writer._database  # noqa: SLF001  # the fault is beneath it
        await database.execute_fetchall("PRAGMA query_only = ON")
        rig.machines.supply.postpone(a_job(6), NOW_S)
        rig.machines.supply.end()
        with anyio.fail_after(20):
            await Worker(rig.machines, rig.halts.append).run()
        failure = rig.machines.ledger.writer.failure
        await database.execute_fetchall("PRAGMA query_only = OFF")

    assert failure is not None
    assert [Halt(RunEnding.FAILED, failure.message, failure.advice)] == rig.halts
    assert failure.message
    assert failure.advice
    assert [] == rig.told.requests
    assert rig.breaker.admit(NOW_S) is not None


@pytest.mark.parametrize(
    ("state", "stands"),
    [("armed", "in flight"), ("back-off", "to be retried"), ("done", "success")],
)
async def test_a_row_whose_lead_is_taken_is_refused_with_the_row_that_has_it(
    state: str, stands: str, tmp_path: Path
) -> None:
    """The ledger refused its intent; it counts as looked at, and the probe's place is free."""
    async with a_rig(tmp_path, breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        writer = rig.machines.ledger.writer
        holder = row_id_of(1, 5)
        await writer.arm(Intent(holder, (5).to_bytes(16, "big")))
        if state == "back-off":
            writer.put(Wait(holder, 1, Outcome(OutcomeKind.DEFERRED), 0, NOW_AT_MS))
        elif state == "done":
            writer.put(Settlement(holder, Outcome(OutcomeKind.SUCCESS)))
        await writer.flush()
        batch = rig.machines.waterline.open(6, 1)
        await rig.work(a_job(6, key=5, batch=batch))

    refused = [row for row in rig.ended() if row[0] == 6]
    assert [(6, 41, None, 0, 0, f"same lead as another row ({stands})", None)] == refused
    assert [(holder,)] == content(rig.path, "SELECT detail FROM outcome WHERE row_id & 0xFF = 6")
    assert {OutcomeKind.DUPLICATE: 1} == rig.tally.outcomes
    assert [(6,)] == content(rig.path, "SELECT low_water FROM input")
    assert [] == rig.told.requests
    assert rig.breaker.admit(NOW_S) is not None


async def test_a_refused_row_whose_holder_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    """In a moment: whoever had the key has just ended, one way or the other."""
    async with a_rig(tmp_path) as rig:
        writer, supply = rig.machines.ledger.writer, rig.machines.supply
        await writer.arm(Intent(row_id_of(1, 6), (6).to_bytes(16, "big")))
        writer.put(Settlement(row_id_of(1, 6), Outcome(OutcomeKind.SUCCESS)))
        await writer.flush()
        job = a_job(6)
        await supply.fill([job])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Worker(rig.machines, rig.halts.append).run)
            with anyio.fail_after(20):
                while not supply.remaining():
                    await SystemClock().sleep(0.001)
            supply.stop()

    assert [(NOW_S + 0.05, job)] == supply.remaining()
    assert [] == rig.told.requests
    assert 0 == rig.tally.rows_ended


async def test_p2_what_is_armed_when_the_run_is_aborted_is_not_sent(tmp_path: Path) -> None:
    """It never left, so it is deferred and not in doubt."""
    async with a_rig(tmp_path, breaker=BreakerSettings(failures_max=1)) as rig:
        half_open(rig)
        rig.machines.is_aborting = True
        await rig.work(a_job(6))

    assert [(6, 50, None, 1, 0, "aborted before it was sent", None)] == rig.ended()
    assert [] == rig.told.requests
    assert rig.breaker.admit(NOW_S) is not None


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_p1_a_row_that_waits_at_the_gate_goes_back(how: str, tmp_path: Path) -> None:
    """One in back-off keeps its place until the run's end; a fresh one is pending."""
    async with a_rig(tmp_path, breaker=BreakerSettings(failures_max=1, base_s=3600.0)) as rig:
        first = rig.breaker.admit(NOW_S)
        assert first is not None
        rig.breaker.failed(NOW_S, first)
        supply = rig.machines.supply
        waiting, fresh = a_job(5, is_open=True, attempt=1), a_job(6)
        supply.postpone(waiting, NOW_S)
        await supply.fill([fresh])
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(Worker(rig.machines, rig.halts.append).run)
            await anyio.wait_all_tasks_blocked()
            assert rig.tally.held_back.startswith("backing off")
            supply.stop()
            if how == "stopped":
                rig.machines.gate.stop()
            else:
                tasks.cancel_scope.cancel()

    assert [(NOW_S, waiting)] == supply.remaining()
    assert ([], []) == (rig.told.requests, rig.ended())

"""When rows go out: who waits for what, judged by the server's own clock and by the order it saw.

Where time is compared, a slow machine can only make the difference larger than what is asked for.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import anyio
from faultserver import Peer, fault_server, say
from submitting import (
    Answerer,
    Recorder,
    Seen,
    a_list,
    all_of,
    an_order,
    asked,
    child_env,
    endings,
    path_of,
    quick_config,
    refusal,
    submitted,
    taken,
)

from bulkpost.clock import SystemClock
from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding

HOUR_S = 3600.0


async def test_one_503_with_retry_after_holds_every_worker_back(tmp_path: Path) -> None:
    """Between the refusal and its expiry nothing arrives but what was under way already."""
    leads, ledger = a_list(tmp_path, 12), tmp_path / "l.db"
    refused = anyio.Event()

    async def refuse(peer: Peer) -> None:
        while len(answerer.seen) < 4:
            await SystemClock().sleep(0.001)
        await peer.write(refusal(503, ("Retry-After", "1")))
        refused.set()

    async def after_it(peer: Peer, row: int) -> None:
        await refused.wait()
        await SystemClock().sleep(0.1)
        await peer.write(taken(row))

    slow = {row: [partial(after_it, row=row)] for row in (2, 3, 4)}
    answerer = Answerer({1: [refuse, taken(1, 2)], **slow})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))

    assert (ExitStatus.DONE, all_of(12)) == (result.exit_status, endings(ledger))
    assert {1, 2, 3, 4} == set(answerer.rows[:4])
    began_s = answerer.seen[3].at_s
    assert [] == [seen.row for seen in answerer.seen[4:] if seen.at_s - began_s < 1.0]
    assert {**dict.fromkeys(range(1, 13), 1), 1: 2} == answerer.counts


async def test_a_row_that_waits_holds_no_worker_and_its_due_time_survives_a_restart(
    tmp_path: Path,
) -> None:
    """One worker: every other row goes out while one waits; a stop and a start do not hurry it."""
    leads, ledger, observer = a_list(tmp_path, 20), tmp_path / "l.db", Recorder()

    def stop_after_the_last(seen: Seen) -> None:
        if seen.row == 20:
            os.kill(os.getpid(), signal.SIGTERM)

    answerer = Answerer({1: [refusal(503), taken(1, 2)]}, on_request=stop_after_the_last)
    async with fault_server(answerer.script) as server:
        order = an_order(
            server.url,
            leads,
            ledger=ledger,
            engine__concurrency=1,
            retry__base_s=HOUR_S,
            retry__cap_s=HOUR_S,
        )
        stopped = await submitted(order, observer)
        assert list(range(1, 21)) == answerer.rows
        assert (ExitStatus.SIGTERM, RunEnding.DRAINED) == (
            stopped.exit_status,
            stopped.runs[0].ending,
        )
        assert all_of(20, _1="deferred") == endings(ledger)
        early = await submitted(an_order(server.url, leads, ledger=ledger, engine__due_s_max=0.0))
        assert (ExitStatus.RESUMABLE, 20) == (early.exit_status, len(answerer.seen))

    ((due_at_ms,),) = asked(ledger, "SELECT due_at_ms FROM due")
    ((began_at_ms,),) = asked(ledger, "SELECT started_at_ms FROM run WHERE id = 1")
    assert began_at_ms < due_at_ms <= began_at_ms + HOUR_S * 1000 + 60_000
    assert any("SIGTERM" in note for note in observer.notes)


async def test_a_due_time_is_waited_for_in_the_next_run_while_others_go(tmp_path: Path) -> None:
    """The second run knows when the row may go, and does not let the rest wait for it."""
    leads, ledger = a_list(tmp_path, 5), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503, ("Retry-After", "1")), taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        order = an_order(
            server.url, leads, ledger=ledger, retry__attempts_max=1, engine__concurrency=1, limit=1
        )
        first = await submitted(order)
        assert {1: "deferred"} == endings(ledger)
        second = await submitted(an_order(server.url, leads, ledger=ledger, engine__concurrency=1))

    assert [ExitStatus.RESUMABLE, ExitStatus.DONE] == [first.exit_status, second.exit_status]
    assert all_of(5) == endings(ledger)
    assert [1, 2, 3, 4, 5, 1] == answerer.rows
    assert answerer.seen[-1].at_s - answerer.seen[0].at_s >= 1.0


async def test_a_due_time_survives_a_kill(tmp_path: Path) -> None:
    """A SIGKILL in back-off leaves the row deferred until the moment the server asked for."""
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503, ("Retry-After", "600"))]})
    config = quick_config(tmp_path, engine__concurrency=1)
    async with fault_server(answerer.script) as server:
        words = [
            *(sys.executable, "-m", "bulkpost", "submit", leads, "--url", server.url + path_of()),
            *("--ledger", ledger, "--config", config),
        ]
        async with await anyio.open_process(
            [str(word) for word in words], cwd=tmp_path, env=child_env(), stdout=None, stderr=None
        ) as child:
            with anyio.fail_after(30):
                while not (
                    ledger.exists()
                    and answerer.seen
                    and asked(ledger, "SELECT 1 FROM intent WHERE phase = 1")
                ):
                    await SystemClock().sleep(0.02)
            child.kill()
        early = await submitted(an_order(server.url, leads, ledger=ledger, engine__due_s_max=1.0))

    assert ExitStatus.RESUMABLE is early.exit_status
    assert all_of(3, _1="deferred") == endings(ledger)
    assert {1: 1, 2: 1, 3: 1} == answerer.counts


async def test_the_rate_is_kept_as_the_server_counts_it(tmp_path: Path) -> None:
    """No second of the server's log holds more than the rate and what was under way."""
    rate, concurrency = 40, 4
    leads, ledger, answerer = a_list(tmp_path, 80), tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        result = await submitted(
            an_order(
                server.url,
                leads,
                ledger=ledger,
                rate=f"{rate}/s",
                engine__concurrency=concurrency,
            )
        )

    times = [seen.at_s for seen in answerer.seen]
    fullest = max(sum(begin <= at < begin + 1.0 for at in times) for begin in times)
    assert (ExitStatus.DONE, 80) == (result.exit_status, len(times))
    # Booked places that a stalled machine lets go together: one per worker on either side.
    assert fullest <= rate + 1 + 2 * concurrency


async def test_a_rate_holds_over_several_inputs(tmp_path: Path) -> None:
    """A second input does not begin with a burst of its own."""
    ledger, answerer = tmp_path / "l.db", Answerer()
    inputs = [a_list(tmp_path, range(1, 11), "a.csv"), a_list(tmp_path, range(11, 21), "b.csv")]
    async with fault_server(answerer.script) as server:
        await submitted(
            an_order(
                server.url, *inputs, ledger=ledger, rate="20/s", burst=10, engine__concurrency=1
            )
        )

    times = [seen.at_s for seen in answerer.seen]
    assert list(range(1, 21)) == answerer.rows
    assert times[-1] - times[0] >= 0.25  # half a second at this rate, nothing with a burst again


async def test_a_retry_after_holds_for_the_next_input_too(tmp_path: Path) -> None:
    """The server asked everybody to wait, whichever file they come from."""
    ledger = tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503, ("Retry-After", "1"))]})
    inputs = [a_list(tmp_path, [1], "a.csv"), a_list(tmp_path, [2, 3], "b.csv")]
    async with fault_server(answerer.script) as server:
        result = await submitted(
            an_order(server.url, *inputs, ledger=ledger, retry__attempts_max=1)
        )

    assert (ExitStatus.RESUMABLE, {1, 2, 3}) == (result.exit_status, set(answerer.rows))
    assert answerer.seen[1].at_s - answerer.seen[0].at_s >= 1.0


async def test_concurrency_is_the_most_that_is_ever_under_way(tmp_path: Path) -> None:
    """The server never has more requests open than were allowed."""
    leads, ledger = a_list(tmp_path, 40), tmp_path / "l.db"
    open_now, most = 0, 0

    async def slowly(peer: Peer) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await SystemClock().sleep(0.01)
        open_now -= 1
        await say(taken(1))(peer)

    answerer = Answerer(otherwise=slowly)
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger, engine__concurrency=3))

    assert (3, 40) == (most, len(answerer.seen))

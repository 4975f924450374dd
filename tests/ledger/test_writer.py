"""The writer: group commit that loses nothing and leaves nobody waiting."""

import sqlite3
import tempfile
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import LEAD_ID, an_intent, content, opened

from bulkpost.clock import SystemClock
from bulkpost.errors import LedgerDiskError, LedgerWriteError
from bulkpost.ledger.entries import Rearm, Refused, Settlement, Wait, row_id_of
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind

SUCCESS = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID, 1_500_000)
WAITING = Outcome(OutcomeKind.DEFERRED, "HTTP 503", 503)

# What becomes of a row: refused at once; or retried so often, with pauses in between, and ended.
_LIVES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40
)


@given(lives=_LIVES)
@settings(max_examples=25, deadline=None)
async def test_every_entry_is_on_disk_at_the_end(lives: list[tuple[bool, int, int]]) -> None:
    """However rows interleave, each ends once, with every attempt that it had."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leads.db")
        async with opened(path) as ledger, anyio.create_task_group() as tasks:

            async def live(row: int, *, is_refused: bool, retries: int, pauses: int) -> None:
                row_id = row_id_of(1, row)
                if is_refused:
                    ledger.writer.put(Refused(row_id, State.INVALID, "why"))
                    return
                assert await ledger.writer.arm(an_intent(row))
                for attempt in range(1, retries + 1):
                    ledger.writer.put(Wait(row_id, attempt, WAITING, 0, due_at_ms=1))
                    for _ in range(pauses):
                        await anyio.lowlevel.checkpoint()
                    assert await ledger.writer.arm(Rearm(row_id, attempt + 1))
                ledger.writer.put(Settlement(row_id, SUCCESS, attempts=retries + 1))

            for row, (is_refused, retries, pauses) in enumerate(lives, start=1):
                tasks.start_soon(
                    partial(live, row, is_refused=is_refused, retries=retries, pauses=pauses)
                )
        expected = [
            (row, *((40, 0, None) if is_refused else (10, retries + 1, LEAD_ID)))
            for row, (is_refused, retries, _) in enumerate(lives, start=1)
        ]
        assert expected == content(
            path,
            "SELECT row_id & 0xFFFFFFFFFF, state, attempts, nullif(lower(hex(lead_id)), '')"
            " FROM outcome ORDER BY 1",
        )
        assert [(0,)] == content(path, "SELECT count(*) FROM intent")
        waits = sum(retries for is_refused, retries, _ in lives if not is_refused)
        assert [(waits,)] == content(path, "SELECT count(*) FROM attempt")


async def test_an_intent_is_on_disk_when_arm_returns(tmp_path: Path) -> None:
    """Another connection sees it before anything can be sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        seen = content(path, "SELECT phase, attempt FROM intent")
        ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))

    assert [(0, 1)] == seen


async def test_many_intents_share_commits(tmp_path: Path) -> None:
    """The group forms itself: a hundred workers cost a few commits."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        before = content(path, "SELECT number FROM commit_count")[0][0]
        async with anyio.create_task_group() as tasks:
            for row in range(1, 101):
                tasks.start_soon(ledger.writer.arm, an_intent(row))
        after = content(path, "SELECT number FROM commit_count")[0][0]
        for row in range(1, 101):
            ledger.writer.put(Settlement(row_id_of(1, row), SUCCESS))

    assert 1 <= after - before <= 3


async def test_a_value_that_sqlite_cannot_take_leaves_nobody_waiting(tmp_path: Path) -> None:
    """An integer beyond 64 bits poisons its group: everybody in it is told, and nothing is sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        poison = Settlement(row_id_of(1, 9), Outcome(OutcomeKind.ERROR, price_micros=1 << 70))
        ledger.writer.put(poison)
        with (
            anyio.fail_after(10),
            pytest.raises(
                LedgerWriteError, match=r"writing to the ledger failed \(OverflowError\)"
            ),
        ):
            await ledger.writer.arm(an_intent(1))
        with pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(2))
        with anyio.fail_after(10):
            await ledger.writer.flush()

    assert [(0,)] == content(path, "SELECT count(*) FROM intent")


async def test_an_ending_without_an_intent_stops_the_run_and_is_kept(tmp_path: Path) -> None:
    """Such an answer would vanish: it goes to the rescue file, and nothing more is sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        ledger.writer.put(Settlement(row_id_of(1, 3), SUCCESS))
        await ledger.writer.flush()
        assert ledger.writer.failure is not None

    assert LEAD_ID in path.with_name("leads.db.rescue").read_text()


async def test_a_mark_is_on_disk_after_the_flush(tmp_path: Path) -> None:
    """The next run begins behind it."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        ledger.writer.advance(1, 5)
        with anyio.fail_after(10):
            await ledger.writer.flush()
        found = content(path, "SELECT low_water FROM input")

    assert [(5,)] == found


async def test_times_count_from_the_beginning_of_their_run(tmp_path: Path) -> None:
    """In milliseconds."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        run_id = ledger.writer._pending.group.run_id  # noqa: SLF001  # the run goes on
        ledger.writer.begin(run_id, SystemClock().now_s() - 1_000_000)
        assert await ledger.writer.arm(an_intent(1))
        ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))
        ledger.writer.put(Refused(row_id_of(1, 2), State.INVALID, "why"))

    times_ms = [row[0] for row in content(path, "SELECT elapsed_ms FROM outcome")]
    assert 2 == len(times_ms)
    assert all(1e9 <= elapsed_ms < 1e9 + 600_000 for elapsed_ms in times_ms)


async def test_a_ledger_that_became_read_only_says_so(tmp_path: Path) -> None:
    """A kernel does that after an error of the disk: nothing is written into it again."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        database = ledger.writer._database  # noqa: SLF001  # the fault is beneath the writer
        await database.execute_fetchall("PRAGMA query_only = ON")
        with pytest.raises(LedgerWriteError) as caught:
            await ledger.writer.arm(an_intent(1))
        await database.execute_fetchall("PRAGMA query_only = OFF")

    assert f"the ledger is read-only: {path}" == caught.value.message
    assert "Nothing was sent after that. Mend the disk" in caught.value.advice
    assert isinstance(caught.value, LedgerDiskError)


async def test_d3_an_error_of_the_disk_is_told_from_others(tmp_path: Path) -> None:
    """After one, nothing is written into the ledger again."""

    def fail(_raw: sqlite3.Connection) -> None:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path / "leads.db") as ledger:
        with pytest.raises(LedgerDiskError, match=r"writing to the ledger failed \(OSError\)"):
            await ledger.writer.transact(fail)


async def test_a_ballast_that_cannot_be_given_back_keeps_no_answer_away(tmp_path: Path) -> None:
    """Whatever somebody has put in its place."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        ledger.paths.ballast.unlink()
        ledger.paths.ballast.mkdir()
        ledger.writer.put(Settlement(row_id_of(1, 3), SUCCESS))
        with anyio.fail_after(10):
            await ledger.writer.flush()

    assert LEAD_ID in path.with_name("leads.db.rescue").read_text()


async def test_a_run_may_follow_another(tmp_path: Path) -> None:
    """Closed means: return when nothing is left; reopened, the writer writes on."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        ledger.writer.close()
        await anyio.wait_all_tasks_blocked()
        ledger.writer.reopen()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ledger.writer.run)
                await anyio.wait_all_tasks_blocked()
                assert await ledger.writer.arm(an_intent(1))
                ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))
                ledger.writer.close()

    assert [(10,)] == content(path, "SELECT state FROM outcome")


async def test_a_cancelled_worker_leaves_only_when_its_intent_is_on_disk(tmp_path: Path) -> None:
    """Cut short, nobody would know that an armed row was never sent."""
    path = tmp_path / "leads.db"
    armed: list[bool] = []
    async with opened(path) as ledger:
        with anyio.CancelScope() as scope:
            scope.cancel()
            armed.append(await ledger.writer.arm(an_intent(1)))
            ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))

    assert [True] == armed
    assert [(10,)] == content(path, "SELECT state FROM outcome")


async def test_what_was_rescued_is_told_in_the_log_and_in_the_advice(tmp_path: Path) -> None:
    """How much, and where it is; once the failure is known it is not told again."""
    path = tmp_path / "leads.db"
    rescue = path.with_name("leads.db.rescue")
    with structlog.testing.capture_logs() as log:
        async with opened(path) as ledger:
            for _ in range(2):
                ledger.writer.put(Settlement(row_id_of(1, 3), SUCCESS))
                ledger.writer.put(Wait(row_id_of(1, 4), 1, WAITING, 0, due_at_ms=1))
                await ledger.writer.flush()
            failure = ledger.writer.failure

    assert failure is not None
    assert "an ending came for a row that was not under way" == failure.message
    assert f"Answers in hand were written to {rescue}; the next run imports" in failure.advice
    rescued = {
        "event": "outcomes_rescued",
        "log_level": "error",
        "count": 2,
        "path": str(rescue),
    }
    assert [
        {
            "event": "ledger_write_failed",
            "log_level": "error",
            "error": failure.message,
            "ledger": str(path),
        },
        rescued,
        rescued,
    ] == log
    assert 4 == len(rescue.read_text().splitlines())


async def test_answers_without_any_file_are_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the rescue file cannot be written, standard error has them."""
    path = tmp_path / "leads.db"
    with structlog.testing.capture_logs() as log:
        async with opened(path) as ledger:
            path.with_name("leads.db.rescue").mkdir()
            ledger.writer.put(Settlement(row_id_of(1, 3), SUCCESS))
            await ledger.writer.flush()
            failure = ledger.writer.failure

    assert failure is not None
    assert "Answers in hand were written to standard error" in failure.advice
    assert "standard error" == log[-1]["path"]
    assert LEAD_ID in capsys.readouterr().err


@pytest.mark.parametrize("has_ballast", [True, False])
async def test_the_ballast_is_given_back_once(tmp_path: Path, *, has_ballast: bool) -> None:
    """Without it, or after it, answers that the database refuses go to the rescue file."""
    path = tmp_path / "leads.db"
    ballast = path.with_name("leads.db.ballast")
    async with opened(path) as ledger:
        if not has_ballast:
            ballast.unlink()
        for row in (3, 4):
            ledger.writer.put(Settlement(row_id_of(1, row), SUCCESS))
            await ledger.writer.flush()
        was_there = ballast.exists()

    assert not was_there
    assert 2 == len(path.with_name("leads.db.rescue").read_text().splitlines())


async def test_answers_of_a_group_that_failed_are_written_without_its_intents(
    tmp_path: Path,
) -> None:
    """Whatever spoilt the group was in an intent: the answers get a second try, and are kept."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        for row in (1, 2):
            assert await ledger.writer.arm(an_intent(row))
        ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))
        ledger.writer.put(Wait(row_id_of(1, 2), 1, WAITING, 0, due_at_ms=1))
        ledger.writer.put(Refused(row_id_of(1, 3), State.INVALID, "why"))
        with anyio.fail_after(10), pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(4, ambiguous=1 << 70))

    assert not path.with_name("leads.db.rescue").exists()
    assert [(1, 10, None), (3, 40, "why")] == content(
        path,
        "SELECT row_id & 0xFF, state, text FROM outcome LEFT JOIN reason ON reason.id = reason_id",
    )
    assert [(2, 1, "HTTP 503")] == content(
        path, "SELECT row_id & 0xFF, phase, text FROM intent JOIN reason ON reason.id = reason_id"
    )


@pytest.mark.parametrize("is_one_group", [True, False])
async def test_a_row_deferred_while_it_waits_keeps_what_its_attempt_brought(
    tmp_path: Path, *, is_one_group: bool
) -> None:
    """A stopping run defers rows in back-off; the 503 that they were answered stays on record."""
    path = tmp_path / "leads.db"
    ended = Outcome(OutcomeKind.DEFERRED, "the run ended before its next attempt")
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        ledger.writer.put(Wait(row_id_of(1, 1), 1, WAITING, 0, due_at_ms=9, latency_ms=7))
        if not is_one_group:
            await ledger.writer.flush()
        ledger.writer.put(Settlement(row_id_of(1, 1), ended, due_at_ms=9))

    query = "SELECT http_status, text, latency_ms FROM attempt JOIN reason ON reason_id = reason.id"
    assert [(503, "HTTP 503", 7)] == content(path, query)
    assert [(50, 1)] == content(path, "SELECT state, attempts FROM outcome")
    assert [(0,)] == content(path, "SELECT count(*) FROM intent")


async def test_requests_and_replies_that_are_alike_are_stored_once(tmp_path: Path) -> None:
    """A thousand rows refused alike cost a few bytes each, and each has its own exchange."""
    path = tmp_path / "leads.db"
    refused = Outcome(OutcomeKind.HTTP_ERROR, "500 Internal Server Error", 500)
    async with opened(path) as ledger:
        for row in range(1, 101):
            assert await ledger.writer.arm(an_intent(row))
            evidence = ('{"method": "POST"}', f'{{"reply_body": "{row % 2}"}}')
            ledger.writer.put(Settlement(row_id_of(1, row), refused, evidence=evidence))

    assert [(3,)] == content(path, "SELECT count(*) FROM message")
    assert [(row, '{"method": "POST"}', f'{{"reply_body": "{row % 2}"}}') for row in (1, 2, 3)] == (
        content(path, "SELECT row, request, reply FROM exchanges ORDER BY row LIMIT 3")
    )
    assert [(100,)] == content(path, "SELECT count(*) FROM exchanges")

"""A ledger is opened, recovered, and told of its runs: what it then holds, and what it says."""

import os
import shutil
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ledgers import LEAD_ID, OPTIONS, an_input, an_intent, content, opened

from bulkpost import __version__
from bulkpost.clock import SystemClock
from bulkpost.destination import Environment
from bulkpost.errors import LedgerDamagedError, LedgerError, LedgerRolledBackError, LedgerWriteError
from bulkpost.ledger.entries import Settlement, Wait, row_id_of
from bulkpost.ledger.ledger import Recovery, open_ledger
from bulkpost.ledger.lock import witnessed_commits
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.run import Run, RunEnding

NOW_AT = datetime(2026, 11, 22, 2, 14, 7, 250_000, tzinfo=UTC)
NOW_AT_MS = 1_795_313_647_250


class StoppedClock(SystemClock):
    """A clock that moves when it is told to; its wall time stands still."""

    s = 100.0

    def now_s(self) -> float:
        return self.s

    def now_at(self) -> datetime:
        return NOW_AT


CLOCK = StoppedClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


async def test_a_ledger_is_new_once(path: Path) -> None:
    """It knows what it serves, when it was made, and a number and a salt of its own."""
    found = []
    for _ in range(2):
        async with open_ledger(path, OPTIONS, CLOCK) as ledger:
            found.append((ledger.is_new, ledger.recovery, ledger.ledger_id, ledger.key_salt))

    (first, made, ledger_id, salt), (second, again, *same) = found
    assert (True, False) == (first, second)
    assert (Recovery(), Recovery()) == (made, again)
    assert [ledger_id, salt] == same
    assert (16, 32) == (len(ledger_id), len(salt))
    assert [("sandbox", NOW_AT_MS)] == content(
        path,
        "SELECT a.value, b.value FROM meta AS a JOIN meta AS b"
        " ON a.name = 'environment' AND b.name = 'created_at_ms'",
    )


async def test_the_witness_has_seen_every_commit(path: Path) -> None:
    """The lock file's number is the ledger's own, in this opening and in the next."""
    seen = []
    for _ in range(2):
        async with open_ledger(path, OPTIONS, CLOCK) as ledger:
            for _ in range(3):
                await ledger.writer.transact(lambda raw: raw.execute("SELECT 1"))
            seen.append(witnessed_commits(ledger.paths.lock))
        assert [(seen[-1],)] == content(path, "SELECT number FROM commit_count")

    assert [3, 6] == seen


async def test_a_run_is_written_down_as_it_was_told(path: Path) -> None:
    """Who, when, with what; and how it ended, by the clock that nobody sets."""
    clock = StoppedClock()
    async with open_ledger(path, OPTIONS, clock) as ledger:
        record = await ledger.store_input(an_input())
        for rows_before, command in ((0, "submit"), (7, "retry")):
            run = Run(record.id, command, rows_before, {"b": 1, "a": "x"})
            assert 1 + bool(rows_before) == await ledger.begin_run(run)
        clock.s += 2.5
        await ledger.end_run(2, RunEnding.DRAINED, 130)

    shared = (NOW_AT_MS, '{"a": "x", "b": 1}', __version__, socket.gethostname(), os.getpid())
    assert [
        (1, 1, "submit", 0, *shared, None, None, None),
        (2, 1, "retry", 7, *shared, "drained", 130, NOW_AT_MS + 2_500),
    ] == (
        content(
            path,
            "SELECT id, input_id, command, rows_before, started_at_ms, settings, version, host,"
            " pid, ending, exit_status, ended_at_ms FROM run",
        )
    )


async def _left_behind(path: Path) -> Path:
    """Return a copy of the ledger of a run that died with two rows in flight and one waiting."""
    async with opened(path) as ledger:
        for row in (1, 2, 3):
            assert await ledger.writer.arm(an_intent(row, content=b"c" * 16, ambiguous=row - 1))
        busy = Outcome(OutcomeKind.DEFERRED, "502 Bad Gateway", 502)
        ledger.writer.put(Wait(row_id_of(1, 3), 1, busy, 3, due_at_ms=99_000))
        await ledger.writer.flush()
        snapshot = path.with_name("died.db")
        for left in ("", "-wal", ".lock"):
            shutil.copyfile(path.with_name(path.name + left), Path(f"{snapshot}{left}"))
    snapshot.chmod(0o600)
    return snapshot


async def test_what_a_run_that_died_left_is_in_doubt_or_deferred(path: Path) -> None:
    """Its keys keep protecting, its counts go on, and each row says why it is where it is."""
    snapshot = await _left_behind(path)
    async with open_ledger(snapshot, OPTIONS, CLOCK) as ledger:
        assert Recovery(in_doubt=2, deferred=1) == ledger.recovery

    lost = "the run ended before an answer was recorded"
    assert [
        (1, 20, None, 1, 0, lost, 1),
        (2, 20, None, 1, 1, lost, 1),
        (3, 50, 502, 1, 3, "502 Bad Gateway", 1),
    ] == content(
        snapshot,
        "SELECT row_id & 0xFF, state, http_status, attempts, ambiguous, text,"
        " length(key) = 16 AND content = CAST('cccccccccccccccc' AS BLOB)"
        " FROM outcome JOIN reason ON reason.id = reason_id ORDER BY 1",
    )
    assert [(1, 20, lost), (2, 20, lost), (3, 50, "502 Bad Gateway")] == content(
        snapshot,
        "SELECT row_id & 0xFF, state, text FROM attempt JOIN reason ON reason.id = reason_id",
    )
    assert [(3, 99_000)] == content(snapshot, "SELECT row_id & 0xFF, due_at_ms FROM due")
    assert [] == content(snapshot, "SELECT * FROM intent")


@pytest.mark.parametrize(
    ("armed", "waiting"), [pytest.param(1, 0, id="in-flight"), pytest.param(0, 1, id="waiting")]
)
async def test_a_recovery_counts_each_kind_by_itself(armed: int, waiting: int, path: Path) -> None:
    """Where there was none of a kind, it says none."""
    snapshot = await _left_behind(path)
    async with open_ledger(snapshot, OPTIONS, CLOCK):
        pass
    async with opened(snapshot) as ledger:
        row_id = row_id_of(1, 9)
        assert await ledger.writer.arm(an_intent(9))
        if waiting:
            busy = Outcome(OutcomeKind.DEFERRED, "503", 503)
            ledger.writer.put(Wait(row_id, 1, busy, 0, due_at_ms=99_000))
            await ledger.writer.flush()
        again = path.with_name("again.db")
        for left in ("", "-wal", ".lock"):
            shutil.copyfile(Path(f"{snapshot}{left}"), Path(f"{again}{left}"))
    again.chmod(0o600)

    async with open_ledger(again, OPTIONS, CLOCK) as ledger:
        assert Recovery(armed, waiting) == ledger.recovery


async def test_d2_a_rescue_file_is_taken_in_at_the_next_start(path: Path) -> None:
    """Its answers are counted, written over the doubts, and dated."""
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        answer = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID)
        ledger.writer.put(Settlement(row_id_of(1, 2), answer))  # never armed: it goes beside
        await ledger.writer.flush()
        rescue = path.with_name("leads.db.rescue")
        rescue.write_text(rescue.read_text().replace(str(row_id_of(1, 2)), str(row_id_of(1, 1))))
    async with open_ledger(path, OPTIONS, CLOCK) as ledger:
        assert Recovery(in_doubt=1, rescued=1) == ledger.recovery

    assert not rescue.exists()
    assert [(1, 10, LEAD_ID)] == content(
        path, "SELECT row_id & 0xFF, state, lower(hex(lead_id)) FROM outcome"
    )
    assert [(NOW_AT_MS, "rescue")] == content(path, "SELECT at_ms, how FROM resolution")


async def test_a_sandbox_ledger_is_not_used_for_live_leads(path: Path) -> None:
    """The message says which is which, and what to do; who sends nothing may open it."""
    async with open_ledger(path, OPTIONS, CLOCK):
        pass
    with pytest.raises(LedgerError) as caught:
        async with open_ledger(path, replace(OPTIONS, environment=Environment.LIVE), CLOCK):
            pass
    async with open_ledger(path, replace(OPTIONS, environment=None), CLOCK) as ledger:
        assert not ledger.is_new

    assert f"this is a sandbox ledger, and the destination is live: {path}" == caught.value.message
    assert "name another one with --ledger PATH" in caught.value.advice


async def test_d8_tables_of_another_make_are_refused_with_advice(path: Path) -> None:
    """Somebody has to look at it first."""
    async with open_ledger(path, OPTIONS, CLOCK) as ledger:
        await ledger.writer.transact(lambda raw: raw.execute("CREATE TABLE more (x)"))
    with pytest.raises(LedgerDamagedError) as caught:
        async with open_ledger(path, OPTIONS, CLOCK):
            pass

    assert f"the ledger's tables are not those that bulkpost makes: {path}" == caught.value.message
    assert "Restore a backup" in caught.value.advice


async def test_a_ledger_that_cannot_be_made_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some disks know no second name for a file; the message says so, and what to do."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(LedgerWriteError) as caught:
        async with open_ledger(path, OPTIONS, CLOCK):
            pass

    assert (
        f"the ledger cannot be made ([Errno 1] Operation not permitted): {path}"
        == caught.value.message
    )
    assert "name another place: --ledger PATH" in caught.value.advice
    assert {"leads.db.lock"} == _names(path.parent)


async def test_a_ledger_that_is_missing_is_named(path: Path) -> None:
    """With where it was looked for."""
    with pytest.raises(LedgerError) as caught:
        async with open_ledger(path, replace(OPTIONS, create=False), CLOCK):
            pass

    assert f"there is no ledger: {path}" == caught.value.message
    assert "--ledger PATH" in caught.value.advice


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _lose(path: Path) -> None:
    path.unlink()


async def test_d13_a_ledger_that_is_gone_is_replaced_only_on_demand(path: Path) -> None:
    """The message counts what is missing; on demand a new one takes its place."""
    async with open_ledger(path, OPTIONS, CLOCK) as ledger:
        await ledger.store_input(an_input())
    _lose(path)
    with pytest.raises(LedgerRolledBackError) as caught:
        async with open_ledger(path, OPTIONS, CLOCK):
            pass
    async with open_ledger(path, replace(OPTIONS, accept_rollback=True), CLOCK) as ledger:
        assert ledger.is_new

    assert f"the ledger is gone: {path} had 1 commits" == caught.value.message
    assert "--accept-rollback" in caught.value.advice
    async with open_ledger(path, OPTIONS, CLOCK) as ledger:
        assert not ledger.is_new  # the witness was set back with it

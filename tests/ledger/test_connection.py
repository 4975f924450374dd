"""A ledger's database is opened: what is refused then, in which words, and how it is left."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import aiosqlite
import pytest
import structlog
from ledgers import OPTIONS, an_intent, content, opened

from bulkpost.clock import SystemClock
from bulkpost.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerRolledBackError,
    LedgerWriteError,
)
from bulkpost.ledger import connection
from bulkpost.ledger.ledger import open_ledger
from bulkpost.ledger.lock import LedgerLock, witnessed_commits
from bulkpost.ledger.paths import LedgerPaths


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


def _copied(path: Path, target: Path, *suffixes: str) -> Path:
    for suffix in suffixes:
        shutil.copyfile(f"{path}{suffix}", f"{target}{suffix}")
        Path(f"{target}{suffix}").chmod(0o600)
    return target


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


async def _died(path: Path, statement: str = "SELECT 1") -> Path:
    """Return a copy of the ledger of a run that died, with its log beside it."""
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        await ledger.writer.transact(lambda raw: raw.execute(statement))
        return _copied(path, path.with_name("died.db"), "", "-wal", ".lock")


async def _refused(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass
    return caught.value


async def test_a_log_of_another_ledger_is_named(path: Path) -> None:
    """A -wal file of another ledger is refused by its name, before any of it is taken in."""
    async with opened(path):
        pass
    left = await _died(path.with_name("other.db"))
    _copied(left, path, "-wal")
    before = _bytes(path)
    error = await _refused(path)

    assert LedgerDamagedError is type(error)
    assert f"the log beside the ledger belongs to another one: {path}-wal" == error.message
    assert "Move it back to where it came from" in error.advice
    assert before == _bytes(path)


async def test_the_log_of_a_run_that_died_is_taken_in(path: Path) -> None:
    """It holds what the ledger itself does not have yet."""
    died = await _died(path)
    log = _bytes(died.with_name("died.db-wal"))
    async with open_ledger(died, OPTIONS, SystemClock()) as ledger:
        in_doubt = ledger.recovery.in_doubt

    assert (True, 1) == (bool(log), in_doubt)


async def test_tables_that_stand_in_the_log_only_are_refused(path: Path) -> None:
    """Somebody who can write to the log has written to the ledger."""
    died = await _died(path, "CREATE VIEW theirs AS SELECT 1")
    error = await _refused(died)

    assert LedgerDamagedError is type(error)
    assert f"the ledger's tables are not those that bulkpost makes: {died}" == error.message


async def test_damage_is_told_with_the_way_out(path: Path) -> None:
    """With a log beside it or without: which file it is, and the command that reads the rest."""
    died = await _died(path)
    async with opened(path):
        pass
    for spoilt in (died, path):
        whole = _bytes(spoilt)
        _put(spoilt, whole[:4096] + b"\xff" * (len(whole) - 4096))
        error = await _refused(spoilt)

        assert LedgerDamagedError is type(error)
        assert f"the ledger is damaged: {spoilt}" == error.message
        assert error.advice.startswith("Nothing was sent. Restore the newest backup")
        assert f"sqlite3 {spoilt} .recover | sqlite3 recovered.db" == error.command


@contextmanager
def _two(path: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    with (
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as one,
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
    ):
        one.execute("CREATE TABLE x AS SELECT 1")
        yield one, other


def _busy(path: Path) -> None:
    with _two(path) as (one, other):
        one.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def _locked(path: Path) -> None:
    with _two(path) as (one, _):
        open_cursor = one.execute("SELECT * FROM x UNION ALL SELECT * FROM x")
        open_cursor.fetchone()
        one.execute("DROP TABLE x")


@pytest.mark.parametrize("keep", [_busy, _locked])
def test_who_keeps_the_ledger_is_not_taken_for_damage(keep: object, path: Path) -> None:
    """A ledger that another program has locked is sound: it must be closed there, no more."""
    assert callable(keep)
    with pytest.raises(sqlite3.OperationalError) as caught:
        keep(path)
    error = connection.unusable(caught.value, LedgerPaths(path))

    assert LedgerError is type(error)
    assert f"another program keeps the ledger locked: {path}" == error.message
    assert error.advice.startswith("Close the program that has it open for writing")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_IOERR_READ", LedgerWriteError),
        ("SQLITE_CANTOPEN", LedgerWriteError),
        ("SQLITE_READONLY_DBMOVED", LedgerWriteError),
        ("SQLITE_FULL", LedgerWriteError),
        ("SQLITE_IOERR_SHORT_READ", LedgerDamagedError),
        ("SQLITE_CORRUPT", LedgerDamagedError),
        ("SQLITE_CORRUPT_INDEX", LedgerDamagedError),
        ("SQLITE_NOTADB", LedgerDamagedError),
        ("", LedgerDamagedError),
    ],
)
def test_a_disk_that_fails_is_not_taken_for_damage(
    name: str, kind: type[LedgerError], path: Path
) -> None:
    """A failing disk is to be mended; a file that was cut off or overwritten, to be restored."""
    problem = sqlite3.DatabaseError("it failed")
    if name:
        problem.sqlite_errorname = name
    error = connection.unusable(problem, LedgerPaths(path))

    assert kind is type(error)
    if kind is LedgerWriteError:
        assert f"the disk under the ledger fails ({name}): {path}" == error.message
        assert error.advice.startswith("Nothing was sent. Mend the disk")


async def test_a_log_that_cannot_be_read_is_no_damage(path: Path) -> None:
    """The ledger may be sound: what is in the way of its log is to be found out first."""
    died = LedgerPaths(await _died(path))
    _make_folder(died.wal)
    lock = LedgerLock(died.lock).acquire("submit", "now")
    with pytest.raises(LedgerWriteError) as caught:
        async with connection.connected(died, lock, accept_rollback=False):
            pass
    lock.release()

    assert f"the disk under the ledger fails (SQLITE_CANTOPEN): {died.database}" == (
        caught.value.message
    )


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


async def test_what_a_file_says_of_itself_is_not_believed(path: Path) -> None:
    """Functions that a tampered schema calls are not run; a page that cannot be true is damage."""
    async with opened(path) as ledger:
        for fetch in (ledger.writer._database.execute_fetchall, ledger.reader.fetch):  # noqa: SLF001  # only it knows
            found = [
                list(await fetch(f"PRAGMA {name}"))
                for name in ("trusted_schema", "cell_size_check")
            ]
            assert [[(0,)], [(1,)]] == [[tuple(row) for row in rows] for rows in found]


async def test_a_program_that_looks_on_is_waited_for(path: Path) -> None:
    """For five seconds: nobody keeps a ledger locked for longer without having forgotten it."""
    async with opened(path) as ledger:
        database = ledger.writer._database  # noqa: SLF001  # only it knows
        (found,) = await database.execute_fetchall("PRAGMA busy_timeout")

    assert (5_000,) == tuple(found)


async def test_what_cannot_be_durable_is_not_used(path: Path) -> None:
    """A place without a write-ahead log takes no ledger: a power failure would lose leads."""
    async with aiosqlite.connect(":memory:", isolation_level=None) as database:
        with pytest.raises(LedgerError) as caught:
            await connection._set_pragmas(database, LedgerPaths(path))  # noqa: SLF001  # no disk of ours is like that

    assert f"the ledger cannot be made durable here: {path}" == caught.value.message
    assert "Keep it on a local disk: --ledger PATH." == caught.value.advice


async def test_a_ledger_by_itself_is_refused_until_somebody_vouches_for_it(path: Path) -> None:
    """A ledger that came without its lock file may lack the last leads.

    With --accept-rollback it is used.
    """
    async with opened(path):
        pass
    alone = _copied(path, path.with_name("alone.db"), "")
    error = await _refused(alone)
    async with open_ledger(alone, replace(OPTIONS, accept_rollback=True), SystemClock()) as ledger:
        assert not ledger.is_new

    assert LedgerRolledBackError is type(error)
    assert f"no lock file beside the ledger has seen its commits: {alone}" == error.message
    assert "It was moved, copied or restored by itself." in error.advice
    assert error.advice.endswith(" add --accept-rollback.")
    async with open_ledger(alone, OPTIONS, SystemClock()):
        pass  # it has a witness now


async def test_an_older_copy_is_told_by_what_it_lacks(path: Path) -> None:
    """Of how many commits how many are missing.

    If it is used all the same, it counts on from beyond them: a copy of the one that it replaces
    must not pass for newer.
    """
    async with opened(path):
        pass
    older = _bytes(path)
    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        for _ in range(3):
            await ledger.writer.transact(lambda raw: raw.execute("SELECT 1"))
    seen = witnessed_commits(LedgerPaths(path).lock)
    _put(path, older)
    error = await _refused(path)
    async with open_ledger(path, replace(OPTIONS, accept_rollback=True), SystemClock()):
        pass

    assert 5 == seen
    assert LedgerRolledBackError is type(error)
    assert (
        "the ledger is older than what this machine wrote: 3 of 5 commits are missing from "
        f"{path}" == error.message
    )
    assert "Put the newest copy back; or, if you accept that, add --accept-rollback." in (
        error.advice
    )
    assert [(7,)] == content(path, "SELECT number FROM commit_count")
    assert 7 == witnessed_commits(LedgerPaths(path).lock)


async def test_a_log_that_cannot_be_copied_stays(path: Path) -> None:
    """It holds all that was written; the run has not failed, and why is logged."""
    with structlog.testing.capture_logs() as log:
        async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
            database = ledger.writer._database  # noqa: SLF001  # the fault is beneath the writer
            await database.execute_fetchall("BEGIN IMMEDIATE")

    assert [("checkpoint_failed", "SQLITE_LOCKED", "warning")] == [
        (entry["event"], entry["error"], entry["log_level"]) for entry in log
    ]


async def test_a_log_that_a_disk_refuses_to_copy_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever kind of error it is."""

    def refuse(point: str) -> None:
        if point == "close.checkpoint":
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(connection, "fault_point", refuse)
    with structlog.testing.capture_logs() as log:
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass

    assert [("checkpoint_failed", "OSError")] == [(entry["event"], entry["error"]) for entry in log]

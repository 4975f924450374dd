"""The ledger's faults in one process: full disks, vanished files, strangers' files."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ledgers import OPTIONS, an_intent, content, opened

from bulkpost.clock import SystemClock
from bulkpost.errors import LedgerDamagedError, LedgerError, LedgerRolledBackError, LedgerWriteError
from bulkpost.ledger import schema
from bulkpost.ledger.entries import Settlement, row_id_of
from bulkpost.ledger.ledger import Ledger, open_ledger
from bulkpost.ledger.states import State
from bulkpost.ledger.transaction import FileWatch
from bulkpost.outcome import Outcome, OutcomeKind

ROWS = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


def _answer(row: int, **more: Any) -> Settlement:
    lead_id = f"{row:024x}"
    return Settlement(
        row_id_of(1, row), Outcome(OutcomeKind.SUCCESS, None, 201, lead_id, 2_000_000), **more
    )


async def _full(ledger: Ledger) -> None:
    """Let the database grow no further: every page more is a full disk."""
    database = ledger.writer._database  # noqa: SLF001  # the fault is beneath the writer
    rows = list(await database.execute_fetchall("PRAGMA page_count"))
    await database.execute_fetchall(f"PRAGMA max_page_count = {rows[0][0]}")


async def _arm_all(ledger: Ledger, rows: int = ROWS) -> None:
    for row in range(1, rows + 1):
        assert await ledger.writer.arm(an_intent(row))


async def test_d1_a_full_disk_at_an_intent_means_not_sent(path: Path) -> None:
    """A row whose intent finds the disk full is not sent, and none after it."""
    async with opened(path) as ledger:
        await _full(ledger)
        with pytest.raises(LedgerWriteError, match="disk under the ledger is full"):
            await _arm_all(ledger, rows=1_000)
        armed = content(path, "SELECT count(*) FROM intent")[0][0]
        with pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(2_000))

    assert 0 < armed < 1_000
    assert [(armed,)] == content(path, "SELECT count(*) FROM intent")


async def test_d2_answers_that_a_full_disk_refuses_come_back_from_the_rescue_file(
    path: Path,
) -> None:
    """Answers that a full disk keeps out of the ledger are taken in by the next start.

    It says so and removes the rescue file; no lead id is lost.
    """
    rescue = path.with_name("leads.db.rescue")
    async with opened(path) as ledger:
        await _arm_all(ledger)
        await _full(ledger)
        for row in range(1, ROWS + 1):
            ledger.writer.put(_answer(row, evidence=("{}", f"{row}" * 4_000)))
        await ledger.writer.flush()
        failure = ledger.writer.failure
    is_private = rescue.stat().st_mode & 0o777 == 0o600

    assert failure is not None
    assert "rescue" in failure.advice
    assert is_private
    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        assert (ROWS, 0, ROWS) == (
            ledger.recovery.in_doubt,
            ledger.recovery.deferred,
            ledger.recovery.rescued,
        )
    assert not rescue.exists()
    assert [(row, 10, f"{row:024x}") for row in range(1, ROWS + 1)] == content(
        path, "SELECT row_id & 0xFFFFFFFFFF, state, lower(hex(lead_id)) FROM outcome"
    )
    assert [("rescue", ROWS)] == content(path, "SELECT how, count(*) FROM resolution GROUP BY how")


async def test_d2_a_rescue_file_cut_by_the_full_disk_is_taken_in_up_to_the_cut(path: Path) -> None:
    """Of a rescue file that the full disk has cut off, every whole line is taken in.

    The row of the cut line is in doubt.
    """
    rescue = path.with_name("leads.db.rescue")
    async with opened(path) as ledger:
        await _arm_all(ledger, rows=3)
        await _full(ledger)
        for row in (1, 2, 3):
            ledger.writer.put(_answer(row, evidence=("{}", f"{row}" * 90_000)))
        await ledger.writer.flush()
    rescue.write_bytes(rescue.read_bytes()[:-20])
    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        assert 2 == ledger.recovery.rescued

    assert [(1, 10), (2, 10), (3, 20)] == content(
        path, "SELECT row_id & 0xFFFFFFFFFF, state FROM outcome"
    )


async def test_d2_a_rescue_file_that_is_none_is_refused(path: Path) -> None:
    """A rescue file with a line that is no answer stops the start with status 7.

    Nothing is thrown away.
    """
    async with opened(path):
        pass
    rescue = path.with_name("leads.db.rescue")
    rescue.write_text("what?\n{}\n")
    with pytest.raises(LedgerDamagedError, match="line 1 of the rescue file"):
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass

    assert rescue.exists()


def _other_file(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    copy.replace(path)


def _no_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(Path.unlink, id="d6_unlinked"),
        pytest.param(_other_file, id="d6_replaced"),
        pytest.param(_no_log, id="d7_log_unlinked"),
    ],
)
async def test_d6_a_ledger_that_vanishes_under_a_run_is_noticed(
    spoil: Callable[[Path], None], path: Path
) -> None:
    """If the ledger or its log is deleted or replaced under a run, the next commit is the last.

    The answers in hand are in the rescue file.
    """
    async with opened(path) as ledger:
        await _arm_all(ledger, rows=2)
        spoil(path)
        ledger.writer.put(_answer(1))
        await ledger.writer.flush()
        assert ledger.writer.failure is not None
        assert "deleted or replaced while in use" in ledger.writer.failure.message
        assert "Answers in hand were written to" in ledger.writer.failure.advice
        with pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(3))

    assert f"{1:024x}" in path.with_name("leads.db.rescue").read_text()


def test_whoever_watches_says_what_to_do(path: Path) -> None:
    """The original may still be somewhere."""
    path.touch()
    watch = FileWatch(path)
    watch.check()
    path.unlink()
    with pytest.raises(LedgerWriteError) as caught:
        watch.check()

    assert "Put the original file back before the next run." == caught.value.advice


@pytest.mark.parametrize("spoil", [Path.unlink, _other_file])
async def test_d6_the_next_run_does_not_go_on_without_it(
    spoil: Callable[[Path], None], path: Path
) -> None:
    """A ledger that was deleted or replaced under a run is refused by the next one: status 7."""
    async with opened(path) as ledger:
        await _arm_all(ledger, rows=2)
        spoil(path)
        ledger.writer.put(_answer(1))
        await ledger.writer.flush()
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)
    with pytest.raises(LedgerRolledBackError):
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass


async def _made(path: Path) -> None:
    async with opened(path) as ledger:
        await _arm_all(ledger, rows=5)
        for row in range(1, 6):
            ledger.writer.put(_answer(row))


def _overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def _without_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DROP TABLE due")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "is empty", id="empty"),
        pytest.param(
            lambda path: path.write_bytes(b"hello\n" * 99), "not a SQLite file", id="no_database"
        ),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5_000]), "damaged", id="cut"),
        pytest.param(
            lambda path: _overwrite(path, 4096, b"\xff" * (path.stat().st_size - 4096)),
            "damaged",
            id="pages",
        ),
        pytest.param(lambda path: _overwrite(path, 16, b"\0\0\0\0"), "damaged", id="header"),
        pytest.param(_without_a_table, "tables are not those", id="table_dropped"),
    ],
)
async def test_d8_a_damaged_ledger_is_refused(
    spoil: Callable[[Path], object], message: str, path: Path
) -> None:
    """A damaged ledger is refused with status 7, and nothing is sent.

    The message says what is wrong.
    """
    await _made(path)
    spoil(path)
    with pytest.raises(LedgerDamagedError, match=message) as caught:
        async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
            await ledger.quick_check()

    assert "no such table" not in f"{caught.value.message} {caught.value.advice}"


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _pragma(name: str, value: int) -> Callable[[Path], None]:
    def set_it(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute(f"PRAGMA {name} = {value}")

    return set_it


@pytest.mark.parametrize(
    ("spoil", "kind", "message"),
    [
        (_pragma("user_version", schema.VERSION + 1), LedgerError, "newer bulkpost"),
        (_pragma("application_id", 4711), LedgerDamagedError, "another program"),
    ],
)
async def test_d11_a_strangers_file_is_refused(
    spoil: Callable[[Path], None], kind: type[LedgerError], message: str, path: Path
) -> None:
    """A newer version's ledger and another program's database are refused with status 7.

    They are left as they are.
    """
    await _made(path)
    spoil(path)
    before = _bytes(path)
    with pytest.raises(kind, match=message):
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass

    assert before == _bytes(path)


async def test_d16_a_program_that_keeps_the_ledger_locked_stops_the_run(path: Path) -> None:
    """A program that keeps the ledger locked stops the run after some seconds.

    Nothing is sent after that.
    """
    async with opened(path) as ledger:
        database = ledger.writer._database  # noqa: SLF001  # a shorter patience, for the test
        await database.execute_fetchall("PRAGMA busy_timeout = 50")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerWriteError, match="SQLITE_BUSY"):
                await ledger.writer.arm(an_intent(1))
            other.execute("ROLLBACK")

    assert [(0,)] == content(path, "SELECT count(*) FROM intent")


async def test_d9_the_ledger_is_written_with_full_flushes(path: Path) -> None:
    """The ledger is written with full flushes; where that cannot be had, it is not used."""
    async with opened(path) as ledger:
        database = ledger.writer._database  # noqa: SLF001  # only it knows
        journal = list(await database.execute_fetchall("PRAGMA journal_mode"))
        synchronous = list(await database.execute_fetchall("PRAGMA synchronous"))

    assert ("wal", 2) == (journal[0][0], synchronous[0][0])


async def test_recovery_is_idempotent(path: Path) -> None:
    """A second start finds nothing to recover, and every state as it was left."""
    async with opened(path) as ledger:
        await _arm_all(ledger, rows=3)
        ledger.writer.put(_answer(1))
        await ledger.writer.flush()
        snapshot = path.with_name("crashed.db")
        for left in ("", "-wal", ".lock"):
            shutil.copyfile(path.with_name(path.name + left), Path(f"{snapshot}{left}"))
    snapshot.chmod(0o600)
    found = []
    for _ in range(2):
        async with open_ledger(snapshot, OPTIONS, SystemClock()) as ledger:
            found.append((ledger.recovery.in_doubt, await ledger.reader.state_counts(1, ROWS)))

    states = {State.SUCCESS: 1, State.IN_DOUBT: 2}
    assert [(2, states), (0, states)] == found

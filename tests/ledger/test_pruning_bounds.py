"""How far ``prune`` reaches: which rows, which inputs, which spooled lists, and how much room."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import LEAD_ID, an_input, content, opened

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger import pruning
from bulkpost.ledger.entries import Intent, Settlement, Wait, row_id_of
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.pruning import PrunePlan, plan_prune, prune
from bulkpost.outcome import Outcome, OutcomeKind

ROWS = 5
LATER_MS = 1 << 50
SPOOLED = "stdin-" + "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


async def _fill(ledger: Ledger, input_id: int, rows: int = ROWS) -> None:
    """Let rows succeed, each in its second attempt."""
    busy, taken = (
        Outcome(OutcomeKind.DEFERRED, "503", 503),
        Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID),
    )
    for row in range(1, rows + 1):
        row_id = row_id_of(input_id, row)
        key = bytes([input_id]) * 8 + row.to_bytes(8, "big")
        assert await ledger.writer.arm(Intent(row_id, key))
        ledger.writer.put(Wait(row_id, 1, busy, 0, due_at_ms=1))
        await ledger.writer.flush()
        ledger.writer.put(Settlement(row_id, Outcome(OutcomeKind.DEFERRED), 1))
        await ledger.writer.flush()
        assert await ledger.writer.arm(Intent(row_id, key, attempt=2, supersedes=True))
        ledger.writer.put(Settlement(row_id, taken, 2))
        await ledger.writer.flush()
    await ledger.writer.transact(
        lambda raw: raw.execute("UPDATE input SET rows = ? WHERE id = ?", (rows, input_id))
    )


async def _plan(ledger: Ledger, before_ms: int = LATER_MS) -> PrunePlan:
    return await plan_prune(ledger.reader, ledger.paths, before_ms)


@pytest.mark.parametrize("rows", [3, 4, 5])
async def test_every_row_of_an_input_is_pruned_and_no_other(
    rows: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many go at once; an input that is not done keeps its first row, and its last."""
    monkeypatch.setattr(pruning, "_CHUNK_ROWS", 2)
    async with opened(path) as ledger:
        await ledger.store_input(replace(an_input(), digest="cd" * 32))
        await _fill(ledger, 1, rows)
        await _fill(ledger, 2, 2)
        await ledger.writer.transact(
            lambda raw: raw.execute("UPDATE input SET rows = 9 WHERE id = 2")
        )
        plan = await _plan(ledger)
        await prune(ledger, plan, 7)

    assert [1] == [entry.id for entry in plan.inputs]
    ids = [row_id_of(1, row) for row in range(1, rows + 1)]
    assert [(row_id,) for row_id in ids] == content(path, "SELECT row_id FROM kept_key ORDER BY 1")
    others = [(row_id_of(2, row),) for row in (1, 2)]
    assert others == content(path, "SELECT row_id FROM outcome WHERE key IS NOT NULL ORDER BY 1")
    assert others == content(path, "SELECT row_id FROM attempt ORDER BY 1")
    assert [(1, 7, rows, rows)] == content(path, "SELECT * FROM pruned")


async def test_a_plan_says_since_when_and_what_is_due(path: Path) -> None:
    """A prune that was cut off before it gave the room back is to be ended by the next one."""
    async with opened(path) as ledger:
        empty = await _plan(ledger, 3)
        await ledger.writer.transact(
            lambda raw: raw.execute("INSERT INTO meta VALUES ('pack_due', 5)")
        )
        due = await _plan(ledger, 4)
        await prune(ledger, due, 7)
        after = await _plan(ledger, 5)

    assert [(3, False), (4, True), (5, False)] == [
        (plan.before_ms, plan.pack_due) for plan in (empty, due, after)
    ]
    assert [True, False, True] == [plan.is_empty for plan in (empty, due, after)]


@pytest.mark.parametrize(("name", "is_spooled"), [(SPOOLED, True), ("leads.csv", False)])
async def test_a_list_that_came_through_a_pipe_goes_with_its_rows(
    name: str, path: Path, *, is_spooled: bool
) -> None:
    """And no other file, whatever lies there; somebody may have removed it meanwhile."""
    async with opened(path) as ledger:
        await _fill(ledger, 1)
        await ledger.writer.transact(
            lambda raw: raw.execute("UPDATE input SET path = ?", (f"somewhere/{name}",))
        )
        missing = await _plan(ledger)
        spool = _spool(ledger, name)
        plan = await _plan(ledger)
        await prune(ledger, plan, 7)
        await prune(ledger, plan, 8)

    assert ((), 0) == (missing.spooled, missing.spooled_bytes)
    assert ((spool,) if is_spooled else (), 11 * is_spooled) == (plan.spooled, plan.spooled_bytes)
    assert is_spooled is not _exists(spool)


async def test_a_list_that_another_destination_may_still_get_stays(path: Path) -> None:
    """Two inputs of the ledger came from the same bytes, and one of them has a pending row."""
    async with opened(path) as ledger:
        await ledger.store_input(replace(an_input(), destination="elsewhere"))
        await _fill(ledger, 1)
        spool = _spool(ledger, SPOOLED)
        await ledger.writer.transact(
            lambda raw: raw.execute("UPDATE input SET path = ?", (str(spool),))
        )
        plans = [await _plan(ledger)]
        await _fill(ledger, 2)
        plans.append(await _plan(ledger))

    assert [(), (spool,)] == [plan.spooled for plan in plans]


def _spool(ledger: Ledger, name: str) -> Path:
    ledger.paths.spool.mkdir()
    spool = ledger.paths.spool / name
    spool.write_text("a list of 1")
    return spool


def _exists(path: Path) -> bool:
    return path.exists()


def _size(path: Path) -> int:
    return path.stat().st_size


async def test_pruning_wants_room_for_twice_the_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And 16 MiB beside; without it nothing goes."""
    async with opened(path) as ledger:
        await _fill(ledger, 1)
        plan = await _plan(ledger)
        needed_bytes = 2 * _size(path) + (16 << 20)
        free = {path.parent: needed_bytes - 1}
        monkeypatch.setattr(pruning, "free_bytes", free.__getitem__)
        with pytest.raises(LedgerWriteError) as caught:
            await prune(ledger, plan, 7)
        untouched = content(path, "SELECT count(*) FROM attempt")
        free[path.parent] += 1
        await prune(ledger, plan, 7)

    assert (
        "the disk under the ledger has 16 MiB free; pruning needs 16 MiB for a while: twice the "
        "ledger's size" == caught.value.message
    )
    assert caught.value.advice.startswith("Nothing was removed. Free some space")
    assert [(ROWS,)] == untouched
    assert [(0,)] == content(path, "SELECT count(*) FROM attempt")


async def test_a_ledger_that_cannot_be_packed_is_whole(path: Path) -> None:
    """The message says that nothing is lost, and what to do."""
    async with opened(path) as ledger:
        database = ledger.writer._database  # noqa: SLF001  # the fault is beneath the writer
        await database.execute_fetchall("BEGIN IMMEDIATE")
        with pytest.raises(LedgerWriteError) as caught:
            await ledger.writer.pack()
        await database.execute_fetchall("ROLLBACK")
        await ledger.writer.pack()

    assert f"writing to the ledger failed (SQLITE_ERROR): {path}" == caught.value.message
    assert caught.value.advice.startswith("The ledger is whole, it has only not become smaller.")
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)

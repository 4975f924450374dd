"""Letting go of what an old list has left in the ledger, but for what protects its leads.

Of a row that is final stay its state, its key, its lead id, its price, its reason and how often it
was tried: all that decides whether anything is sent, and what was paid. Its times, its status, the
attempts that brought no verdict and the exchanges kept for support go, and its key moves to where
it takes less room. Rows that a person or a later run may still touch stay as they are, and so does
every decision that a person made.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkpost.errors import LedgerWriteError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.paths import LedgerPaths, free_bytes
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql

# Measured: what a row, a key, an attempt, ... take less once they are gone, or kept shorter.
_BYTES_PER_ROW: Final = 9
_BYTES_PER_KEY: Final = 15
_BYTES_PER_ATTEMPT: Final = 24
_BYTES_PER_EXCHANGE: Final = 16
_BYTES_PER_MARK: Final = 56
_CHUNK_ROWS: Final = 100_000  # sorted at once: some 10 MB
_SLACK_BYTES: Final = 16 << 20
_PACK_DUE: Final = "pack_due"


@dataclass(frozen=True, slots=True)
class PrunableInput:
    """What can go of one input, in the order of ``prunable.sql``.

    Attributes:
        id: The ledger's number for it.
        path: Where it lay, scrubbed.
        rows: Final rows that are kept in full.
        keys: Of these, how many have a key.
        attempts: Attempts of such rows that brought no verdict.
        exchanges: Requests and replies kept for support of rows that are final by now.
        marks: Places to resume from that nobody needs.
        open_rows: Rows that are left as they are: in doubt, http_error, deferred.
    """

    id: int
    path: str
    rows: int
    keys: int
    attempts: int
    exchanges: int
    marks: int
    open_rows: int

    @property
    def is_something(self) -> bool:
        """Whether there is anything to let go."""
        return any((self.rows, self.attempts, self.exchanges, self.marks))


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What ``prune`` would let go.

    Attributes:
        before_ms: Nothing has happened to the inputs since, milliseconds since 1970.
        inputs: Those of which something can go.
        spooled: Lists from standard input of which every row is final: lead data.
        spooled_bytes: Their size.
        pack_due: An earlier ``prune`` was cut off before it gave the room back to the disk.
    """

    before_ms: int
    inputs: tuple[PrunableInput, ...]
    spooled: tuple[Path, ...] = ()
    spooled_bytes: int = 0
    pack_due: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.inputs or self.spooled or self.pack_due)

    @property
    def ledger_bytes(self) -> int:
        """About how much smaller the ledger becomes."""
        return sum(
            entry.rows * _BYTES_PER_ROW
            + entry.keys * _BYTES_PER_KEY
            + entry.attempts * _BYTES_PER_ATTEMPT
            + entry.exchanges * _BYTES_PER_EXCHANGE
            + entry.marks * _BYTES_PER_MARK
            for entry in self.inputs
        )

    def total(self, name: str) -> int:
        """Sum a count over all inputs: "rows", "attempts", "exchanges", "marks", "open_rows"."""
        return sum(getattr(entry, name) for entry in self.inputs)


async def plan_prune(reader: LedgerReader, paths: LedgerPaths, before_ms: int) -> PrunePlan:
    """Say what can go of the inputs that are done and to which nothing has happened since a time.

    An input with a pending row, or with one under way, is left alone altogether.
    """
    rows = await reader.fetch(sql("prunable"), {"before_ms": before_ms})
    found = [PrunableInput(*row) for row in rows]
    spooled = {
        spool
        for entry in found
        if not entry.open_rows
        and (spool := _spool_of(entry, paths))
        and not await reader.fetch(sql("list_needed"), {"input_id": entry.id})
    }
    due = await reader.fetch("SELECT 1 FROM meta WHERE name = ?", (_PACK_DUE,))
    return PrunePlan(
        before_ms,
        tuple(entry for entry in found if entry.is_something),
        tuple(sorted(spooled)),
        sum(path.stat().st_size for path in spooled),
        pack_due=bool(due),
    )


async def prune(ledger: Ledger, plan: PrunePlan, at_ms: int) -> None:
    """Let go of what a plan names, in one transaction, then give the room back to the disk.

    Args:
        ledger: The ledger, open under its lock, since before the plan was made.
        plan: What goes.
        at_ms: When, milliseconds since 1970: it stands with the runs from now on.

    Raises:
        LedgerWriteError: The disk refused. Nothing is gone; or all is, and the room is not given
            back yet, which the next ``prune`` does.
    """
    _check_space(ledger.paths.database)
    if plan.inputs:
        await ledger.writer.transact(lambda raw: _let_go(raw, plan.inputs, at_ms))
        fault_point("prune.done")
    if plan.inputs or plan.pack_due:
        await ledger.writer.pack()
        await ledger.writer.transact(
            lambda raw: raw.execute("DELETE FROM meta WHERE name = ?", (_PACK_DUE,))
        )
    for spool in plan.spooled:
        spool.unlink(missing_ok=True)


def _let_go(raw: sqlite3.Connection, inputs: Iterable[PrunableInput], at_ms: int) -> None:
    for entry in inputs:
        params = {
            "input_id": entry.id,
            "at_ms": at_ms,
            "first": row_id_of(entry.id, 1),
            "last": row_id_of(entry.id + 1, 1) - 2,
        }
        raw.execute(sql("prune_runs"), params)
        last_row = raw.execute("SELECT rows FROM input WHERE id = ?", (entry.id,)).fetchone()[0]
        for first in range(1, last_row + 1, _CHUNK_ROWS):
            chunk = {
                "first": row_id_of(entry.id, first),
                "last": row_id_of(entry.id, min(last_row, first + _CHUNK_ROWS - 1)),
            }
            raw.execute(sql("prune_keys"), chunk)
            fault_point("prune.middle")
            raw.execute(sql("prune_rows"), chunk)
        for name in ("prune_attempts", "prune_evidence", "prune_marks"):
            raw.execute(sql(name), params)
    raw.execute(sql("prune_messages"))
    raw.execute(sql("prune_reasons"))
    raw.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PACK_DUE, at_ms))


def _check_space(database: Path) -> None:
    """Refuse to start what may not fit: the log takes what changes, then a whole copy."""
    needed_bytes = 2 * database.stat().st_size + _SLACK_BYTES
    if free_bytes(database.parent) < needed_bytes:
        raise LedgerWriteError(
            f"the disk under the ledger has {free_bytes(database.parent) >> 20} MiB free; pruning "
            f"needs {needed_bytes >> 20} MiB for a while: twice the ledger's size",
            advice="Nothing was removed. Free some space, then run the same command again.",
        )


def _spool_of(entry: PrunableInput, paths: LedgerPaths) -> Path | None:
    """Return the kept list of an input that came through standard input, if it is still there."""
    name = Path(entry.path).name
    spool = paths.spool / name
    return spool if name.startswith("stdin-") and spool.is_file() else None

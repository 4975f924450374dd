"""The runs of a ledger, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkpost.ledger.lock import is_held
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.summary import RunRecord


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run and what became of its rows.

    Attributes:
        record: The run.
        counts: Rows that have their latest ending from it, by outcome.
        is_running: It has no end, and a process holds the ledger.
    """

    record: RunRecord
    counts: Mapping[OutcomeKind, int]
    is_running: bool

    @property
    def ending(self) -> str:
        """How it ended: "finished", "drained", ...; "running", or "died" if nobody ended it."""
        return self.record.ending or ("running" if self.is_running else "died")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.record.to_dict(),
            "ending": self.ending,
            "counts": {kind.value: count for kind, count in self.counts.items() if count},
        }


async def past_runs(reader: LedgerReader, runs_max: int, *, is_busy: bool) -> list[PastRun]:
    """Return the latest runs, newest first.

    Args:
        reader: The ledger.
        runs_max: At most so many.
        is_busy: A process holds the ledger: the newest run, if it has no end, is going on.
    """
    found = await reader.fetch(sql("run_record"), {"run_id": None, "runs_max": runs_max})
    records = [RunRecord(*row) for row in found]
    newest = records[0].run if records else 0
    runs = []
    for record in records:
        rows = await reader.fetch(sql("run_counts"), {**record.row_ids, "run_id": record.run})
        counts = {State(state).kind: count for state, count in rows}
        is_running = is_busy and record.run == newest and record.ended_at_ms is None
        runs.append(PastRun(record, counts, is_running))
    return runs


async def is_run_going_on(reader: LedgerReader, lock: Path) -> bool:
    """Tell whether the newest run has no end yet and a process holds the ledger."""
    newest = await reader.fetch("SELECT ended_at_ms FROM run ORDER BY id DESC LIMIT 1")
    return bool(newest) and newest[0][0] is None and is_held(lock)

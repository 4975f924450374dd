"""The runs of a ledger, newest first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.lock import is_held
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.summary import SENT, RunRecord, run_records
from bulkpost.reporting.wording import price_text
from bulkpost.run import RunEnding

RUNNING: Final = "running"
DIED: Final = "died"
# How a run can stand: what it wrote down when it ended, or one of ours where it did not.
RUN_STATES: Final = (RUNNING, *(ending.value for ending in RunEnding), DIED)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run and what became of its rows.

    Attributes:
        record: The run.
        counts: Rows that have their latest ending from it, by outcome.
        is_running: It has no end, and a process holds the ledger.
        price_micros: Sum of its prices, in millionths.
        latency_mean_ms: Mean time of the last answer of each row; None if there was none.
    """

    record: RunRecord
    counts: Mapping[OutcomeKind, int]
    is_running: bool
    price_micros: int = 0
    latency_mean_ms: float | None = None

    @property
    def ending(self) -> str:
        """How it ended: "finished", "drained", ...; "running", or "died" if nobody ended it."""
        return ending_of(self.record, is_running=self.is_running)

    @property
    def sent(self) -> int:
        """Rows of it that were sent, or were tried to."""
        return sum(count for kind, count in self.counts.items() if kind in SENT)

    @property
    def rows_per_s(self) -> float | None:
        """Rows sent and ended, a second; None if the run has no end."""
        duration_s = self.record.duration_s
        return self.sent / duration_s if duration_s else None

    @property
    def price(self) -> str:
        """Sum of its prices as decimal text, in the account's currency unit."""
        return price_text(self.price_micros)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.record.to_dict(),
            "ending": self.ending,
            "counts": {kind.value: count for kind, count in self.counts.items() if count},
            "price": self.price,
            "rows_per_s": None if self.rows_per_s is None else round(self.rows_per_s, 2),
            "latency_mean_ms": None
            if self.latency_mean_ms is None
            else round(self.latency_mean_ms),
        }


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted. What is None, or empty, wants all.

    Attributes:
        destination: Part of the destination's name, in any case: a host, a flow's or source's id.
        since_ms: Started then or later, milliseconds since 1970.
        states: Words of ``RUN_STATES``.
        up_to: This run and those before it, to the same destination.
    """

    destination: str | None = None
    since_ms: int | None = None
    states: Sequence[str] = ()
    up_to: int | None = None


_ALL: Final = RunFilter()


def ending_of(record: RunRecord, *, is_running: bool) -> str:
    """Return how a run stands: its ending; "running", or "died" if nobody ended it."""
    return record.ending or (RUNNING if is_running else DIED)


async def past_runs(
    reader: LedgerReader, runs_max: int, *, is_busy: bool, wanted: RunFilter = _ALL
) -> list[PastRun]:
    """Return the latest runs, newest first.

    Args:
        reader: The ledger.
        runs_max: At most so many.
        is_busy: A process holds the ledger: the newest run, if it has no end, is going on.
        wanted: Which ones.
    """
    live = await running_run(reader, is_busy=is_busy)
    records = await run_records(
        reader,
        runs_max,
        destination=wanted.destination.lower() if wanted.destination else None,
        since_ms=wanted.since_ms,
        states=json.dumps(list(wanted.states)) if wanted.states else None,
        up_to=wanted.up_to,
        live=live,
    )
    by_input: dict[int, list[int]] = {}
    for record in records:
        by_input.setdefault(record.input_id, []).append(record.run)
    found: dict[int, list[tuple[Any, ...]]] = {}
    for input_id, runs in by_input.items():
        for run, *row in await _of_input(reader, input_id, runs):
            found.setdefault(run, []).append(tuple(row))
    return [_past_run(record, found.get(record.run, []), live == record.run) for record in records]


async def is_run_going_on(reader: LedgerReader, lock: Path) -> bool:
    """Tell whether the newest run has no end yet and a process holds the ledger."""
    newest = await reader.fetch("SELECT ended_at_ms FROM run ORDER BY id DESC LIMIT 1")
    return bool(newest) and newest[0][0] is None and is_held(lock)


async def running_run(reader: LedgerReader, *, is_busy: bool) -> int | None:
    """Return the run that is going on; None if there is none."""
    newest = await reader.fetch("SELECT id, ending FROM run ORDER BY id DESC LIMIT 1")
    return int(newest[0][0]) if is_busy and newest and newest[0][1] is None else None


async def _of_input(
    reader: LedgerReader, input_id: int, runs: Sequence[int]
) -> list[tuple[Any, ...]]:
    # One pass for all runs over an input: a list of millions was perhaps sent in many pieces.
    params = {
        "first": row_id_of(input_id, 1),
        "last": row_id_of(input_id + 1, 1) - 2,
        "runs": json.dumps(runs),
    }
    return await reader.fetch(sql("runs_counts"), params)


def _past_run(
    record: RunRecord,
    rows: Sequence[tuple[Any, ...]],
    is_running: bool,  # noqa: FBT001  # one place calls it
) -> PastRun:
    answers = sum(row[4] for row in rows)
    return PastRun(
        record=record,
        counts={State(row[0]).kind: row[1] for row in rows},
        is_running=is_running,
        price_micros=sum(row[2] or 0 for row in rows),
        latency_mean_ms=sum(row[3] or 0 for row in rows) / answers if answers else None,
    )

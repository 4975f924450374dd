"""What a submission would do, without doing any of it."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, Generic

from bulkpost.engine.feed import RowStream, Source, Span
from bulkpost.engine.job import ItemT, Job
from bulkpost.engine.sorter import Sorter, refusal_of
from bulkpost.ledger.entries import KnownKey, Refused, row_number_of
from bulkpost.ledger.states import ANSWERED, State

_EXAMPLES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Example:
    """One row that would not be sent; ``same_as`` is the row that has its key, if one has."""

    row_number: int
    line_number: int
    state: State
    reason: str
    same_as: int | None


@dataclass(slots=True)
class Plan:
    """Counts of an input's rows by what is due to them.

    Attributes:
        new: Rows that would be sent for the first time.
        deferred: Rows of an earlier run that would be sent now.
        done: Rows with a verdict.
        held: Rows answered outside the protocol, held until somebody decides.
        in_doubt: Rows whose fate is unknown, held until somebody decides.
        duplicate: Rows whose key was sent before, or stands earlier in the same input.
        invalid: Rows that cannot be sent as they are.
        conflict: Rows with the key of another row and other content.
        resubmitted: Of the new ones, how many have a key that was sent before
            (``--duplicates submit``).
        examples: The first rows that would not be sent.
        reasons: How many rows would not be sent, by reason.
    """

    new: int = 0
    deferred: int = 0
    done: int = 0
    held: int = 0
    in_doubt: int = 0
    duplicate: int = 0
    invalid: int = 0
    conflict: int = 0
    resubmitted: int = 0
    examples: list[Example] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def to_send(self) -> int:
        """Rows that a submission would send."""
        return self.new + self.deferred

    def count(self, state: State, rows: int = 1) -> None:
        """Add rows that stand in a state."""
        if state in ANSWERED:
            self.done += rows
            return
        names = {
            State.IN_DOUBT: "in_doubt",
            State.HTTP_ERROR: "held",
            State.DEFERRED: "deferred",
            State.INVALID: "invalid",
            State.DUPLICATE: "duplicate",
            State.CONFLICT: "conflict",
        }
        name = names[state]
        setattr(self, name, getattr(self, name) + rows)


class Planner(Generic[ItemT]):
    """Counts one or several inputs into one plan; keys are remembered across them."""

    def __init__(self, *, submit_duplicates: bool) -> None:
        self.plan = Plan()
        self._submit_duplicates = submit_duplicates
        self._seen = _SeenKeys()

    def __enter__(self) -> "Planner[ItemT]":
        return self

    def __exit__(self, *_: object) -> None:
        self._seen.close()

    async def add(self, sorter: Sorter[ItemT], source: Source, parts: Sequence[Span]) -> None:
        """Count the rows of some parts of an input."""
        for part in parts:
            stream = RowStream(source, part)
            while (rows := await stream.next()) is not None:
                lines = {row.number: row.line_number for row in rows}
                placed = await sorter.sort(rows)
                for state in placed.settled.values():
                    self.plan.count(state)
                for refused in placed.refused:
                    self._refuse(refused, lines)
                for job in placed.jobs:
                    self._place(job, lines)

    def _place(self, job: Job[ItemT], lines: dict[int, int]) -> None:
        identity = job.prepared.identity
        first = self._seen.first(job)
        if first is not None and not self._submit_duplicates:
            taken = KnownKey(identity.key, first[0], State.PENDING, first[1])
            self._refuse(refusal_of(job, taken), lines)
            return
        self.plan.resubmitted += first is not None
        if job.attempt:
            self.plan.deferred += 1
        else:
            self.plan.new += 1

    def _refuse(self, refused: Refused, lines: dict[int, int]) -> None:
        self.plan.count(refused.state)
        number = row_number_of(refused.row_id)
        is_bad = refused.state is State.INVALID
        self.plan.reasons[refused.reason] += 1
        if len(self.plan.examples) < _EXAMPLES_MAX:
            self.plan.examples.append(
                Example(
                    number,
                    lines.get(number, 0),
                    refused.state,
                    refused.reason,
                    None if is_bad or refused.detail is None else row_number_of(refused.detail),
                )
            )


class _SeenKeys:
    """Keys met so far, in a temporary file that SQLite deletes: memory does not grow with them."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE seen (key BLOB PRIMARY KEY, row_id INTEGER, content BLOB) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def first(self, job: Job[ItemT]) -> tuple[int, bytes | None] | None:
        """Remember a job's key; return the row and content that had it first, or None."""
        identity = job.prepared.identity
        added = self._database.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)",
            (identity.key, job.row_id, identity.content),
        ).rowcount
        if added:
            return None
        with closing(
            self._database.execute(
                "SELECT row_id, content FROM seen WHERE key = ?", (identity.key,)
            )
        ) as cursor:
            row = cursor.fetchone()
        return (row[0], row[1])

    def close(self) -> None:
        """Forget them."""
        self._database.close()

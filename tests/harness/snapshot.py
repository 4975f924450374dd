"""What a ledger's files hold at this moment, looked at through a copy.

SQLite may clean up behind whoever opens a file, so the files themselves are left alone.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bulkpost.ledger.entries import input_id_of, row_number_of
from bulkpost.ledger.states import State

Place = tuple[int, int]  # input id, row number


@dataclass(frozen=True, slots=True)
class RowOnDisk:
    """A row's outcome, or its intent."""

    state: State
    attempts: int
    ambiguous: int
    lead_id: str | None = None
    http_status: int | None = None
    reason: str | None = None
    due_at_ms: int | None = None


@dataclass(slots=True)
class Snapshot:
    """A ledger.

    Attributes:
        integrity: What SQLite says of it; "ok" if it is sound.
        commits: Its commit count.
        outcomes: Ended rows.
        intents: Rows that are ARMED or in BACK_OFF.
        inputs: Rows of each input, and its low-water mark.
        digests: Each input's SHA-256, lower-case hex.
        latest_input: The input of the latest run.
        endings: How each run ended; None if it did not.
    """

    integrity: str = "ok"
    commits: int = 0
    outcomes: dict[Place, RowOnDisk] = field(default_factory=dict)
    intents: dict[Place, RowOnDisk] = field(default_factory=dict)
    inputs: dict[int, tuple[int, int]] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    latest_input: int | None = None
    endings: dict[int, str | None] = field(default_factory=dict)

    @property
    def rows(self) -> dict[Place, RowOnDisk]:
        """All rows but the pending ones."""
        return {**self.outcomes, **self.intents}

    def counts(self, input_id: int = 1) -> dict[State, int]:
        """Count an input's rows by state, the pending ones included."""
        found: dict[State, int] = {}
        for (row_input, _), row in self.rows.items():
            if row_input == input_id:
                found[row.state] = found.get(row.state, 0) + 1
        pending = self.inputs.get(input_id, (0, 0))[0] - sum(found.values())
        return found | ({State.PENDING: pending} if pending else {})

    def numbers(self, state: State, input_id: int = 1) -> list[int]:
        """Return the rows of an input in a state."""
        return sorted(
            place[1]
            for place, row in self.rows.items()
            if place[0] == input_id and row.state is state
        )


def snapshot(ledger: Path) -> Snapshot:
    """Look at a ledger; one that is not there holds nothing."""
    if not ledger.exists():
        return Snapshot()
    with copied(ledger) as copy, closing(sqlite3.connect(copy)) as database:
        return _read(database)


@contextmanager
def copied(ledger: Path) -> Iterator[Path]:
    """Copy a ledger's files for a block that opens the copy."""
    with tempfile.TemporaryDirectory(dir=ledger.parent) as folder:
        copy = Path(folder, "copy.db")
        wal = ledger.with_name(ledger.name + "-wal")
        shutil.copyfile(ledger, copy)
        if wal.exists():
            shutil.copyfile(wal, copy.with_name("copy.db-wal"))
        yield copy


def _read(database: sqlite3.Connection) -> Snapshot:
    found = Snapshot()
    found.integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
    found.commits = database.execute("SELECT number FROM commit_count").fetchone()[0]
    for row_id, *values in database.execute(
        "SELECT row_id, state, attempts, ambiguous, lower(hex(lead_id)), http_status, reason.text,"
        " due_at_ms FROM outcome LEFT JOIN reason ON reason.id = reason_id LEFT JOIN due USING"
        " (row_id)"
    ):
        found.outcomes[_place(row_id)] = _row(*values)
    for row_id, *values in database.execute(
        "SELECT row_id, phase, attempt, ambiguous, NULL, http_status, reason.text, due_at_ms"
        " FROM intent LEFT JOIN reason ON reason.id = reason_id"
    ):
        found.intents[_place(row_id)] = _row(*values)
    for input_id, rows, low_water, digest in database.execute(
        "SELECT id, rows, low_water, lower(hex(digest)) FROM input"
    ):
        found.inputs[input_id] = (rows, low_water)
        found.digests[input_id] = digest
    for (input_id,) in database.execute("SELECT input_id FROM run ORDER BY id DESC LIMIT 1"):
        found.latest_input = input_id
    found.endings = dict(database.execute("SELECT id, ending FROM run"))
    return found


def _place(row_id: int) -> Place:
    return input_id_of(row_id), row_number_of(row_id)


def _row(
    state: int, attempts: int, ambiguous: int, lead_id: str | None, *rest: object
) -> RowOnDisk:
    status, reason, due_at_ms = rest
    assert status is None or isinstance(status, int)
    assert reason is None or isinstance(reason, str)
    assert due_at_ms is None or isinstance(due_at_ms, int)
    return RowOnDisk(State(state), attempts, ambiguous, lead_id or None, status, reason, due_at_ms)

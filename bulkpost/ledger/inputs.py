"""What the ledger knows of inputs: by their bytes, never by their names."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bulkpost.clock import Clock
from bulkpost.ledger.entries import row_id_of, row_number_of
from bulkpost.ledger.states import State
from bulkpost.ledger.writer import LedgerWriter
from bulkpost.row import Position

_GROWTH_CANDIDATES_MAX = 64


@dataclass(frozen=True, slots=True)
class InputRecord:
    """An input under one destination.

    Attributes:
        id: The ledger's number for it; 0 before it is stored.
        destination: Name of the destination (``Destination.name``).
        digest: SHA-256 of its content, lower-case hex.
        size_bytes: Length of its content.
        rows: Its data rows, bad ones included.
        low_water: Every row up to this one has an outcome or an intent.
        key_spec: What makes a row's key: "content", or the key columns.
        map_digest: Digest of the column map that was used last.
        duplicates: "skip" or "submit".
        path: Where it lay last, scrubbed; a hint for people.
        format: How it was read, in words.
    """

    id: int
    destination: str
    digest: str
    size_bytes: int
    rows: int
    low_water: int
    key_spec: str
    map_digest: str
    duplicates: str
    path: str
    format: str

    def differs_in_rules(self, other: "InputRecord") -> bool:
        """Tell whether rows that were refused under ``other`` may fare differently now."""
        return (self.key_spec, self.map_digest, self.duplicates) != (
            other.key_spec,
            other.map_digest,
            other.duplicates,
        )


@dataclass(frozen=True, slots=True)
class StoredMark:
    """A place in an input from which reading can go on."""

    position: Position
    digest: str


_COLUMNS = (
    "SELECT input.id, destination.name, lower(hex(digest)), size_bytes, rows, low_water, key_spec,"
    " map_digest, duplicates, path, format FROM input"
    " JOIN destination ON destination.id = input.destination_id"
)


class InputStore:
    """Reads and writes inputs, their marks and their open rows."""

    def __init__(
        self,
        writer: LedgerWriter,
        fetch: Callable[..., Awaitable[list[Any]]],
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._fetch = fetch
        self._clock = clock

    async def find(self, destination: str, digest: str) -> InputRecord | None:
        """Return the input with these bytes under this destination."""
        rows = await self._fetch(
            f"{_COLUMNS} WHERE destination.name = ? AND digest = ?",
            (destination, bytes.fromhex(digest)),
        )
        return InputRecord(*rows[0]) if rows else None

    async def latest(self, destination: str) -> InputRecord | None:
        """Return the input that was added last under this destination."""
        rows = await self._fetch(
            f"{_COLUMNS} WHERE destination.name = ? ORDER BY input.id DESC LIMIT 1",
            (destination,),
        )
        return InputRecord(*rows[0]) if rows else None

    async def growth_candidates(self, destination: str, size_bytes: int) -> list[InputRecord]:
        """Return shorter inputs of this destination: one may have grown into a new file."""
        rows = await self._fetch(
            f"{_COLUMNS} WHERE destination.name = ? AND size_bytes < ? AND size_bytes > 0"
            " ORDER BY input.id DESC LIMIT ?",
            (destination, size_bytes, _GROWTH_CANDIDATES_MAX),
        )
        return [InputRecord(*row) for row in rows]

    async def store(self, record: InputRecord, marks: Sequence[StoredMark]) -> InputRecord:
        """Add an input, or write what has changed about one, with its marks."""
        now_at_ms = int(self._clock.now_at().timestamp() * 1000)

        def write(raw: sqlite3.Connection) -> int:
            raw.execute(
                "INSERT OR IGNORE INTO destination (kind, name, first_used_at_ms)"
                " VALUES ('submission', ?, ?)",
                (record.destination, now_at_ms),
            )
            input_id = record.id or _insert(raw, record, now_at_ms)
            raw.execute(
                "UPDATE input SET digest = ?, size_bytes = ?, rows = ?, key_spec = ?,"
                " map_digest = ?, duplicates = ?, path = ?, format = ? WHERE id = ?",
                (
                    bytes.fromhex(record.digest),
                    record.size_bytes,
                    record.rows,
                    record.key_spec,
                    record.map_digest,
                    record.duplicates,
                    record.path,
                    record.format,
                    input_id,
                ),
            )
            raw.executemany(
                "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        input_id,
                        mark.position.row_number,
                        mark.position.offset_bytes,
                        mark.position.line_number,
                        bytes.fromhex(mark.digest),
                    )
                    for mark in marks
                ],
            )
            return input_id

        return replace(record, id=int(await self._writer.transact(write)))

    async def marks(self, input_id: int) -> list[Position]:
        """Return the places from which an input can be read, in order."""
        rows = await self._fetch(
            "SELECT row_number, offset_bytes, line_number FROM mark WHERE input_id = ?"
            " ORDER BY row_number",
            (input_id,),
        )
        return [Position(*row) for row in rows]

    async def open_rows(self, input_id: int, states: frozenset[State], up_to: int) -> list[int]:
        """Return the numbers of an input's rows in the given states, in order, up to a row.

        The states must be ones of 20 and above: the index covers no others.
        """
        if up_to < 1:
            return []
        rows: list[int] = []
        for state in sorted(states):
            found = await self._fetch(
                "SELECT row_id FROM outcome WHERE state = ? AND state >= 20"
                " AND row_id BETWEEN ? AND ? ORDER BY row_id",
                (state.value, row_id_of(input_id, 1), row_id_of(input_id, up_to)),
            )
            rows.extend(row_number_of(row[0]) for row in found)
        return sorted(rows)

    async def state_counts(self, input_id: int, up_to: int) -> Mapping[State, int]:
        """Count an input's rows by state, up to a row."""
        if up_to < 1:
            return {}
        rows = await self._fetch(
            "SELECT state, count(*) FROM outcome WHERE row_id BETWEEN ? AND ? GROUP BY state",
            (row_id_of(input_id, 1), row_id_of(input_id, up_to)),
        )
        return {State(state): count for state, count in rows}


def _insert(raw: sqlite3.Connection, record: InputRecord, now_at_ms: int) -> int:
    cursor = raw.execute(
        "INSERT INTO input (destination_id, digest, size_bytes, rows, key_spec, map_digest,"
        " duplicates, path, format, first_seen_at_ms)"
        " SELECT id, ?, 0, 0, '', '', '', '', '', ? FROM destination WHERE name = ?",
        (bytes.fromhex(record.digest), now_at_ms, record.destination),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid

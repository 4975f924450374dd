"""Reading a ledger: what is known of inputs, rows and keys. Cannot write.

Used by the ledger's own run and by observers beside it; each with a connection that is opened
read-only.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiosqlite
import anyio

from bulkpost.destination import Kind
from bulkpost.errors import LedgerDamagedError, LedgerError
from bulkpost.ledger import schema
from bulkpost.ledger.entries import KnownKey, KnownRow, row_id_of, row_number_of
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.row import Position

_GROWTH_CANDIDATES_MAX = 10_000


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
        map_digest: Digest of the column map that was used last; after a semicolon, if values were
            refused, that of which.
        duplicates: "skip" or "submit".
        path: Where it lay last, scrubbed; a hint for people.
        format: How it was read, in words.
        kind: What the destination takes.
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
    kind: str = Kind.SUBMISSION

    def differs_in_rules(self, other: "InputRecord") -> bool:
        """Tell whether rows that were refused under ``other`` may fare differently now."""
        return self.map_digest != other.map_digest or self.differs_in_keys(other)

    def differs_in_keys(self, other: "InputRecord") -> bool:
        """Tell whether a row may have had another key under ``other``, or a key another meaning."""
        return (self.key_spec, self.sent_digest, self.duplicates) != (
            other.key_spec,
            other.sent_digest,
            other.duplicates,
        )

    def changing_from(self, known: "InputRecord") -> "InputRecord":
        """Return the record while its rules are not in force yet: they differ from any others."""
        is_same_map = self.sent_digest == known.sent_digest
        return replace(self, map_digest=f"{self.sent_digest};" if is_same_map else "")

    @property
    def sent_digest(self) -> str:
        """What is sent from which column."""
        return self.map_digest.partition(";")[0]


@dataclass(frozen=True, slots=True)
class StoredMark:
    """A place in an input from which reading can go on."""

    position: Position
    digest: str


_COLUMNS = (
    "SELECT input.id, destination.name, lower(hex(digest)), size_bytes, rows, low_water, key_spec,"
    " map_digest, duplicates, path, format, destination.kind FROM input"
    " JOIN destination ON destination.id = input.destination_id"
)


class LedgerReader:
    """Questions to a ledger."""

    def __init__(self, database: aiosqlite.Connection) -> None:
        self._database = database
        # Two tasks on one connection: a cursor of one must not be closed under the other.
        self._turn = anyio.Lock(fast_acquire=True)

    async def fetch(
        self, statement: str, params: dict[str, Any] | tuple[Any, ...] = ()
    ) -> list[Any]:
        """Return all rows of one SELECT."""
        async with self._turn, self._database.execute(statement, params) as cursor:
            return list(await cursor.fetchall())

    async def meta(self) -> dict[str, Any]:
        """Return the ledger's own facts: id, salt, environment."""
        return dict(await self.fetch("SELECT name, value FROM meta"))

    async def known_rows(self, input_id: int, first: int, last: int) -> dict[int, KnownRow]:
        """Return what is known of the rows ``first`` to ``last`` of an input, by row number."""
        rows = await self.fetch(
            sql("known_rows"),
            {"first": row_id_of(input_id, first), "last": row_id_of(input_id, last)},
        )
        return {row_number_of(row[0]): KnownRow(row[0], State(row[1]), *row[2:]) for row in rows}

    async def known_keys(self, keys: Sequence[bytes]) -> dict[bytes, list[KnownKey]]:
        """Return under which rows these keys may have been sent already."""
        if not keys:
            return {}
        rows = await self.fetch(sql("known_keys"), {"keys": b"".join(keys), "count": len(keys)})
        known: dict[bytes, list[KnownKey]] = {}
        for key, row_id, state, content in rows:
            known.setdefault(key, []).append(KnownKey(key, row_id, State(state), content))
        return known

    async def intended_key(self, key: bytes) -> KnownKey | None:
        """Return the row in flight or in back-off under a key."""
        rows = await self.fetch(
            "SELECT key, row_id, phase, content FROM intent WHERE key = ?", (key,)
        )
        return KnownKey(rows[0][0], rows[0][1], State(rows[0][2]), rows[0][3]) if rows else None

    async def mean_latency_s(self) -> float | None:
        """Return the mean time of the latest answers, in seconds; None if there are none."""
        rows = await self.fetch(
            "SELECT avg(latency_ms) FROM (SELECT latency_ms FROM outcome"
            " WHERE latency_ms IS NOT NULL ORDER BY row_id DESC LIMIT 1000)"
        )
        return rows[0][0] / 1000 if rows[0][0] is not None else None

    async def last_row(self, input_id: int) -> int:
        """Return the highest row number of an input that has an outcome; 0 if none has."""
        rows = await self.fetch(
            "SELECT max(row_id) FROM outcome WHERE row_id BETWEEN ? AND ?",
            (row_id_of(input_id, 1), row_id_of(input_id + 1, 1) - 2),
        )
        return row_number_of(rows[0][0]) if rows[0][0] is not None else 0

    async def find(self, kind: str, destination: str, digest: str) -> InputRecord | None:
        """Return the input with these bytes under this destination."""
        rows = await self.fetch(
            f"{_COLUMNS} WHERE kind = ? AND destination.name = ? AND digest = ?",
            (kind, destination, bytes.fromhex(digest)),
        )
        return InputRecord(*rows[0]) if rows else None

    async def latest(self, kind: str, destination: str) -> InputRecord | None:
        """Return the input that was added last under this destination."""
        rows = await self.fetch(
            f"{_COLUMNS} WHERE kind = ? AND destination.name = ? ORDER BY input.id DESC LIMIT 1",
            (kind, destination),
        )
        return InputRecord(*rows[0]) if rows else None

    async def growth_candidates(self, kind: str, destination: str) -> list[InputRecord]:
        """Return the inputs of this destination, longest first: one may have grown."""
        rows = await self.fetch(
            f"{_COLUMNS} WHERE kind = ? AND destination.name = ? AND rows > 0"
            " ORDER BY size_bytes DESC LIMIT ?",
            (kind, destination, _GROWTH_CANDIDATES_MAX),
        )
        return [InputRecord(*row) for row in rows]

    async def marks(self, input_id: int) -> list[Position]:
        """Return the places from which an input can be read, in order."""
        rows = await self.fetch(
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
            found = await self.fetch(
                "SELECT row_id FROM outcome WHERE state = ? AND state >= 20"
                " AND row_id BETWEEN ? AND ? ORDER BY row_id",
                (state.value, row_id_of(input_id, 1), row_id_of(input_id, up_to)),
            )
            rows.extend(row_number_of(row[0]) for row in found)
        return sorted(rows)

    async def freed_rows(self, input_id: int, up_to: int) -> dict[int, State]:
        """Return an input's duplicates and conflicts, up to a row, whose lead was set free.

        The row that held it was released, or deferred, or has become a duplicate itself.
        """
        if up_to < 1 or not await self.fetch(
            "SELECT 1 FROM outcome WHERE state = 50 AND state >= 20 LIMIT 1"
        ):
            return {}
        params = {"first": row_id_of(input_id, 1), "last": row_id_of(input_id, up_to)}
        found = await self.fetch(sql("freed_rows"), params)
        return {row_number_of(row_id): State(state) for row_id, state in found}

    async def state_counts(self, input_id: int, up_to: int) -> Mapping[State, int]:
        """Count an input's rows by state, up to a row."""
        if up_to < 1:
            return {}
        rows = await self.fetch(
            "SELECT state, count(*) FROM outcome WHERE row_id BETWEEN ? AND ? GROUP BY state",
            (row_id_of(input_id, 1), row_id_of(input_id, up_to)),
        )
        return {State(state): count for state, count in rows}


@asynccontextmanager
async def open_reader(path: Path, *, is_examined: bool = False) -> AsyncIterator[LedgerReader]:
    """Open a ledger to look at it, while a run may be writing to it.

    Args:
        path: The ledger.
        is_examined: The caller looks at the tables itself, first thing, to tell what is wrong.

    Raises:
        LedgerError: There is none, or it is of another version.
        LedgerDamagedError: It is not one, or somebody has changed its tables.
    """
    uri = _checked_uri(path)
    async with aiosqlite.connect(f"{uri}?mode=ro", uri=True, isolation_level=None) as database:
        await make_observer(database)
        if not is_examined:
            await check_tables(database, path)
        yield LedgerReader(database)


async def make_observer(database: aiosqlite.Connection) -> None:
    """Let a connection do nothing but read, and believe nothing that the file says of itself."""
    for statement in (*schema.WARY, "PRAGMA query_only = ON"):
        await database.execute_fetchall(statement)


async def check_tables(database: aiosqlite.Connection, path: Path) -> None:
    """Refuse a ledger whose tables, indexes and views are not ours, before any is read.

    Raises:
        LedgerDamagedError: Something was added, changed or taken away.
    """
    if not schema.is_ours(row[0] for row in await database.execute_fetchall(schema.STATEMENTS)):
        raise foreign_tables(path)


def foreign_tables(path: Path) -> LedgerDamagedError:
    """Return the error that says so."""
    return LedgerDamagedError(
        f"the ledger's tables are not those that bulkpost makes: {path}",
        advice="Another program has changed it. Restore a backup, or ask before using it.",
    )


def no_ledger(path: Path) -> LedgerError:
    """Return the error that says so."""
    return LedgerError(
        f"there is no ledger: {path}",
        advice="Name it with --ledger PATH; `bulkpost submit` makes one.",
    )


def _checked_uri(path: Path) -> str:
    if not path.exists():
        raise no_ledger(path)
    version = schema.check_header(path)
    if version < schema.VERSION:
        raise LedgerError(
            f"the ledger was written by an older bulkpost (schema {version}): {path}",
            advice="The next `bulkpost submit` brings it up to date, after making a copy.",
        )
    return path.resolve().as_uri()

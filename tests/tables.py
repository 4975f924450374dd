"""A ledger's tables in memory, filled row by row, to put one statement to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from bulkpost.ledger.statements import sql

LEAD_ID = bytes.fromhex("0123456789abcdef01234567")
REASONS = {1: "too late", 2: "503 Service Unavailable"}


class Tables:
    """Three runs over two inputs: 1 and 2 over the first, 3 over the second."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.put("destination", id=1, kind="submission", name="sandbox", first_used_at_ms=0)
        for number, path in ((1, "a.csv"), (2, "b.csv")):
            known = {"digest": bytes([number]), "size_bytes": 9, "rows": 9, "map_digest": "m"}
            rules = {"key_spec": "content", "duplicates": "skip", "path": path, "format": "CSV"}
            self.put("input", id=number, destination_id=1, first_seen_at_ms=0, **known, **rules)
        for number, input_id in ((1, 1), (2, 1), (3, 2)):
            origin = {"version": "1", "host": "here", "pid": 1, "settings": f"{{{number}}}"}
            times = {"started_at_ms": number * 1_000, "rows_before": 0}
            self.put("run", id=number, input_id=input_id, command="submit", **times, **origin)
        for number, text in REASONS.items():
            self.put("reason", id=number, text=text)

    def put(self, table: str, **columns: Any) -> None:
        """Add a row to a table."""
        names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        self._database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", columns)  # noqa: S608  # our own names

    def outcome(self, row_id: int, state: int, run_id: int = 1, **more: Any) -> None:
        """Let a row have ended."""
        columns = {"attempts": 1, "ambiguous": 0, "elapsed_ms": 0, "key": b"k", **more}
        self.put("outcome", row_id=row_id, state=state, run_id=run_id, **columns)

    def intent(self, row_id: int, phase: int, run_id: int = 1, **more: Any) -> None:
        """Let a row be under way."""
        columns = {"attempt": 1, "ambiguous": 0, "elapsed_ms": 0, "key": b"k", **more}
        self.put("intent", row_id=row_id, phase=phase, run_id=run_id, **columns)

    def attempt(self, row_id: int, number: int, state: int, run_id: int = 1, **more: Any) -> None:
        """Let an attempt have ended without a verdict."""
        columns = {"attempt": number, "elapsed_ms": 0, **more}
        self.put("attempt", row_id=row_id, state=state, run_id=run_id, **columns)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the tables hold."""
        return self._database.execute(query).fetchall()

    def ask(self, name: str, **params: Any) -> list[tuple[Any, ...]]:
        """Return what a statement answers."""
        return self._database.execute(sql(name), params).fetchall()

    def change(self, name: str, **params: Any) -> int:
        """Return how many rows a statement changed."""
        return self._database.execute(sql(name), params).rowcount


@contextmanager
def a_ledger_in_memory() -> Iterator[Tables]:
    """Make the tables of this version."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.executescript(sql("schema"))
        yield Tables(database)

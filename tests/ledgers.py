"""What the ledger's tests share: an open ledger with one input and one run, and its raw content."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio

from bulkpost.clock import SystemClock
from bulkpost.destination import Environment
from bulkpost.ledger.entries import Intent, row_id_of
from bulkpost.ledger.ledger import Ledger, LedgerOptions, open_ledger
from bulkpost.ledger.reader import InputRecord
from bulkpost.run import Run

OPTIONS = LedgerOptions(Environment.SANDBOX, "test")
LEAD_ID = "0123456789abcdef01234567"


def an_input(rows: int = 100) -> InputRecord:
    return InputRecord(
        0, "sandbox", "ab" * 32, 1000, rows, 0, "content", "m", "skip", "leads.csv", "CSV"
    )


@asynccontextmanager
async def opened(path: Path, options: LedgerOptions = OPTIONS) -> AsyncIterator[Ledger]:
    """Open a ledger, with an input 1 and a run, while its writer writes."""
    async with open_ledger(path, options, SystemClock()) as ledger:
        known = await ledger.reader.find("submission", "sandbox", "ab" * 32)
        record = known or await ledger.store_input(an_input())
        await ledger.begin_run(Run(record.id, "submit", 0))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.writer.run)
            try:
                yield ledger
            finally:
                ledger.writer.close()


def an_intent(row_number: int, **more: Any) -> Intent:
    return Intent(row_id_of(1, row_number), row_number.to_bytes(16, "big"), **more)


def content(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Return what a ledger holds, by a connection of its own."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchall()

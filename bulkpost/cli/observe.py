"""Asks a ledger something without changing it, beside a run that may be going on."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bulkpost.cli.event_loop import run
from bulkpost.errors import LedgerDamagedError, LedgerError
from bulkpost.ledger.reader import LedgerReader, open_reader

AnswerT = TypeVar("AnswerT")


def observe(
    path: Path,
    question: Callable[[LedgerReader], Awaitable[AnswerT]],
    *,
    is_examined: bool = False,
) -> AnswerT:
    """Open a ledger read-only, ask, and return the answer.

    Args:
        path: The ledger.
        question: What to ask.
        is_examined: The question is whether the ledger's tables are sound.

    Raises:
        LedgerError: There is no ledger, or it cannot be opened here.
        LedgerDamagedError: It cannot be read.
    """

    async def ask() -> AnswerT:
        async with open_reader(path, is_examined=is_examined) as reader:
            return await question(reader)

    try:
        return run(ask)
    except sqlite3.OperationalError as error:
        raise LedgerError(
            f"the ledger cannot be opened: {path}: {error}",
            advice="In a read-only folder a ledger can be read only while its -shm file is there: "
            "copy the ledger and its -wal file elsewhere, or make the folder writable.",
        ) from None
    except sqlite3.DatabaseError:
        raise LedgerDamagedError(
            f"the ledger is damaged: {path}",
            advice="Restore the newest backup, or recover what is readable into a new file.",
            command=f"sqlite3 {path} .recover | sqlite3 recovered.db",
        ) from None

"""Asks a ledger something without changing it, beside a run that may be going on."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from bulkpost.cli.event_loop import run
from bulkpost.ledger.reader import LedgerReader, open_reader
from bulkpost.ledger.unreadable import readable

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

    with readable(path):
        return run(ask)

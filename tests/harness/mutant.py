"""bulkpost with one promise broken, to prove that the harness notices: ``mutant.py NAME``."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from bulkpost.cli.main import main
from bulkpost.engine import waterline
from bulkpost.ledger import group, ledger
from bulkpost.ledger.entries import Intent, Rearm, Settlement
from bulkpost.ledger.transaction import TransactionConnection
from bulkpost.ledger.writer import LedgerWriter


def arm_early() -> None:
    """The request goes out before its intent is on disk."""

    async def arm(self: LedgerWriter, entry: Intent | Rearm) -> bool:
        pending = self._pending
        target: list[Any] = (
            pending.group.intents if isinstance(entry, Intent) else pending.group.rearms
        )
        target.append((entry, self._elapsed_ms()))
        self._wake.set()
        return True

    commit = TransactionConnection.commit

    def slow_commit(self: TransactionConnection) -> None:
        time.sleep(0.05)  # noqa: TID251  # a slow disk: what was sent too early shows at every kill
        commit(self)

    LedgerWriter.arm = arm  # type: ignore[method-assign]  # the mutation
    TransactionConnection.commit = slow_commit  # type: ignore[method-assign]  # as above


def forget_intents() -> None:
    """Recovery drops what was armed, as if it had never been sent."""
    _statement("recover", "SELECT 1", ledger)
    _statement("recover_attempt", "SELECT 1", ledger)
    _statement("recover_due", "SELECT 1", ledger)


def send_doubts_again() -> None:
    """Recovery takes what was armed for surely not taken."""
    from bulkpost.ledger.statements import sql  # noqa: PLC0415  # before it is replaced

    _statement("recover", sql("recover").replace("THEN 20 ELSE 50", "THEN 50 ELSE 50"), ledger)


def lose_lead_ids() -> None:
    """Answers are recorded without their lead ids."""
    group.lead_id_bytes = lambda _lead_id: None  # type: ignore[assignment]  # the mutation


def count_ahead() -> None:
    """The low-water mark rises over rows that are not accounted for."""
    honest = waterline.Waterline.open

    def opened(self: waterline.Waterline, last_row: int, outstanding: int) -> waterline.Batch:
        return honest(self, last_row, outstanding * 0)

    waterline.Waterline.open = opened  # type: ignore[method-assign]  # the mutation


def settle_in_memory() -> None:
    """Answers are kept until the end of the run."""
    honest = LedgerWriter.put
    kept: list[Any] = []

    def put(self: LedgerWriter, entry: Any) -> None:
        kept.append(entry) if isinstance(entry, Settlement) else honest(self, entry)

    def close(self: LedgerWriter) -> None:
        for entry in kept:
            honest(self, entry)
        self._closing = True
        self._wake.set()

    LedgerWriter.put = put  # type: ignore[method-assign]  # the mutation
    LedgerWriter.close = close  # type: ignore[method-assign]  # the mutation


def _statement(name: str, text: str, *modules: Any) -> None:
    for module in modules:
        honest = module.sql
        module.sql = lambda asked, honest=honest: text if asked == name else honest(asked)


MUTATIONS: Final[dict[str, Callable[[], None]]] = {
    mutation.__name__: mutation
    for mutation in (
        arm_early,
        forget_intents,
        send_doubts_again,
        lose_lead_ids,
        count_ahead,
        settle_in_memory,
    )
}

if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    main()

"""What keeps a ledger from being read, in words; for whoever looks at it beside a run."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bulkpost.errors import LedgerDamagedError, LedgerError


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of a ledger why it cannot be read.

    Raises:
        LedgerError: It cannot be opened here.
        LedgerDamagedError: It cannot be read.
    """
    try:
        yield
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

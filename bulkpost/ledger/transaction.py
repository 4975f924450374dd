"""One unit of work = one transaction = one call on the connection's thread.

aiosqlite carries every call to a thread and back. A transaction of many statements would pay that
hop for each of them, with the event loop's other tasks in between; measured, that costs more than
the flush to disk. So ``commit`` here does the whole of it: begin, work, count, commit, witness.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bulkpost.errors import LedgerDiskError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.lock import LedgerLock

# What SQLite calls a disk that fails, or takes no writes; a full one recovers.
DISK_ERRORS: Final = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_READONLY")
type_of_work = Callable[[sqlite3.Connection], Any]


class TransactionConnection(sqlite3.Connection):
    """A connection whose ``commit`` runs ``work`` in a transaction of its own.

    Set ``work``, await ``commit`` of the aiosqlite connection, read ``result``. Not reentrant: one
    task at a time, which ``LedgerWriter`` sees to.
    """

    lock: LedgerLock | None = None
    watch: "FileWatch | None" = None
    work: type_of_work | None = None
    result: Any = None
    commit_number: int = 0

    def commit(self) -> None:
        """Run the work, or nothing of it.

        Raises:
            sqlite3.Error: The database refused; everything was rolled back.
            LedgerDiskError: The file under the connection is gone or another one.
        """
        work, self.work = self.work, None
        if work is None:
            super().commit()
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            fault_point("commit.begin")
            self.result = work(self)
            self.execute("UPDATE commit_count SET number = number + 1 WHERE id = 1")
            fault_point("commit.flush")
            super().commit()
        except BaseException:
            # A full disk has rolled back by itself; anything else has not.
            if self.in_transaction:
                self.rollback()
            raise
        self.commit_number += 1
        if self.lock is not None:
            self.lock.write_commit_number(self.commit_number)
        if self.watch is not None:
            self.watch.check()
        fault_point("commit.done")


class FileWatch:
    """Notices that the ledger's files were deleted or replaced under an open connection.

    SQLite goes on writing into a deleted file without any error, so every commit asks.
    """

    def __init__(self, *paths: Path) -> None:
        self._inodes = {path: self._inode(path) for path in paths}

    def check(self) -> None:
        """Compare.

        Raises:
            LedgerDiskError: A file is gone or another one.
        """
        for path, inode in self._inodes.items():
            if self._inode(path) != inode:
                raise LedgerDiskError(
                    f"the ledger was deleted or replaced while in use: {path}",
                    advice="Put the original file back before the next run.",
                )

    @staticmethod
    def _inode(path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

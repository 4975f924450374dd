"""Opening the database under a ledger: durable, guarded against old copies, and watched.

One connection writes, and no other does; what is read meanwhile is read through a second one.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any, Final

import aiosqlite

from bulkpost.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerRolledBackError,
    LedgerWriteError,
)
from bulkpost.faultpoint import fault_point
from bulkpost.ledger import schema
from bulkpost.ledger.lock import LedgerLock
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import check_tables, foreign_tables, make_observer
from bulkpost.ledger.transaction import DISK_ERRORS, FileWatch, TransactionConnection
from bulkpost.log import get_logger

_REFUSALS: Final = (*DISK_ERRORS, "SQLITE_FULL")


@asynccontextmanager
async def connected(
    paths: LedgerPaths, lock: LedgerLock, *, accept_rollback: bool
) -> AsyncIterator[tuple[aiosqlite.Connection, TransactionConnection, aiosqlite.Connection]]:
    """Open the connections of a run: one that writes, itself beneath, and one that reads.

    Raises:
        LedgerDamagedError: It is not a sound database.
        LedgerRolledBackError: It is older than what this machine wrote.
        LedgerWriteError: The disk failed.
        LedgerError: It cannot be made durable here.
    """
    _check_log(paths)
    made: list[TransactionConnection] = []

    def factory(*args: Any, **kwargs: Any) -> TransactionConnection:
        connection = TransactionConnection(*args, **kwargs)
        made.append(connection)
        return connection

    uri = paths.database.resolve().as_uri()
    async with aiosqlite.connect(
        f"{uri}?mode=rw", uri=True, isolation_level=None, factory=factory
    ) as database:
        raw = made[0]
        try:
            await _set_pragmas(database, paths)
            await check_tables(database, paths.database)
            raw.commit_number = await _guarded_commit_number(
                database, paths, lock, accept_rollback=accept_rollback
            )
        except sqlite3.DatabaseError as error:
            raise unusable(error, paths) from None
        raw.lock = lock
        lock.write_commit_number(raw.commit_number)
        raw.watch = FileWatch(paths.database, paths.wal)
        async with aiosqlite.connect(f"{uri}?mode=ro", uri=True, isolation_level=None) as reader:
            await make_observer(reader)
            yield database, raw, reader
        raw.watch = None
        await _checkpoint(database)


def _check_log(paths: LedgerPaths) -> None:
    """Refuse the left-over log of another ledger, which SQLite would write into this one.

    Looked at through a connection that cannot write, so that nothing is mixed by closing it.
    """
    if not paths.wal.exists():
        return
    uri = f"{paths.database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            for statement in schema.WARY:
                database.execute(statement)
            if not schema.is_ours(row[0] for row in database.execute(schema.STATEMENTS)):
                raise foreign_tables(paths.database)
            found = database.execute(
                "SELECT ledger_id = (SELECT value FROM meta WHERE name = 'ledger_id')"
                " FROM commit_count"
            ).fetchall()
    except sqlite3.DatabaseError as error:
        raise unusable(error, paths) from None
    if found != [(1,)]:
        raise LedgerDamagedError(
            f"the log beside the ledger belongs to another one: {paths.wal}",
            advice="Nothing was sent or changed. Move it back to where it came from, and let no "
            "other program open this ledger before that.",
        )


async def _checkpoint(database: aiosqlite.Connection) -> None:
    """Copy the log into the database; what a disk refuses stays in the log, which holds it all."""
    try:
        fault_point("close.checkpoint")
        await database.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        get_logger().warning("checkpoint_failed", error=name)


async def _set_pragmas(database: aiosqlite.Connection, paths: LedgerPaths) -> None:
    for statement in (
        *schema.WARY,
        "PRAGMA busy_timeout = 5000",
        "PRAGMA cache_size = -8000",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA synchronous = FULL",
    ):
        await database.execute_fetchall(statement)
    journal = list(await database.execute_fetchall("PRAGMA journal_mode = WAL"))
    synchronous = list(await database.execute_fetchall("PRAGMA synchronous"))
    if tuple(journal[0]) != ("wal",) or tuple(synchronous[0]) != (2,):
        raise LedgerError(
            f"the ledger cannot be made durable here: {paths.database}",
            advice="Keep it on a local disk: --ledger PATH.",
        )


async def _guarded_commit_number(
    database: aiosqlite.Connection,
    paths: LedgerPaths,
    lock: LedgerLock,
    *,
    accept_rollback: bool,
) -> int:
    rows = list(await database.execute_fetchall("SELECT number FROM commit_count"))
    number = int(rows[0][0])
    witnessed = lock.commit_number()
    if not lock.is_witness and not accept_rollback:
        raise LedgerRolledBackError(
            f"no lock file beside the ledger has seen its commits: {paths.database}",
            advice="It was moved, copied or restored by itself. Leads that were sent since, or "
            "that stand in a -wal file that it left behind, are unknown to it and would be sent "
            "again. Move all of its files together; or, if nothing is missing, add "
            "--accept-rollback.",
        )
    if witnessed > number and not accept_rollback:
        raise LedgerRolledBackError(
            f"the ledger is older than what this machine wrote: {witnessed - number:,} of "
            f"{witnessed:,} commits are missing from {paths.database}",
            advice="It was restored from a copy, or its disk lost what it had acknowledged. "
            "Leads sent since then are unknown to it and would be sent again. Put the newest copy "
            "back; or, if you accept that, add --accept-rollback.",
        )
    if witnessed > number:
        # Counted on from beyond the one that it replaces, which may be a commit ahead of the
        # witness: that knows nothing of what this one will send, and must not pass for newer.
        number = witnessed + 2
        await database.execute_fetchall(
            "UPDATE commit_count SET number = ? WHERE id = 1", (number,)
        )
    return number


def unusable(error: sqlite3.DatabaseError, paths: LedgerPaths) -> LedgerError:
    """Tell a disk that fails and a busy ledger from a damaged one."""
    name = str(getattr(error, "sqlite_errorname", ""))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerError(
            f"another program keeps the ledger locked: {paths.database}",
            advice="Close the program that has it open for writing, and run again.",
        )
    # A read that ends too soon is a file that was cut off, not a disk that fails.
    is_damaged = name == "SQLITE_IOERR_SHORT_READ" or name.startswith("SQLITE_CORRUPT")
    if name.startswith(_REFUSALS) and not is_damaged:
        return LedgerWriteError(
            f"the disk under the ledger fails ({name}): {paths.database}",
            advice="Nothing was sent. Mend the disk, then run the same command again.",
        )
    return damaged(paths)


def damaged(paths: LedgerPaths) -> LedgerDamagedError:
    """Return the error that says so."""
    return LedgerDamagedError(
        f"the ledger is damaged: {paths.database}",
        advice="Nothing was sent. Restore the newest backup, or recover what is readable into a "
        "new file and check it with `bulkpost verify`.",
        command=f"sqlite3 {paths.database} .recover | sqlite3 recovered.db",
    )

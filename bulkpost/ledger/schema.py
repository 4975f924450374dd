"""Making a ledger, and making sure that a file is one."""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from bulkpost.destination import Environment
from bulkpost.errors import LedgerDamagedError, LedgerError, LedgerWriteError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.paths import LedgerPaths, create_private
from bulkpost.ledger.statements import sql

APPLICATION_ID: Final = 0x62504C31  # "bPL1"
VERSION: Final = 1
# Version to come from -> script that leads to the next one.
MIGRATIONS: Final[Mapping[int, str]] = {}
_HEADER_BYTES: Final = 100
STATEMENTS: Final = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
# For every connection to a file that somebody may have tampered with.
WARY: Final = ("PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON")


def create(paths: LedgerPaths, environment: Environment, now_at_ms: int) -> None:
    """Make an empty ledger, whole or not at all.

    The schema is written into a file beside it, which then takes the name: a crash leaves no half
    ledger, and an existing one is never overwritten.
    """
    forget_draft(paths)
    draft = paths.draft
    os.close(create_private(draft))
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.executescript(sql("schema"))
        ledger_id = secrets.token_bytes(16)
        connection.executemany(
            "INSERT INTO meta (name, value) VALUES (?, ?)",
            [
                ("ledger_id", ledger_id),
                ("key_salt", secrets.token_bytes(32)),
                ("environment", environment.value),
                ("created_at_ms", now_at_ms),
            ],
        )
        connection.execute("INSERT INTO commit_count VALUES (1, 0, ?)", (ledger_id,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    _flush(draft)
    fault_point("create.draft")
    os.link(draft, paths.database)
    fault_point("create.named")
    draft.unlink()
    _flush_folder(paths.database.parent)


def forget_draft(paths: LedgerPaths) -> None:
    """Remove what a killed ``create`` left: a draft, perhaps under the ledger's name as well."""
    paths.draft.unlink(missing_ok=True)


def check_header(database: Path, version_known: int = VERSION) -> int:
    """Read a file's first bytes without SQLite and return the schema version.

    Raises:
        LedgerDamagedError: It is not a SQLite file, or not a ledger.
        LedgerError: A newer bulkpost wrote it.
    """
    with database.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\0"):
        raise LedgerDamagedError(
            f"this is not a bulkpost ledger: {database} "
            + ("is empty" if not header else "is not a SQLite file"),
            advice="If it was one, restore it from a backup; a new one knows nothing of what was "
            "sent. To start with a new ledger, name a file that does not exist.",
        )
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise LedgerDamagedError(
            f"this is not a bulkpost ledger, but a SQLite file of another program: {database}",
            advice="Name another file: --ledger PATH.",
        )
    version = int.from_bytes(header[60:64], "big")
    if version > version_known:
        raise LedgerError(
            f"the ledger was written by a newer bulkpost (schema {version}, "
            f"this one knows {version_known}): {database}",
            advice="Update bulkpost.",
            command="pip install --upgrade bulkpost",
        )
    return version


def migrate(
    database: Path,
    version: int,
    backup: Path,
    *,
    target: int = VERSION,
    migrations: Mapping[int, str] = MIGRATIONS,
) -> None:
    """Bring an older ledger to this version: a copy first, then one transaction per step.

    Raises:
        LedgerWriteError: The disk refused; the ledger is of one version or another, never between.
    """
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            _copy(connection, backup)
            fault_point("migrate.copied")
            for step in range(version, target):
                connection.executescript(
                    f"BEGIN IMMEDIATE;\n{migrations[step]}\nPRAGMA user_version = {step + 1};"
                )
                fault_point("migrate.step")
                connection.execute("COMMIT")
                fault_point("migrate.done")
    except (sqlite3.Error, OSError) as error:
        what = getattr(error, "sqlite_errorname", None) or type(error).__name__
        raise LedgerWriteError(
            f"the ledger could not be brought up to date ({what}): {database}",
            advice="Nothing was sent, and nothing in it was lost. Mend the disk, then run the same "
            "command again.",
        ) from None


def _copy(connection: sqlite3.Connection, backup: Path) -> None:
    backup.unlink(missing_ok=True)
    os.close(create_private(backup))
    connection.execute("VACUUM INTO ?", (str(backup),))
    _flush(backup)  # SQLite may not have
    _flush_folder(backup.parent)


def is_ours(statements: Iterable[str]) -> bool:
    """Tell whether a database consists of our tables, indexes and views, and of nothing else.

    A view, a trigger or a generated column that somebody has put in is a program of theirs, which
    our own statements would run.

    Args:
        statements: What ``STATEMENTS`` returns.
    """
    return {" ".join(statement.split()) for statement in statements} == expected_schema()


@cache
def expected_schema() -> frozenset[str]:
    """Return the statements that a ledger of this version consists of."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql("schema"))
        rows = connection.execute(STATEMENTS).fetchall()
    return frozenset(" ".join(row[0].split()) for row in rows)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The ledger of one run: opened under its lock, recovered, and written through one writer."""

import json
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bulkpost import __version__
from bulkpost.clock import Clock
from bulkpost.destination import Environment
from bulkpost.errors import (
    LedgerError,
    LedgerRolledBackError,
    LedgerWriteError,
)
from bulkpost.faultpoint import fault_point
from bulkpost.ledger import rescue, schema
from bulkpost.ledger.connection import connected, damaged, unusable
from bulkpost.ledger.group import Texts
from bulkpost.ledger.inputs import store_input
from bulkpost.ledger.lock import LedgerLock
from bulkpost.ledger.paths import (
    LedgerPaths,
    check_beside,
    check_permissions,
    check_place,
    make_ballast,
)
from bulkpost.ledger.reader import (
    InputRecord,
    LedgerReader,
    StoredMark,
    no_ledger,
)
from bulkpost.ledger.statements import sql
from bulkpost.ledger.writer import LedgerWriter
from bulkpost.log import get_logger
from bulkpost.run import Run, RunEnding

_QUICK_CHECK_BYTES_MAX = 1 << 30
_LOST = "the run ended before an answer was recorded"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an earlier run that died had left behind.

    Attributes:
        in_doubt: Rows that may have been sent; now in doubt.
        deferred: Rows that were waiting for their next attempt; now deferred.
        rescued: Outcomes imported from the rescue file.
    """

    in_doubt: int = 0
    deferred: int = 0
    rescued: int = 0


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """How to open a ledger.

    Attributes:
        environment: What the leads of this run cost; must be the ledger's own. None sends
            nothing and takes the ledger's own.
        purpose: Shown to whoever finds the ledger busy: "submit leads.csv".
        accept_rollback: Go on although the ledger is older than what this machine wrote.
        create: Make the ledger if there is none.
    """

    environment: Environment | None
    purpose: str
    accept_rollback: bool = False
    create: bool = True


class Ledger:
    """An open ledger. One at a time in the world, by its lock.

    Attributes:
        recovery: What was found of an earlier run that died.
        is_new: It was made by this opening.
    """

    def __init__(
        self,
        reader: LedgerReader,
        writer: LedgerWriter,
        paths: LedgerPaths,
        clock: Clock,
    ) -> None:
        self.writer = writer
        self.paths = paths
        self.recovery = Recovery()
        self.is_new = False
        self.reader = reader
        self._clock = clock
        self._started_s = 0.0
        self._started_at_ms = 0
        self._meta: dict[str, Any] = {}

    @property
    def ledger_id(self) -> bytes:
        """16 random bytes, made with the ledger."""
        return bytes(self._meta["ledger_id"])

    @property
    def key_salt(self) -> bytes:
        """32 random bytes that key every digest."""
        return bytes(self._meta["key_salt"])

    async def store_input(
        self, record: InputRecord, marks: Sequence[StoredMark] = ()
    ) -> InputRecord:
        """Add an input, or write what has changed about one, with its marks."""
        now_at_ms = self._now_at_ms()
        input_id = await self.writer.transact(
            lambda raw: store_input(raw, record, marks, now_at_ms)
        )
        return replace(record, id=int(input_id))

    async def begin_run(self, run: Run) -> int:
        """Open a run and return its number; the writer's times count from now."""
        started_s = self._clock.now_s()
        started_at_ms = self._now_at_ms()

        def insert(raw: sqlite3.Connection) -> int | None:
            return raw.execute(
                "INSERT INTO run (input_id, command, started_at_ms, rows_before, settings, version,"
                " host, pid) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.input_id,
                    run.command,
                    started_at_ms,
                    run.rows_before,
                    json.dumps(run.settings, sort_keys=True),
                    __version__,
                    socket.gethostname(),
                    os.getpid(),
                ),
            ).lastrowid

        run_id = int(await self.writer.transact(insert))
        self.writer.begin(run_id, started_s)
        self._started_s, self._started_at_ms = started_s, started_at_ms
        return run_id

    async def end_run(
        self,
        run_id: int,
        ending: RunEnding,
        exit_status: int,
        found: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Close the run that was begun last.

        Its times count from its start by the monotonic clock, as those of its rows do: somebody may
        have set the wall clock meanwhile.

        Args:
            run_id: The run.
            ending: Why it ended.
            exit_status: What the command will exit with for it.
            found: Leads by (field name, code) of what was found in their values.
        """
        elapsed_ms = int((self._clock.now_s() - self._started_s) * 1000)
        ended_at_ms = self._started_at_ms + elapsed_ms
        findings = [(run_id, *place, leads) for place, leads in (found or {}).items()]

        def close(raw: sqlite3.Connection) -> None:
            raw.execute(
                "UPDATE run SET ended_at_ms = ?, ending = ?, exit_status = ? WHERE id = ?",
                (ended_at_ms, ending.value, exit_status, run_id),
            )
            raw.executemany(
                "INSERT INTO finding (run_id, field, code, leads) VALUES (?, ?, ?, ?)", findings
            )

        await self.writer.transact(close)

    async def quick_check(self) -> None:
        """Look for damage; ledgers over 1 GiB are left to ``verify``.

        Raises:
            LedgerDamagedError: Some was found; nothing may be sent.
            LedgerWriteError: The disk fails.
        """
        if self.paths.database.stat().st_size > _QUICK_CHECK_BYTES_MAX:
            return
        try:
            rows = await self.reader.fetch("PRAGMA quick_check(1)")
        except sqlite3.DatabaseError as error:
            raise unusable(error, self.paths) from None
        if [tuple(row) for row in rows] != [("ok",)]:
            raise damaged(self.paths)

    def _now_at_ms(self) -> int:
        return int(self._clock.now_at().timestamp() * 1000)

    async def _open(self, options: LedgerOptions) -> None:
        try:
            await self._check(options)
            self.recovery = await self._recover()
        except sqlite3.DatabaseError as error:
            raise unusable(error, self.paths) from None

    async def _check(self, options: LedgerOptions) -> None:
        self._meta = await self.reader.meta()
        self.writer.ledger_id = self.ledger_id
        wanted = options.environment
        if wanted is not None and self._meta.get("environment") != wanted.value:
            raise LedgerError(
                f"this is a {self._meta.get('environment')} ledger, and the destination is "
                f"{wanted.value}: {self.paths.database}",
                advice="Sandbox and live submissions never share a ledger: name another one with "
                "--ledger PATH.",
            )

    async def _recover(self) -> Recovery:
        now_at_ms = self._now_at_ms()
        rescued_rows = rescue.load(self.paths.rescue)
        counts = dict(await self.reader.fetch("SELECT phase, count(*) FROM intent GROUP BY phase"))
        if not counts and not rescued_rows:
            return Recovery()

        def recover(raw: sqlite3.Connection) -> int:
            reason = {"reason_id": Texts().reason_id(raw, _LOST)}
            raw.execute(sql("recover"), reason)
            fault_point("recovery.middle")
            raw.execute(sql("recover_due"))
            raw.execute(sql("recover_attempt"), reason)
            raw.execute("DELETE FROM intent")
            adopted = rescue.adopt(rescued_rows, raw, self.ledger_id, now_at_ms)
            if rescued_rows:
                fault_point("rescue.import")
            return adopted

        rescued = int(await self.writer.transact(recover))
        if rescued_rows:
            fault_point("rescue.imported")
        self.paths.rescue.unlink(missing_ok=True)
        return Recovery(counts.get(0, 0), counts.get(1, 0), rescued)


@asynccontextmanager
async def open_ledger(path: Path, options: LedgerOptions, clock: Clock) -> AsyncIterator[Ledger]:
    """Open a ledger for a run: lock, check, migrate, recover.

    Raises:
        LedgerBusyError: Another process holds it.
        LedgerDamagedError: The file is not a sound ledger.
        LedgerRolledBackError: It is older than what this machine wrote.
        LedgerError: It may not be used here: wrong place, owner, version or environment.
    """
    paths = LedgerPaths(path)
    check_place(path)
    _check_wanted(paths, options)
    lock = LedgerLock(paths.lock).acquire(options.purpose, clock.now_at().isoformat("T", "seconds"))
    if lock.is_other_boot:
        get_logger().info("boot_changed", ledger=str(path), host=socket.gethostname())
    try:
        is_new = _make_ready(paths, lock, options, clock)
        async with connected(paths, lock, accept_rollback=options.accept_rollback) as connections:
            database, raw, reader = connections
            ledger = Ledger(
                LedgerReader(reader), LedgerWriter(database, raw, paths, clock), paths, clock
            )
            ledger.is_new = is_new
            await ledger._open(options)  # noqa: SLF001  # the second half of its making
            yield ledger
    finally:
        lock.release()


def _check_wanted(paths: LedgerPaths, options: LedgerOptions) -> None:
    # Before the lock: no file is made beside a mistyped name.
    if not options.create and not paths.database.exists():
        raise no_ledger(paths.database)


def _make_ready(paths: LedgerPaths, lock: LedgerLock, options: LedgerOptions, clock: Clock) -> bool:
    """Make or migrate the file; return whether it is new."""
    check_beside(paths)
    if not paths.database.exists():
        _check_never_existed(paths, lock, options)
        assert options.environment is not None, "a new ledger serves a known environment"
        if not lock.is_witness:
            lock.write_commit_number(0)  # before there is anything that could be moved away
        _create(paths, options.environment, int(clock.now_at().timestamp() * 1000))
        is_new = True
    else:
        schema.forget_draft(paths)
        check_permissions(paths.database)
        version = schema.check_header(paths.database)
        if version < schema.VERSION:
            schema.migrate(paths.database, version, paths.backup(version))
        is_new = False
    make_ballast(paths.ballast)
    return is_new


def _create(paths: LedgerPaths, environment: Environment, now_at_ms: int) -> None:
    try:
        schema.create(paths, environment, now_at_ms)
    except (sqlite3.Error, OSError) as error:
        schema.forget_draft(paths)
        raise LedgerWriteError(
            f"the ledger cannot be made ({error}): {paths.database}",
            advice="Nothing was sent. Free some space, or name another place: --ledger PATH.",
        ) from None


def _check_never_existed(paths: LedgerPaths, lock: LedgerLock, options: LedgerOptions) -> None:
    if lock.commit_number() and not options.accept_rollback:
        raise LedgerRolledBackError(
            f"the ledger is gone: {paths.database} had {lock.commit_number():,} commits",
            advice="Put it back: a new ledger knows nothing of what was sent, and would send it "
            "again. If that is what you want, add --accept-rollback.",
        )

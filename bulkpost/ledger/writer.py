"""Group commit: one COMMIT for everything that came while the last one was in its flush.

No timer and no batch size: the group forms itself. Whoever needs to know awaits the group; whoever
does not (an answer being recorded) goes on.

A failed write is final: later intents are refused, so nothing more is sent. The ballast is given
back to the disk, and answers in hand are written once more, without the intents; if that fails too,
into the rescue file. After an I/O error the ledger is not written to again: whether a flush that
fails and then succeeds has kept anything, no one can tell.
"""

import contextlib
import sqlite3
from typing import Any

import aiosqlite
import anyio

from bulkpost.clock import Clock
from bulkpost.errors import LedgerDiskError, LedgerWriteError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger import rescue
from bulkpost.ledger.entries import Intent, Rearm, Refused, Settlement, Wait
from bulkpost.ledger.group import Group, Texts, write
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.transaction import DISK_ERRORS, TransactionConnection, type_of_work
from bulkpost.log import get_logger


class _Pending:
    """A group and the event that tells its waiters."""

    __slots__ = ("done", "error", "group")

    def __init__(self, run_id: int) -> None:
        self.group = Group(run_id)
        self.done = anyio.Event()
        self.error: LedgerWriteError | None = None


class LedgerWriter:
    """The only writer of a ledger's rows during a run.

    Attributes:
        failure: Why nothing can be written any more; None while all is well.
        ledger_id: The ledger's own, once it is read: it marks what is written beside it.
    """

    def __init__(
        self,
        database: aiosqlite.Connection,
        raw: TransactionConnection,
        paths: LedgerPaths,
        clock: Clock,
    ) -> None:
        self.failure: LedgerWriteError | None = None
        self.ledger_id = b""
        self._database = database
        self._raw = raw
        self._paths = paths
        self._clock = clock
        self._turn = anyio.Lock(fast_acquire=True)
        self._texts = Texts()
        self._pending = _Pending(0)
        self._wake = anyio.Event()
        self._closing = False
        self._started_s = clock.now_s()

    def begin(self, run_id: int, started_s: float) -> None:
        """Write for this run from now on; ``started_s`` is the zero of its times."""
        assert not self._pending.group, "entries of the last run are still waiting"
        self._started_s = started_s
        self._pending = _Pending(run_id)

    async def transact(self, work: type_of_work) -> Any:
        """Run a function in one transaction, between groups, and return what it returned.

        Raises:
            LedgerWriteError: It could not be written; nothing of it was.
        """
        async with self._turn:
            self._raw.work = work
            try:
                await self._database.commit()
            except (sqlite3.Error, OSError) as error:
                raise _as_write_error(error, self._paths) from error
            return self._raw.result

    async def pack(self) -> None:
        """Write the database anew without its gaps, and give the room back to the disk.

        No row changes, and no commit is counted. A death meanwhile leaves it as it was.

        Raises:
            LedgerWriteError: The disk refused; the database is as it was.
        """
        async with self._turn:
            try:
                fault_point("pack.begin")
                # Whatever its size: not in memory.
                await self._database.execute_fetchall("PRAGMA temp_store = FILE")
                await self._database.execute_fetchall("VACUUM")
                fault_point("pack.done")
            except (sqlite3.Error, OSError) as error:
                refused = _as_write_error(error, self._paths)
                refused.advice = (
                    "The ledger is whole, it has only not become smaller. Free some space, there "
                    "and in /var/tmp, then run the same command again."
                )
                raise refused from error

    async def arm(self, entry: Intent | Rearm) -> bool:
        """Return after the intent's COMMIT; False if the ledger refused it.

        A cancellation does not cut this short: it takes effect when the caller waits again.

        Raises:
            LedgerWriteError: The intent is not on disk: nothing may be sent.
        """
        self._check_sound()
        pending = self._pending
        if isinstance(entry, Intent):
            pending.group.intents.append((entry, self._elapsed_ms()))
        else:
            pending.group.rearms.append((entry, self._elapsed_ms()))
        self._wake.set()
        try:
            await pending.done.wait()
        except anyio.get_cancelled_exc_class():
            # Cut short, an intent could be on disk without anybody knowing that nothing was sent.
            # Not raised again: a cancelled scope cancels at the next chance to wait. A shield put
            # up beforehand would do the same, and cost every row what only the last ones need.
            with anyio.CancelScope(shield=True):
                await pending.done.wait()
        if pending.error is not None:
            raise pending.error
        return entry.row_id not in pending.group.refused

    def put(self, entry: Settlement | Wait | Refused) -> None:
        """Queue an ending, a back-off or a refusal; it is written with the next group."""
        group = self._pending.group
        stamped_ms = self._elapsed_ms()
        match entry:
            case Settlement():
                group.settlements.append((entry, stamped_ms))
            case Wait():
                group.waits.append((entry, stamped_ms))
            case Refused():
                group.refusals.append((entry, stamped_ms))
        self._wake.set()

    def advance(self, input_id: int, low_water: int) -> None:
        """Queue a new low-water mark of an input."""
        self._pending.group.low_waters[input_id] = low_water
        self._wake.set()

    async def flush(self) -> None:
        """Return when everything queued so far is on disk, or the ledger has failed."""
        if self._pending.group:
            await self._pending.done.wait()

    async def run(self) -> None:
        """Write groups until ``close`` is called and nothing is left."""
        while True:
            # Waiting for what has happened already would cost a turn of the loop.
            if self._pending.group:
                await self._write_next()
            elif self._closing:
                return
            else:
                self._wake = anyio.Event()
                await self._wake.wait()

    def close(self) -> None:
        """Let ``run`` return when the queue is empty."""
        self._closing = True
        self._wake.set()

    def reopen(self) -> None:
        """Make ``run`` possible again, for the next run of the same command."""
        self._closing = False
        self._wake = anyio.Event()

    def _elapsed_ms(self) -> int:
        return int((self._clock.now_s() - self._started_s) * 1000)

    async def _write_next(self) -> None:
        pending = self._pending
        self._pending = _Pending(pending.group.run_id)
        try:
            self._check_sound()
            await self.transact(lambda raw: write(pending.group, self._texts, raw))
            self._texts.keep()
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            self._texts.forget()
            pending.error = _as_write_error(error, self._paths)
            pending.error = await self._fail(pending.group, pending.error)
        finally:
            pending.done.set()

    def _check_sound(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def _fail(self, group: Group, error: LedgerWriteError) -> LedgerWriteError:
        """Keep what the group held, and stop sending for good."""
        if self.failure is None:
            self.failure = error
            get_logger().error(
                "ledger_write_failed", error=error.message, ledger=str(self._paths.database)
            )
        kept = group.without_intents()
        if kept:
            self._give_ballast_back()
            is_sound = not isinstance(self.failure, LedgerDiskError)
            if not (is_sound and await self._written_after_all(kept)):
                self._rescue(kept, self.failure)
        return self.failure

    def _rescue(self, kept: Group, failure: LedgerWriteError) -> None:
        try:
            fault_point("rescue.save")
            rescued = rescue.save(
                self._paths.rescue, self.ledger_id, kept.run_id, kept.settlements, kept.waits
            )
        except Exception as error:  # noqa: BLE001  # a writer that dies leaves everybody waiting
            get_logger().error("rescue_failed", error_type=type(error).__name__)
            return
        place = str(self._paths.rescue) if rescued else "standard error"
        get_logger().error(
            "outcomes_rescued", count=len(kept.settlements) + len(kept.waits), path=place
        )
        if not failure.advice or "rescue" not in failure.advice:
            failure.advice = (
                f"Answers in hand were written to {place}; the next run imports the rescue file. "
                "Mend the disk, then run the same command again."
            )

    def _give_ballast_back(self) -> None:
        with contextlib.suppress(OSError):
            self._paths.ballast.unlink(missing_ok=True)

    async def _written_after_all(self, group: Group) -> bool:
        try:
            await self.transact(lambda raw: write(group, self._texts, raw))
        except Exception as error:  # noqa: BLE001  # a value that SQLite cannot take raises what it likes
            self._texts.forget()
            if isinstance(error, LedgerDiskError):
                self.failure = error
            return False
        self._texts.keep()
        return True


def _as_write_error(error: Exception, paths: LedgerPaths) -> LedgerWriteError:
    if isinstance(error, LedgerWriteError):
        return error
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    what = {
        "SQLITE_FULL": "the disk under the ledger is full",
        "SQLITE_READONLY": "the ledger is read-only",
        "SQLITE_CORRUPT": "the ledger is damaged",
    }.get(name, f"writing to the ledger failed ({name})")
    is_disk = isinstance(error, OSError) or name.startswith(DISK_ERRORS)
    kind = LedgerDiskError if is_disk else LedgerWriteError
    return kind(
        f"{what}: {paths.database}",
        advice="Nothing was sent after that. Mend the disk, then run the same command again.",
    )

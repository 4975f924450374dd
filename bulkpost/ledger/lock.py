"""One run at a time, and a witness of how far the ledger had come.

The kernel frees a ``flock`` when its holder dies, however it dies, so there is no stale lock, no
heartbeat and no guess. The same file keeps the number of the last commit: a database that is behind
it was restored from a copy, or lost what it had acknowledged, and sending from it would send twice.

It also keeps the boot of the machine that wrote last. Another one is nearly always a restart, and
may be a clone of the machine, which no program can tell from the original: so it is logged.
"""

import fcntl
import json
import os
import socket
import struct
import uuid
from pathlib import Path
from typing import Final, Self

from bulkpost.errors import LedgerBusyError, LedgerError
from bulkpost.ledger.paths import PRIVATE_MODE

_NUMBER: Final = struct.Struct(">Q")
_NO_NUMBER: Final = (1 << 64) - 1  # in a file whose ledger was not opened yet
_BOOT_BYTES: Final = 16
_HOLDER_AT: Final = _NUMBER.size + _BOOT_BYTES
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_HOLDER_BYTES_MAX: Final = 4096
_TRIES_MAX: Final = 200


class LedgerLock:
    """Exclusive use of a ledger, from ``acquire`` to ``release`` or death.

    Attributes:
        is_other_boot: The machine was started anew since the last use, or is another one.
    """

    def __init__(self, path: Path) -> None:
        self.is_other_boot = False
        self._path = path
        self._descriptor = -1
        self._is_known = False

    def acquire(self, purpose: str, started_at: str) -> Self:
        """Take the lock and sign it.

        Raises:
            LedgerBusyError: Another process holds it; the message names it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, PRIVATE_MODE)
        except OSError as error:
            raise LedgerError(
                f"the ledger's lock file cannot be opened: {self._path}: {error.strerror}",
                advice="The ledger's folder must be writable.",
            ) from None
        if not _locked(descriptor):
            holder = _holder_text(descriptor)
            os.close(descriptor)
            raise LedgerBusyError(
                f"the ledger is in use by {holder}",
                advice="Wait until it has ended, or stop it with Ctrl-C; it keeps what it has. "
                "To work on another list at the same time, use another ledger: --ledger PATH.",
            ) from None
        self._descriptor = descriptor
        holder_json = json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "purpose": purpose,
                "started_at": started_at,
            }
        ).encode()
        boot, last_boot = _boot_id(), os.pread(descriptor, _BOOT_BYTES, _NUMBER.size)
        self.is_other_boot = len(last_boot) == _BOOT_BYTES and last_boot != boot
        self._is_known = _number_in(descriptor) is not None
        if not self._is_known:
            os.pwrite(descriptor, _NUMBER.pack(_NO_NUMBER), 0)
        os.ftruncate(descriptor, _NUMBER.size)
        os.pwrite(descriptor, boot + holder_json, _NUMBER.size)
        return self

    @property
    def is_witness(self) -> bool:
        """Whether it has ever seen its ledger opened: a file that was made just now has not."""
        return _number_in(self._descriptor) is not None

    def commit_number(self) -> int:
        """Return the number last written, 0 for a new file."""
        return _number_in(self._descriptor) or 0

    def write_commit_number(self, number: int) -> None:
        """Remember a commit. Called after it, so the witness is never ahead of an honest disk."""
        is_first = not self._is_known
        os.pwrite(self._descriptor, _NUMBER.pack(number), 0)
        if is_first:
            # A ledger without a witness is refused, so this must outlive a power failure.
            os.fsync(self._descriptor)
            self._is_known = True

    def release(self) -> None:
        """Give the ledger back. The file stays: it is the witness."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, _HOLDER_AT)
            os.close(self._descriptor)
            self._descriptor = -1


def _boot_id() -> bytes:
    """Return 16 bytes that are new at every start of the machine; zeros where there are none."""
    try:
        return uuid.UUID(_BOOT_ID.read_text(encoding="ascii").strip()).bytes
    except (OSError, ValueError):
        return bytes(_BOOT_BYTES)


def _locked(descriptor: int) -> bool:
    """Take the lock; an observer may hold it for an instant, a run for as long as it lasts."""
    for _ in range(_TRIES_MAX):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.sched_yield()
        else:
            return True
    return False


def is_held(path: Path) -> bool:
    """Tell whether a process holds the lock.

    It is tried for an instant, so ask only where something points to a run that is not over.
    """
    descriptor = _opened_to_look(path)
    if descriptor is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def witnessed_commits(path: Path) -> int:
    """Return the commit number that the file carries, without the lock; 0 if there is none."""
    descriptor = _opened_to_look(path)
    if descriptor is None:
        return 0
    try:
        return _number_in(descriptor) or 0
    finally:
        os.close(descriptor)


def _number_in(descriptor: int) -> int | None:
    raw = os.pread(descriptor, _NUMBER.size, 0)
    number = int(_NUMBER.unpack(raw)[0]) if len(raw) == _NUMBER.size else _NO_NUMBER
    return None if number == _NO_NUMBER else number


def _opened_to_look(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None


def _holder_text(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, _HOLDER_BYTES_MAX, _HOLDER_AT))
        return (
            f"process {holder['pid']} on {holder['host']} "
            f"({holder['purpose']}, since {holder['started_at']})"
        )
    except (ValueError, KeyError, TypeError):
        return "another process"

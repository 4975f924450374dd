"""The ledger's files, all private, and what the disk under them must offer."""

import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkpost.errors import LedgerError, LedgerWriteError

LEDGER_DEFAULT: Final = "bulkpost.db"
SANDBOX_LEDGER_DEFAULT: Final = "bulkpost-sandbox.db"
PRIVATE_MODE: Final = 0o600
BALLAST_BYTES: Final = 4 * 1024 * 1024
ROW_BYTES: Final = 110
_SLACK_BYTES: Final = 128 * 1024 * 1024
_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")  # what would part its words or lines
# WAL needs shared memory between processes, and flock must mean what it says.
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}
)


@dataclass(frozen=True, slots=True)
class LedgerPaths:
    """Where a ledger and the files beside it stand."""

    database: Path

    @property
    def wal(self) -> Path:
        """SQLite's write-ahead log."""
        return self._beside("-wal")

    @property
    def shm(self) -> Path:
        """SQLite's index of that log."""
        return self._beside("-shm")

    @property
    def journal(self) -> Path:
        """SQLite's other kind of log, which it would play back; never ours."""
        return self._beside("-journal")

    @property
    def lock(self) -> Path:
        """Held for a whole run; carries the holder and the last commit's number."""
        return self._beside(".lock")

    @property
    def ballast(self) -> Path:
        """Room that is given back when the disk is full."""
        return self._beside(".ballast")

    @property
    def rescue(self) -> Path:
        """Outcomes that the database could not take, one JSON line each."""
        return self._beside(".rescue")

    @property
    def draft(self) -> Path:
        """A ledger in the making."""
        return self._beside(".new")

    @property
    def spool(self) -> Path:
        """Folder for inputs that came through a pipe."""
        return self._beside(".spool")

    def backup(self, version: int) -> Path:
        """Copy made before a migration from this schema version."""
        return self._beside(f".v{version}.bak")

    def _beside(self, suffix: str) -> Path:
        return self.database.with_name(self.database.name + suffix)


def create_private(path: Path) -> int:
    """Create a file that only its owner can read, and return its descriptor.

    Raises:
        FileExistsError: It is there already, as a file or a link.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, PRIVATE_MODE)


def make_ballast(path: Path) -> None:
    """Set room aside, unless it is set aside already.

    Raises:
        LedgerWriteError: There is none.
    """
    if not path.is_symlink() and path.exists() and path.stat().st_size >= BALLAST_BYTES:
        return
    path.unlink(missing_ok=True)
    try:
        descriptor = create_private(path)
        try:
            os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise LedgerWriteError(
            f"no room can be set aside beside the ledger: {path}: {error.strerror}",
            advice="Nothing was sent. Free some space, then run the same command again.",
        ) from None


def check_place(database: Path) -> None:
    """Refuse a place where a ledger cannot be kept safely.

    Raises:
        LedgerError: The folder is missing, or lies on a network file system.
    """
    folder = database.parent
    if not folder.is_dir():
        raise LedgerError(
            f"the ledger's folder does not exist: {folder}",
            advice="Create it, or name another place.",
            command=f"mkdir -p {folder}",
        )
    if database.is_symlink():
        raise LedgerError(
            f"the ledger is a symbolic link: {database}", advice="Name the file that it points to."
        )
    kind = file_system_of(folder)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise LedgerError(
            f"the ledger's folder is on a network file system ({kind}), where locks and flushes "
            "cannot be trusted",
            advice="Keep the ledger on a local disk: --ledger PATH.",
        )


def check_permissions(database: Path) -> None:
    """Refuse a ledger that others could change, or that we cannot write.

    Raises:
        LedgerError: With the command that mends it.
    """
    status = database.stat()
    if not stat.S_ISREG(status.st_mode):
        raise LedgerError(f"the ledger is not a regular file: {database}")
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise LedgerError(
            f"the ledger belongs to another user: {database}",
            advice="Run as its owner, or use a ledger of your own: --ledger PATH.",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise LedgerError(
            f"other users may write to the ledger: {database}",
            command=f"chmod 600 {database}",
        )
    if status.st_nlink > 1:
        # Its lock and its log stand beside one name only: under the other a second run could start.
        raise LedgerError(
            f"the ledger has a second name, as a hard link: {database}",
            advice="Under each name it would have a lock and a log of its own, and leads would be "
            "sent twice. Remove the other name, or make a whole copy of the ledger in its place.",
            command=f"find {database.parent} -samefile {database}",
        )
    if not os.access(database, os.W_OK) or not os.access(database.parent, os.W_OK):
        raise LedgerError(
            f"the ledger or its folder is read-only: {database}",
            advice="Every answer must be written down; make both writable.",
            command=f"chmod u+w {database} {database.parent}",
        )


def check_beside(paths: LedgerPaths) -> None:
    """Refuse a log or a file of outcomes that somebody else has put beside the ledger.

    SQLite writes what a log says into the ledger, and recovery what a rescue file says.

    Raises:
        LedgerError: With the command that mends it, if the file is ours.
    """
    for path in (paths.wal, paths.shm, paths.journal, paths.rescue, paths.lock):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        is_ours = status.st_uid == os.geteuid() or os.geteuid() == 0
        if not stat.S_ISREG(status.st_mode) or not is_ours:
            raise LedgerError(
                f"a file beside the ledger is not a regular file of this user: {path}",
                advice="Nothing was sent or changed. Find out who put it there, and keep the "
                "ledger in a folder of your own.",
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise LedgerError(
                f"other users may write to a file beside the ledger: {path}",
                advice="Nothing was sent or changed. Make sure that nobody has, then close it.",
                command=f"chmod 600 {path}",
            )


def check_space(database: Path, rows: int) -> None:
    """Refuse to start a run whose answers would not fit on the disk.

    Raises:
        LedgerWriteError: Less than 1.3 times the expected growth and 128 MiB are free.
    """
    needed_bytes = int(rows * ROW_BYTES * 1.3) + _SLACK_BYTES
    free = free_bytes(database.parent)
    if free < needed_bytes:
        raise LedgerWriteError(
            f"the disk under the ledger has {free >> 20} MiB free; "
            f"{rows:,} rows need {needed_bytes >> 20} MiB",
            advice="Free some space, or keep the ledger elsewhere: --ledger PATH.",
        )


def free_bytes(folder: Path) -> int:
    """Return how much the file system under a folder can still take."""
    return shutil.disk_usage(folder).free


def file_system_of(folder: Path, mountinfo: Path = _MOUNTINFO) -> str:
    """Return the type of the file system under a folder; empty where that cannot be told."""
    try:
        # As the folder's name was read: whatever its bytes are, the two compare.
        lines = os.fsdecode(mountinfo.read_bytes()).split("\n")
    except OSError:
        return ""
    place = str(folder.resolve())
    best, kind = "", ""
    for line in filter(None, lines):
        left, _, right = line.partition(" - ")
        mount_point = _ESCAPED.sub(lambda char: chr(int(char[1], 8)), left.split(" ")[4])
        inside = place == mount_point or place.startswith(mount_point.rstrip("/") + "/")
        if inside and len(mount_point) >= len(best):
            best, kind = mount_point, right.split(" ")[0]
    return kind

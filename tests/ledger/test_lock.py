"""One run at a time: the lock, its holder's name, and who may look on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bulkpost.errors import LedgerBusyError, LedgerError
from bulkpost.ledger.lock import LedgerLock, is_held, witnessed_commits

_HOLD = """
import sys
from pathlib import Path
from bulkpost.ledger.lock import LedgerLock
lock = LedgerLock(Path(sys.argv[1])).acquire("submit leads.csv", "2026-01-02T03:04:05+00:00")
lock.write_commit_number(41)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db.lock"


@contextmanager
def _holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "held\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()  # also one that was stopped, when what was expected did not happen


def test_p9_a_held_lock_names_its_holder(path: Path) -> None:
    """Who finds the ledger in use is told by which process and host, for what, since when."""
    with _holder(path) as holder:
        with pytest.raises(LedgerBusyError) as caught:
            LedgerLock(path).acquire("other", "now")
        assert is_held(path)

    assert "use another ledger: --ledger PATH" in caught.value.advice
    for part in (f"process {holder.pid} on ", "submit leads.csv", "2026-01-02T03:04:05+00:00"):
        assert part in caught.value.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_p4_the_kernel_frees_the_lock_of_the_dead(number: signal.Signals, path: Path) -> None:
    """However a run dies, the ledger is free at once; nothing must be cleaned up."""
    with _holder(path) as holder:
        holder.send_signal(number)
        holder.wait()
    lock = LedgerLock(path).acquire("next", "now")

    assert 41 == lock.commit_number()
    lock.release()
    assert not is_held(path)
    assert 41 == witnessed_commits(path)


def test_p8_a_stopped_holder_still_holds(path: Path) -> None:
    """A run that was stopped keeps the ledger for itself, however long it is stopped."""
    with _holder(path) as holder:
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        with pytest.raises(LedgerBusyError):
            LedgerLock(path).acquire("other", "now")
        holder.send_signal(signal.SIGCONT)
        with pytest.raises(LedgerBusyError):
            LedgerLock(path).acquire("other", "now")


def test_a_released_lock_says_nothing_of_its_holder(path: Path) -> None:
    """The file stays as the witness of the last commit; the holder's name goes."""
    lock = LedgerLock(path).acquire("submit leads.csv", "now")
    lock.write_commit_number(7)
    lock.release()

    content = path.read_bytes()
    assert ((7).to_bytes(8, "big"), 24) == (content[:8], len(content))
    assert 0o600 == path.stat().st_mode & 0o777


def test_crash_point_22_another_boot_of_the_machine_is_noticed(path: Path) -> None:
    """A restart of the machine, and a clone of it, show as another boot; that is logged, no more.

    Two clones have two ledgers, and nothing on either of them knows of the other.
    """
    for is_other_boot in (False, True):
        lock = LedgerLock(path).acquire("submit leads.csv", "now")
        assert is_other_boot is lock.is_other_boot
        lock.write_commit_number(7)
        lock.release()
        content = path.read_bytes()
        path.write_bytes(content[:8] + bytes(reversed(content[8:24])))


def test_a_lock_is_released_once(path: Path) -> None:
    """What was never taken, or was given back already, is nobody's file any more."""
    lock = LedgerLock(path)
    lock.release()
    lock.acquire("submit leads.csv", "now").release()
    with path.open("rb+") as other:
        lock.release()

        assert is_held(path) is False
        assert path.read_bytes() == other.read()


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    """A lock file that is a symbolic link is refused: it may point at anything."""
    target = tmp_path / "precious"
    target.write_text("precious")
    path.symlink_to(target)
    with pytest.raises(LedgerError, match="lock file cannot be opened") as caught:
        LedgerLock(path).acquire("submit", "now")

    assert "must be writable" in caught.value.advice
    assert "precious" == target.read_text()


def test_a_link_tells_nothing(path: Path, tmp_path: Path) -> None:
    """Nor is it followed by whoever only looks."""
    lock = LedgerLock(tmp_path / "other.lock").acquire("submit", "now")
    lock.write_commit_number(7)
    path.symlink_to(tmp_path / "other.lock")
    looked = (is_held(path), witnessed_commits(path), is_held(tmp_path / "other.lock"))
    lock.release()

    assert (False, 0, True) == looked


@pytest.mark.parametrize("content", [None, b"", b"1234567"])
def test_a_file_without_a_number_witnesses_nothing(content: bytes | None, path: Path) -> None:
    """No file, an empty one, one that a crash cut short."""
    if content is not None:
        path.write_bytes(content)

    assert not is_held(path)
    assert 0 == witnessed_commits(path)


def test_a_new_lock_file_has_seen_no_commit(path: Path) -> None:
    """A ledger without commits is not older than its witness."""
    lock = LedgerLock(path).acquire("submit", "now")
    number = lock.commit_number()
    lock.release()

    assert 0 == number


def test_the_first_commit_that_is_ever_witnessed_is_flushed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure a ledger without its witness would be refused.

    Later ones cost no flush: a witness that is a little behind refuses nothing.
    """
    flushed, flush = list[bytes](), os.fsync

    def note(descriptor: int) -> None:
        flush(descriptor)
        flushed.append(path.read_bytes()[:8])

    monkeypatch.setattr(os, "fsync", note)
    for numbers in ((3, 4, 5), (6, 7)):
        lock = LedgerLock(path).acquire("submit", "now")
        for number in numbers:
            lock.write_commit_number(number)
        lock.release()

    assert [(3).to_bytes(8, "big")] == flushed

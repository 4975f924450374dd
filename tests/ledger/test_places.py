"""What a place or a file beside the ledger is refused for, in which words, and by which user."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkpost.errors import LedgerError, LedgerWriteError
from bulkpost.ledger import paths
from bulkpost.ledger.paths import (
    BALLAST_BYTES,
    LedgerPaths,
    check_beside,
    check_permissions,
    check_place,
    file_system_of,
    make_ballast,
)

BESIDE = ("-wal", "-shm", "-journal", ".rescue", ".lock")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "leads.db"
    path.touch(0o600)
    return path


def _owner(path: Path) -> int:
    """Return whose file it is; not root's, who may do anything."""
    if os.geteuid() == 0:
        os.chown(path, 1234, -1)
    return path.stat().st_uid


def _refused(check: Callable[[], None]) -> tuple[str, str, str]:
    with pytest.raises(LedgerError) as caught:
        check()
    return caught.value.message, caught.value.advice, caught.value.command


def test_a_missing_folder_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    """It may be mistyped, too."""
    assert (
        f"the ledger's folder does not exist: {tmp_path}/no",
        "Create it, or name another place.",
        f"mkdir -p {tmp_path}/no",
    ) == _refused(lambda: check_place(tmp_path / "no" / "leads.db"))


def test_a_link_is_told_with_what_to_name(tmp_path: Path, path: Path) -> None:
    """What it points to may be a ledger, with its files beside it."""
    link = tmp_path / "link.db"
    link.symlink_to(path)

    assert (
        f"the ledger is a symbolic link: {link}",
        "Name the file that it points to.",
        "",
    ) == _refused(lambda: check_place(link))


def test_a_network_file_system_is_told_by_its_type(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And why it will not do."""
    monkeypatch.setattr(paths, "file_system_of", lambda _folder: "nfs4")
    message, advice, command = _refused(lambda: check_place(path))

    assert (
        "the ledger's folder is on a network file system (nfs4), where locks and flushes "
        "cannot be trusted"
    ) == message
    assert ("Keep the ledger on a local disk: --ledger PATH.", "") == (advice, command)


@pytest.mark.parametrize("content", [None, "", "22 1 254:1 / /elsewhere rw - ext4 /dev/vda1 rw\n"])
def test_a_file_system_that_cannot_be_told_is_none(content: str | None, tmp_path: Path) -> None:
    """Where the kernel does not say, no ledger is refused."""
    mountinfo = tmp_path / "mountinfo"
    if content is not None:
        mountinfo.write_text(content)

    assert "" == file_system_of(Path("/data"), mountinfo)


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    """Nor is a device or a pipe."""
    assert (f"the ledger is not a regular file: {tmp_path}", "", "") == _refused(
        lambda: check_permissions(tmp_path)
    )


def test_a_ledger_is_its_owners(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And root's; another user would leave files beside it that its owner cannot write."""
    owner = _owner(path)
    for user in (owner, 0):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        check_permissions(path)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert (
        f"the ledger belongs to another user: {path}",
        "Run as its owner, or use a ledger of your own: --ledger PATH.",
        "",
    ) == _refused(lambda: check_permissions(path))


def test_a_second_name_is_told_with_the_command_that_finds_it(path: Path) -> None:
    """The other name may stand anywhere on the disk."""
    path.with_name("other.db").hardlink_to(path)
    message, advice, command = _refused(lambda: check_permissions(path))

    assert f"the ledger has a second name, as a hard link: {path}" == message
    assert advice.startswith("Under each name it would have a lock and a log of its own")
    assert f"find {path.parent} -samefile {path}" == command


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_cannot_be_written_is_told_with_the_command_that_mends_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, is_folder: bool
) -> None:
    """The ledger, or its folder, in which the log is made."""
    closed = path.parent if is_folder else path
    monkeypatch.setattr(os, "access", lambda asked, mode: (asked, mode) != (closed, os.W_OK))

    assert (
        f"the ledger or its folder is read-only: {path}",
        "Every answer must be written down; make both writable.",
        f"chmod u+w {path} {path.parent}",
    ) == _refused(lambda: check_permissions(path))


@pytest.mark.parametrize("suffix", BESIDE)
def test_a_file_beside_the_ledger_is_its_owners(
    suffix: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite, or the next start, would take in what somebody else has written there."""
    beside = path.with_name(f"leads.db{suffix}")
    beside.touch(0o600)
    owner = _owner(beside)
    for user in (owner, 0):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        check_beside(LedgerPaths(path))
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    message, advice, _ = _refused(lambda: check_beside(LedgerPaths(path)))

    assert f"a file beside the ledger is not a regular file of this user: {beside}" == message
    assert advice.startswith("Nothing was sent or changed. Find out who put it there")


@pytest.mark.parametrize("suffix", BESIDE)
def test_a_link_beside_the_ledger_is_refused(suffix: str, path: Path) -> None:
    """Whoever made it: what it leads to would be written to."""
    beside = path.with_name(f"leads.db{suffix}")
    beside.symlink_to(path)

    assert (
        f"a file beside the ledger is not a regular file of this user: {beside}"
        == (_refused(lambda: check_beside(LedgerPaths(path)))[0])
    )


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_beside_the_ledger_that_others_may_write_to_is_refused(
    mode: int, path: Path
) -> None:
    """With the command that closes it."""
    beside = path.with_name("leads.db.rescue")
    beside.touch()
    beside.chmod(mode)

    assert (
        f"other users may write to a file beside the ledger: {beside}",
        "Nothing was sent or changed. Make sure that nobody has, then close it.",
        f"chmod 600 {beside}",
    ) == _refused(lambda: check_beside(LedgerPaths(path)))


def test_the_ballast_is_set_aside_once(tmp_path: Path) -> None:
    """What is there, and large enough, is left alone; what is smaller is made anew."""
    ballast = tmp_path / "leads.db.ballast"
    make_ballast(ballast)
    sizes = [ballast.stat().st_size]
    with ballast.open("r+b") as file:
        file.write(b"first")
    make_ballast(ballast)
    starts = [ballast.read_bytes()[:5]]
    os.truncate(ballast, BALLAST_BYTES - 1)
    make_ballast(ballast)
    sizes.append(ballast.stat().st_size)
    starts.append(ballast.read_bytes()[:5])

    assert [4 << 20] * 2 == sizes
    assert [b"first", bytes(5)] == starts


def test_a_link_is_no_ballast(tmp_path: Path) -> None:
    """It takes no room; what it leads to stays as it is."""
    other, ballast = tmp_path / "other", tmp_path / "leads.db.ballast"
    other.write_bytes(b"x" * BALLAST_BYTES)
    ballast.symlink_to(other)
    make_ballast(ballast)

    assert stat.S_ISREG(ballast.lstat().st_mode)
    assert b"x" * BALLAST_BYTES == other.read_bytes()


def test_no_room_for_the_ballast_is_told(tmp_path: Path) -> None:
    """Before anything is sent, of which the answers might find no room."""
    ballast = tmp_path / "no" / "leads.db.ballast"
    with pytest.raises(LedgerWriteError) as caught:
        make_ballast(ballast)

    assert (
        f"no room can be set aside beside the ledger: {ballast}: No such file or directory"
        == caught.value.message
    )
    assert "Nothing was sent. Free some space, then run the same command again." == (
        caught.value.advice
    )

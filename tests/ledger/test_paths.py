"""Where a ledger may stand, who may touch it, and how much room it needs."""

import os
import shutil
import stat
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import OPTIONS, an_intent, opened

from bulkpost.clock import SystemClock
from bulkpost.errors import LedgerError, LedgerWriteError
from bulkpost.ledger import paths
from bulkpost.ledger.ledger import open_ledger
from bulkpost.ledger.paths import check_place, check_space, file_system_of


@pytest.fixture
def umask_of_nobody() -> Iterator[None]:
    """Let every file be as open as it asks to be."""
    before = os.umask(0)
    yield
    os.umask(before)


_MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
31 22 0:27 / /data rw,relatime shared:9 - {kind} server:/export rw
32 31 254:2 / /data/local rw,relatime shared:10 - xfs /dev/vdb rw
33 22 0:28 / /with\\040space rw - nfs4 server:/other rw
34 22 0:29 / /tab\\011and\\134more rw - 9p server rw
35 22 0:30 / /d\udce9pot\u00a0\x85 rw - cifs //server/depot rw
36 22 0:31 / /BOX rw - afs server rw
37 22 254:3 / /twice rw - ext4 /dev/vdc rw
38 37 0:32 / /twice rw - ceph server rw
"""
_Usage = namedtuple("_Usage", "total used free")  # noqa: PYI024  # the shape of shutil's own


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/data", "KIND"),
        ("/data/sub/folder", "KIND"),
        ("/data/local/x", "xfs"),
        ("/database", "ext4"),
        ("/with space/x", "nfs4"),
        ("/tab\tand\\more", "9p"),
        ("/d\udce9pot\u00a0\x85/x", "cifs"),
        ("/BOX/x", "afs"),
        ("/twice", "ceph"),
    ],
)
def test_d14_the_file_system_is_that_of_the_nearest_mount(
    place: str, kind: str, tmp_path: Path
) -> None:
    """The longest mount point above a folder decides, and names that only begin alike do not."""
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_bytes(os.fsencode(_MOUNTS.format(kind="KIND")))

    assert kind == file_system_of(Path(place), mountinfo)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
def test_d14_a_network_file_system_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks and flushes cannot be trusted there."""
    monkeypatch.setattr(paths, "file_system_of", lambda _folder: kind)
    with pytest.raises(LedgerError, match="network file system"):
        check_place(tmp_path / "leads.db")


def test_a_missing_folder_and_a_link_are_refused(tmp_path: Path) -> None:
    """A mistyped place makes no ledger, and a link is not followed."""
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "real.db")
    with pytest.raises(LedgerError, match="folder does not exist"):
        check_place(tmp_path / "no" / "leads.db")
    with pytest.raises(LedgerError, match="symbolic link"):
        check_place(link)


_NEEDED_BYTES = 100_000 * 143 + (128 << 20)


@pytest.mark.parametrize("missing_bytes", [1, 1 << 20])
def test_d1_a_run_whose_answers_would_not_fit_is_refused(
    missing_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 rows need 1.3 times 110 bytes each, and 128 MiB beside, where the ledger stands."""
    free = {tmp_path: _NEEDED_BYTES - missing_bytes}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: _Usage(0, 0, free[folder]))
    with pytest.raises(LedgerWriteError) as caught:
        check_space(tmp_path / "leads.db", 100_000)

    assert (
        f"the disk under the ledger has {141 if missing_bytes == 1 else 140} MiB free; "
        "100,000 rows need 141 MiB" == caught.value.message
    )
    assert "--ledger PATH" in caught.value.advice


def test_d1_a_run_whose_answers_just_fit_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed is enough."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: _Usage(0, 0, _NEEDED_BYTES))

    check_space(tmp_path / "leads.db", 100_000)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.usefixtures("umask_of_nobody")
async def test_every_file_is_private_under_any_umask(tmp_path: Path) -> None:
    """Ledger, log, shared memory, lock and ballast: mode 0600, whatever the shell allows."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in _files(tmp_path)}

    names = ("", "-wal", "-shm", ".lock", ".ballast")
    assert {f"leads.db{suffix}": 0o600 for suffix in names} == modes


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
async def test_a_ledger_that_others_may_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    """The message gives the command that mends it."""
    path = tmp_path / "leads.db"
    async with opened(path):
        pass
    path.chmod(mode)
    with pytest.raises(LedgerError, match="other users may write") as caught:
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass

    assert f"chmod 600 {path}" == caught.value.command


async def test_a_ledger_that_is_to_be_there_is_not_made(tmp_path: Path) -> None:
    """Whoever decides about an existing ledger makes no file beside a mistyped name."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        async with open_ledger(
            tmp_path / "leads.db", replace(OPTIONS, create=False), SystemClock()
        ):
            pass

    assert [] == _files(tmp_path)


async def test_a_ledger_with_two_names_is_refused_under_both(tmp_path: Path) -> None:
    """Each name would have a lock of its own, and two runs at once would send every lead twice."""
    path, other = tmp_path / "leads.db", tmp_path / "other.db"
    async with opened(path):
        pass
    other.hardlink_to(path)
    for name in (path, other):
        with pytest.raises(LedgerError, match="second name"):
            async with opened(name):
                pass

    other.unlink()
    async with opened(path):
        pass

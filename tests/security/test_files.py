"""Files of ours are ours alone, and no link leads them astray."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledgers import OPTIONS, an_intent, opened
from past_runs import Past, leads_csv, make_past, ok
from submitting import bulkpost, child_env

from bulkpost.clock import SystemClock
from bulkpost.config import load
from bulkpost.errors import BulkpostError, ConfigError, LedgerDamagedError, LedgerError
from bulkpost.ledger import rescue
from bulkpost.ledger.entries import Settlement, row_id_of
from bulkpost.ledger.ledger import open_ledger
from bulkpost.ledger.lock import LedgerLock
from bulkpost.ledger.paths import BALLAST_BYTES, LedgerPaths, make_ballast
from bulkpost.ledger.registry import Registry
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reading import spool_stdin
from bulkpost.reporting.private_file import private_file
from bulkpost.sandbox.store import LeadLog

_SETTLED = (Settlement(row_id_of(1, 1), Outcome(OutcomeKind.FAILURE, "no")), 0)
_NOBODY = 65534


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let every file be as open as it asks to be."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes_in(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in folder.rglob("*")}


@pytest.mark.usefixtures("open_umask")
async def test_t7_every_file_is_its_owners_alone_under_any_umask(tmp_path: Path) -> None:
    """Ledger, -wal, -shm, lock, ballast, rescue file, spool, export, note, sandbox log: 0600."""
    paths = LedgerPaths(tmp_path / "l.db")
    async with opened(paths.database) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        assert rescue.save(paths.rescue, bytes(16), 1, [_SETTLED], [])
        with (tmp_path / "in").open("wb") as file:
            file.write(b"email\na@b.org\n")
        with (tmp_path / "in").open("rb") as file:
            spool_stdin(file, paths.spool)
        (tmp_path / "in").unlink()
        with private_file(tmp_path / "out.csv", is_forced=False) as results:
            results.write("x")
        Registry(tmp_path / "state" / "notes").remember("https://x", paths.database)
        LeadLog(tmp_path / "leads.jsonl").close()
        found = modes_in(tmp_path)

    files = {path.name: stat.S_IMODE(mode) for path, mode in found.items() if stat.S_ISREG(mode)}
    assert {0o600} == set(files.values()), files
    assert 10 == len(files)
    assert 0o700 == stat.S_IMODE(found[paths.spool])
    assert 0o700 == stat.S_IMODE(found[tmp_path / "state" / "notes"])


_READ_AS = """
import os, sys
from pathlib import Path
from bulkpost.config import CONFIG_DEFAULT, load
from bulkpost.errors import BulkpostError
os.chdir(sys.argv[1])
os.setuid(int(sys.argv[2]))
for path in (None, CONFIG_DEFAULT):
    try:
        print("ok", load(path).rate)
    except BulkpostError as error:
        print(error.exit_status, error.message, error.command)
"""


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_t7_a_config_that_every_user_may_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    """It says where the leads go; the message gives the command that mends it."""
    path = tmp_path / "bulkpost.toml"
    path.write_text('rate = "1/s"\n')
    path.chmod(mode)

    with pytest.raises(ConfigError, match="every user may write") as refused:
        load(path)

    assert f"chmod o-w {path}" == refused.value.command


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_t7_a_config_that_another_user_left_in_the_folder_is_not_obeyed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """One that is found is refused if it is somebody else's; one that is named is read."""
    folder = tmp_path_factory.mktemp("shared")
    config = folder / "bulkpost.toml"
    config.write_text('rate = "7/s"\n')
    config.chmod(0o644)  # whatever umask a command before has left
    os.chown(config, 12345, 12345)
    for place in (folder, *folder.parents):
        if place.stat().st_uid == 0 and place.name and "pytest" in str(place):
            place.chmod(0o755)
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", _READ_AS, str(folder), str(_NOBODY)],
        capture_output=True, text=True, check=False, env=child_env(),
    )  # fmt: skip
    if done.returncode:
        pytest.skip("that user cannot run this Python")

    found, named = done.stdout.splitlines()
    assert found.startswith("2 the config file of this folder belongs to another user")
    assert "ok 7/s" == named


@pytest.mark.parametrize("mode", [0o620, 0o602])
async def test_t7_a_ledger_that_others_may_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    """What it says could have been put there by anybody."""
    async with opened(tmp_path / "l.db"):
        pass
    (tmp_path / "l.db").chmod(mode)

    with pytest.raises(LedgerError, match="other users may write"):
        async with open_ledger(tmp_path / "l.db", OPTIONS, SystemClock()):
            pass


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".rescue", ".lock"])
@pytest.mark.parametrize("mode", [0o620, 0o602])
async def test_t7_what_others_may_write_beside_the_ledger_is_refused(
    suffix: str, mode: int, tmp_path: Path
) -> None:
    """A log or a rescue file would be taken for what was sent, and rows be sent again."""
    ledger = tmp_path / "l.db"
    async with opened(ledger):
        pass
    planted = ledger.with_name(ledger.name + suffix)
    planted.touch()
    planted.chmod(mode)
    before = ledger.read_bytes(), planted.read_bytes()

    with pytest.raises(LedgerError, match="other users may write to a file beside") as refused:
        async with open_ledger(ledger, OPTIONS, SystemClock()):
            pass

    assert f"chmod 600 {planted}" == refused.value.command
    if suffix != ".lock":
        assert before == (ledger.read_bytes(), planted.read_bytes())


@pytest.mark.parametrize("suffix", ["-wal", ".rescue"])
async def test_t7_a_pipe_beside_a_ledger_is_refused_and_not_waited_for(
    suffix: str, tmp_path: Path
) -> None:
    """Nobody can stop a run at its start by something that never ends."""
    ledger = tmp_path / "l.db"
    async with opened(ledger):
        pass
    os.mkfifo(ledger.with_name(ledger.name + suffix))

    with pytest.raises(LedgerError, match="not a regular file of this user"):
        async with open_ledger(ledger, OPTIONS, SystemClock()):
            pass


async def test_t20_no_link_is_followed_to_a_file_of_somebody_else(tmp_path: Path) -> None:
    """Ledger, lock, rescue file, ballast, export, sandbox log: the link's aim stays as it was."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    paths = LedgerPaths(tmp_path / "l.db")
    for link in (paths.database, paths.lock, paths.rescue, paths.ballast, tmp_path / "out.csv"):
        link.symlink_to(victim)

    with pytest.raises(LedgerError):
        async with open_ledger(paths.database, OPTIONS, SystemClock()):
            pass
    with pytest.raises(LedgerError, match="lock file"):
        LedgerLock(paths.lock).acquire("test", "now")
    assert not rescue.save(paths.rescue, bytes(16), 1, [_SETTLED], [])
    with pytest.raises(LedgerDamagedError, match="symbolic link"):
        rescue.load(paths.rescue)
    make_ballast(paths.ballast)
    with (
        pytest.raises(BulkpostError, match="not a regular file"),
        private_file(tmp_path / "out.csv", is_forced=True),
    ):
        pass
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(ConfigError, match="lead log"):
        LeadLog(tmp_path / "log")

    assert "precious" == victim.read_text()
    assert (False, BALLAST_BYTES) == (paths.ballast.is_symlink(), paths.ballast.stat().st_size)


async def test_t20_the_name_of_an_export_is_not_made_of_what_a_list_holds(tmp_path: Path) -> None:
    """Whatever the list is called, its results stand in the folder that was named."""
    name = "..%2f..; rm -rf ~ $(id) 'x'.csv"
    source = leads_csv(tmp_path / name, 2)
    await make_past(tmp_path / "l.db", source, Past([ok(1)]))
    (tmp_path / "out").mkdir()
    done = await bulkpost("export", "out", "--ledger", "l.db", cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    made = [path.name for path in (tmp_path / "out").iterdir()]
    assert 5 == len(made)
    assert set("._-") | set(filter(str.isalnum, "".join(made))) >= set("".join(made))

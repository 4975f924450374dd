"""The disk under a real run: full, limited, failing, read-only. No answer is lost."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.judge import Judge, plain_env

from bulkpost.ledger.states import State

ROWS = 300
_DISK_MIB = 150
_NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of its own, just large enough for a run to begin, or of the size asked for."""
    size_mib = getattr(request, "param", _DISK_MIB)
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of a chosen size")
    mount, umount = shutil.which("mount"), shutil.which("umount")
    assert mount is not None
    assert umount is not None
    command = [mount, "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # our own command
        pytest.skip("this machine lets nobody mount")
    yield folder
    subprocess.run([umount, str(folder)], check=True)  # noqa: S603  # as above


def _fill(folder: Path) -> Path:
    """Write until nothing fits any more."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for chunk in (b"\0" * 65_536, b"\0" * 512):
            try:
                while True:
                    file.write(chunk)
            except OSError:
                continue
    return filler


def test_d2_on_a_full_disk_the_ballast_makes_room_for_the_answers(
    small_disk: Path, calm: Judge
) -> None:
    """On a disk that fills up the run stops with status 1, and every answer in hand is kept.

    The next run sends the rest once there is room.
    """
    campaign = Campaign(small_disk / "work", calm.new_flow())
    campaign.a_list(ROWS)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        filler = _fill(small_disk)
        child.send(signal.SIGCONT)
        stopped = child.wait()
    taken = len(campaign.flow.leads())
    found = campaign.snapshot()
    # The ballast is given back once; answers that come after that may need the rescue file.
    rescue = campaign.ledger.with_name("leads.db.rescue")
    rescued = len(rescue.read_text().splitlines()) if rescue.exists() else 0
    still_full = campaign.run()
    filler.unlink()

    assert 1 == stopped.status
    assert "the disk under the ledger is full" in stopped.err
    assert taken == found.counts()[State.SUCCESS] + rescued
    assert taken < ROWS
    assert 1 == still_full.status
    assert "internal error" not in still_full.err
    assert taken == len(campaign.flow.leads())
    in_doubt = len(found.numbers(State.ARMED)) - rescued
    assert (5 if in_doubt else 0) == campaign.until_done().status
    assert [] == campaign.wrong
    assert ROWS == len(campaign.flow.leads()) + in_doubt


@pytest.mark.parametrize("small_disk", [3], indirect=True)
def test_d1_a_disk_without_room_for_the_ballast_is_refused(small_disk: Path, calm: Judge) -> None:
    """Nothing is sent from a disk without room for what is set aside for the answers."""
    campaign = Campaign(small_disk / "work", calm.new_flow())
    campaign.a_list(3)
    refused = campaign.run()

    assert 1 == refused.status
    assert "no room can be set aside beside the ledger" in refused.err
    assert [] == campaign.flow.leads()
    assert not campaign.ledger.with_name("leads.db.ballast").exists()


def test_d3_answers_that_the_ledger_cannot_take_come_back_from_the_rescue_file(
    campaign: Campaign,
) -> None:
    """At a limit of the file size the run stops, and the answers go to the rescue file.

    The next run takes them in and says so.
    """
    campaign.a_list(ROWS)
    wal, rescue = (campaign.ledger.with_name(f"leads.db{end}") for end in ("-wal", ".rescue"))
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        limit_bytes = wal.stat().st_size
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        child.send(signal.SIGCONT)
        stopped = child.wait()
    rescued = len(rescue.read_text().splitlines())
    next_run = campaign.run()

    assert 1 == stopped.status
    assert rescued > 0
    assert f"{rescued} answers were imported from the rescue file" in next_run.err
    assert not rescue.exists()
    campaign.until_done()
    assert [] == campaign.wrong
    taken = len(campaign.flow.leads())
    assert ROWS == len(campaign.flow.ids())
    assert taken == campaign.snapshot().counts()[State.SUCCESS], "a lead id was lost"


@pytest.mark.parametrize("point", ["commit.begin:8:raise", "commit.middle:8:raise"])
def test_d4_after_a_failed_flush_nothing_more_is_sent(point: str, campaign: Campaign) -> None:
    """After an I/O error in the ledger nothing more is sent; answers in flight are kept."""
    campaign.a_list(ROWS)
    stopped = campaign.run(fault=point)
    taken = len(campaign.flow.leads())
    armed = len(campaign.snapshot().numbers(State.ARMED))

    assert 1 == stopped.status
    assert taken < ROWS
    assert armed <= campaign.concurrency
    campaign.until_done()
    assert [] == campaign.wrong
    assert taken <= campaign.snapshot().counts()[State.SUCCESS]


_AS_NOBODY = """
import os, sys
from pathlib import Path
from bulkpost.errors import LedgerError
from bulkpost.ledger.paths import check_permissions
if os.geteuid() == 0:
    os.setuid(int(sys.argv[2]))
try:
    check_permissions(Path(sys.argv[1]))
except LedgerError as error:
    print(error.exit_status, error.message, error.command)
"""


@pytest.mark.parametrize("what", ["ledger", "folder"])
def test_d5_a_ledger_that_cannot_be_written_is_refused(what: str) -> None:
    """A ledger or folder that is read-only is refused with status 7 before anything is sent.

    The command that mends it is given.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # nobody may enter it
        folder, ledger = Path(name), Path(name, "leads.db")
        ledger.touch(0o600)
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
            os.chown(ledger, _NOBODY, _NOBODY)
        (ledger if what == "ledger" else folder).chmod(0o500)
        refused = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-c", _AS_NOBODY, str(ledger), str(_NOBODY)],
            env=plain_env(),
            capture_output=True,
            text=True,
            check=True,
        )
        folder.chmod(0o700)

    assert refused.stdout.startswith("7 the ledger or its folder is read-only")
    assert "chmod u+w" in refused.stdout


def test_d6_a_ledger_deleted_under_a_run_stops_it(campaign: Campaign) -> None:
    """If somebody deletes the ledger under a run, the run stops at the next commit.

    The next run does not start without it.
    """
    campaign.a_list(ROWS)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        campaign.ledger.unlink()
        child.send(signal.SIGCONT)
        stopped = child.wait()
    taken = len(campaign.flow.leads())
    again = campaign.run()

    assert 1 == stopped.status
    assert "deleted or replaced while in use" in stopped.err
    assert taken < ROWS
    assert 7 == again.status
    assert "the ledger is gone" in again.err
    assert taken == len(campaign.flow.leads())


def test_d7_a_log_deleted_under_a_run_stops_it(campaign: Campaign) -> None:
    """If somebody deletes the -wal file under a run, the next commit is the last: status 1.

    What the deleted file held is saved into the ledger as the run ends, the answers in hand are in
    the rescue file, and the next run goes on. Rows that were just to be sent are in doubt. Had the
    run been killed meanwhile, the next one would be refused with status 7.
    """
    campaign.a_list(ROWS)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        campaign.ledger.with_name("leads.db-wal").unlink()
        child.send(signal.SIGCONT)
        stopped = child.wait()
    taken = len(campaign.flow.leads())
    rescue = campaign.ledger.with_name("leads.db.rescue").read_text()
    answered = {campaign.places[reference] for reference in campaign.flow.ids()}
    campaign.until_done()
    in_doubt = {(1, row) for row in campaign.snapshot().numbers(State.IN_DOUBT)}

    assert 1 == stopped.status
    assert "deleted or replaced while in use" in stopped.err
    assert taken < ROWS
    assert rescue.startswith('{"row_id"')
    assert [] == campaign.wrong
    assert not in_doubt & answered, "an answer was lost"
    assert len(in_doubt) <= campaign.concurrency

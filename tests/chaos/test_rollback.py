"""Power loss and put-back copies: what the write-ahead log and the witness are for."""

import shutil
from pathlib import Path
from random import Random

import pytest
from harness import rules
from harness.campaign import Campaign
from harness.judge import Judge
from harness.lists import Line, lines
from harness.nursery import Nursery
from harness.wal import Wal

from bulkpost.ledger.states import State

ROWS = 80


@pytest.fixture
def crashed(campaign: Campaign) -> Campaign:
    """A list whose run died just after a commit, with answers on their way."""
    campaign.a_list(ROWS)
    campaign.run(fault="commit.done:12")
    return campaign


@pytest.mark.parametrize("seed", range(4))
def test_d9_a_torn_tail_behind_the_last_commit_loses_nothing(seed: int, crashed: Campaign) -> None:
    """After a power failure what stands behind the last commit is left out; nothing is lost."""
    random = Random(seed)
    wal = Wal.of(crashed.ledger)
    torn = wal.path.read_bytes()[wal.commits[-2] : wal.commits[-1]]
    garbage = random.choice([b"", torn[: len(torn) // 2], random.randbytes(9_000)])
    before = crashed.snapshot()
    wal.cut(wal.commits[-1], garbage)
    crashed.ask()
    crashed.until_done()

    assert [] == crashed.wrong
    assert len(before.numbers(State.ARMED)) == crashed.snapshot().counts()[State.IN_DOUBT]


@pytest.mark.parametrize("lost", [1, 2, 7])
def test_d9_a_disk_that_lost_commits_is_refused(lost: int, crashed: Campaign) -> None:
    """A ledger that lost commits is refused with status 7, and nothing is sent from it.

    The message says how many are missing.
    """
    wal = Wal.of(crashed.ledger)
    wal.cut(wal.commits[-1 - lost])
    before, taken = crashed.snapshot(), len(crashed.flow.leads())
    refused = crashed.run()

    assert 7 == refused.status
    assert f"{lost} of " in refused.err
    assert (before, taken) == (crashed.snapshot(), len(crashed.flow.leads()))


def test_d9_with_accept_rollback_a_run_goes_on(crashed: Campaign) -> None:
    """With --accept-rollback a ledger that lost commits is used, and leads may go out twice."""
    wal = Wal.of(crashed.ledger)
    wal.cut(wal.commits[-4])
    crashed.options = ["--accept-rollback"]
    accepted = crashed.run()
    crashed.options = []
    again = crashed.run()

    assert accepted.status in {0, 5}
    assert accepted.status == again.status
    assert crashed.places.keys() == crashed.flow.ids().keys()
    lead_ids = crashed.flow.ids()
    assert [] == [
        found
        for found in rules.at_the_end(crashed.snapshot(), crashed.flow, crashed.holders)
        if not found.startswith("I1")
    ]
    assert any(len(ids) > 1 for ids in lead_ids.values()), "no lead went out unknown to the copy"


def test_d13_a_copy_from_before_is_refused(campaign: Campaign) -> None:
    """A backup that is older than the last run is refused with status 7."""
    first = campaign.a_list(20)
    campaign.run()
    copy = campaign.folder.parent / "backup.db"
    shutil.copyfile(campaign.ledger, copy)
    campaign.options = ["--duplicates", "submit"]
    campaign.run(first)
    taken = len(campaign.flow.leads())
    shutil.copyfile(copy, campaign.ledger)
    refused = campaign.run(first)

    assert 7 == refused.status
    assert "restored from a copy" in refused.err
    assert taken == len(campaign.flow.leads())


def test_d13_a_deleted_ledger_is_not_replaced_by_an_empty_one(campaign: Campaign) -> None:
    """A ledger that is gone is not replaced by an empty one: the run ends with status 7.

    An empty one would send everything again.
    """
    campaign.a_list(20)
    campaign.run()
    campaign.ledger.unlink()
    refused = campaign.run()

    assert 7 == refused.status
    assert "the ledger is gone" in refused.err
    assert not campaign.ledger.exists()
    assert 20 == len(campaign.flow.leads())


def _another(folder: Path, judge: Judge, nursery: Nursery) -> Campaign:
    """Return a list of which nothing is known to the first one's ledger."""
    other = Campaign(folder, judge.new_flow(), nursery=nursery)
    other.a_list([Line(number) for number in range(10_001, 10_101)])
    return other


def test_d10_the_log_of_another_ledger_is_refused(
    campaign: Campaign, tmp_path: Path, calm: Judge, nursery: Nursery
) -> None:
    """A -wal file that another ledger left behind is not taken for this ledger's own: status 7.

    SQLite alone would take it in, the rows of this ledger would be forgotten, and be sent again.
    The ledger stays as it is, and goes on once the file is gone.
    """
    campaign.a_list(30)
    campaign.run()
    other = _another(tmp_path / "other", calm, nursery)
    other.run(fault="commit.done:22")
    left, content = campaign.ledger.with_name("leads.db-wal"), campaign.ledger.read_bytes()
    shutil.copyfile(Wal.of(other.ledger).path, left)
    refused = campaign.run()

    assert (7, True) == (refused.status, "belongs to another one" in refused.err)
    assert content == campaign.ledger.read_bytes()
    left.unlink()
    left.with_name("leads.db-shm").unlink(missing_ok=True)
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong
    assert 30 == len(campaign.flow.leads())


@pytest.mark.parametrize("what", ["garbage", "older", "gone"])
def test_d10_a_stale_shm_file_changes_nothing(what: str, crashed: Campaign) -> None:
    """The -shm file is made anew from the log at every start: an old or broken one does no harm."""
    shm, before = crashed.ledger.with_name("leads.db-shm"), crashed.snapshot()
    if what == "gone":
        shm.unlink()
    else:
        size = shm.stat().st_size
        shm.write_bytes(bytes(size) if what == "older" else Random(3).randbytes(size))
    crashed.until_done()

    assert [] == crashed.wrong
    assert len(before.numbers(State.ARMED)) == crashed.snapshot().counts()[State.IN_DOUBT]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_d13_a_ledger_that_was_given_up_is_refused_when_it_turns_up_again(
    is_deleted: bool,  # noqa: FBT001  # parametrized
    campaign: Campaign,
) -> None:
    """Once an older copy, or a new ledger, was accepted, what it replaced counts as older."""
    first = campaign.a_list(3)
    campaign.run()
    copy, given_up = campaign.folder.parent / "copy.db", campaign.folder.parent / "given-up.db"
    shutil.copyfile(campaign.ledger, copy)
    second = campaign.a_list(lines(4, 80), "second.csv")
    campaign.run(second)
    shutil.copyfile(campaign.ledger, given_up)
    if is_deleted:
        campaign.ledger.unlink()
    else:
        shutil.copyfile(copy, campaign.ledger)
    campaign.options = ["--accept-rollback"]
    third = campaign.a_list(lines(81, 84), "third.csv")
    assert 0 == campaign.run(third).status
    campaign.options = []
    shutil.copyfile(given_up, campaign.ledger)
    taken = len(campaign.flow.leads())
    refused = campaign.run(first, second, third)

    assert 7 == refused.status
    assert taken == len(campaign.flow.leads())


def test_d13_a_ledger_that_was_moved_without_its_log_is_refused(crashed: Campaign) -> None:
    """A ledger that was moved by itself after a crash is refused with status 7, again and again.

    What its log held is unknown to it and would be sent again. Back beside its log it goes on.
    """
    old, new = crashed.ledger, crashed.ledger.with_name("moved.db")
    taken = len(crashed.flow.leads())
    old.rename(new)
    crashed.options = ["--ledger", str(new)]
    refused = [crashed.run() for _ in range(2)]

    assert [7, 7] == [run.status for run in refused]
    assert "moved, copied or restored" in refused[0].err
    assert taken == len(crashed.flow.leads())
    new.rename(old)
    crashed.options = []
    crashed.until_done()
    assert [] == crashed.wrong


def test_d13_a_copy_under_another_name_is_refused(campaign: Campaign) -> None:
    """A copy of a ledger knows nothing of what its original sends, and is refused: status 7.

    With --accept-rollback it is used all the same, and from then on without.
    """
    first = campaign.a_list(10)
    campaign.run()
    original, copy = campaign.ledger, campaign.ledger.with_name("copy.db")
    copy.write_bytes(original.read_bytes())
    copy.chmod(0o600)
    on_copy = ["--ledger", str(copy)]
    statuses = []
    for options in (on_copy, [*on_copy, "--accept-rollback"], on_copy):
        campaign.options = options
        statuses.append(campaign.run(first).status)

    assert [7, 0, 0] == statuses
    assert 10 == len(campaign.flow.leads())

"""Power loss and put-back copies: what the write-ahead log and the witness are for."""

import shutil
from random import Random

import pytest
from harness import rules
from harness.campaign import Campaign
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
    """Frames without a commit mark, garbage or nothing may follow: the invariants hold."""
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
    """Whole commits are missing: exit 7, nothing is sent, and the ledger stays as it is."""
    wal = Wal.of(crashed.ledger)
    wal.cut(wal.commits[-1 - lost])
    before, taken = crashed.snapshot(), len(crashed.flow.leads())
    refused = crashed.run()

    assert 7 == refused.status
    assert f"{lost} of " in refused.err
    assert (before, taken) == (crashed.snapshot(), len(crashed.flow.leads()))


def test_d9_with_accept_rollback_a_run_goes_on(crashed: Campaign) -> None:
    """Whoever accepts that leads go out twice gets a ledger that is whole again, and guarded."""
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
        for found in rules.at_the_end(crashed.snapshot(), crashed.flow, crashed.places)
        if not found.startswith("I1")
    ]
    assert any(len(ids) > 1 for ids in lead_ids.values()), "no lead went out unknown to the copy"


def test_d13_a_copy_from_before_is_refused(campaign: Campaign) -> None:
    """A backup that is older than the last run is not used without being asked for."""
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
    """The lock file remembers that there was a ledger: an empty one would send all again."""
    campaign.a_list(20)
    campaign.run()
    campaign.ledger.unlink()
    refused = campaign.run()

    assert 7 == refused.status
    assert "the ledger is gone" in refused.err
    assert not campaign.ledger.exists()
    assert 20 == len(campaign.flow.leads())

"""A mistake or an error inside one of a run's machines: the others come home, and nothing hangs."""

import pytest
from harness.campaign import Campaign
from harness.nursery import Nursery

from bulkpost.ledger.states import State

ROWS = 120


@pytest.fixture
def listed(campaign: Campaign, nursery: Nursery) -> Campaign:
    """A list that is read in several bites."""
    campaign.nursery = nursery
    config = campaign.folder / "bulkpost.toml"
    config.write_text(config.read_text() + "[input]\nbatch_rows = 40\n")
    campaign.a_list(ROWS)
    return campaign


def _taken(campaign: Campaign) -> set[int]:
    return {campaign.places[reference][1] for reference in campaign.flow.ids()}


@pytest.mark.parametrize("point", ["arm.queued", "armed", "answered"])
def test_p10_an_error_in_one_worker_leaves_the_others_answers(point: str, listed: Campaign) -> None:
    """If a worker fails, the run stops with status 1, and the answers of the others are recorded.

    The worker's own row is in doubt if it may have been sent. The next run submits the rest.
    """
    failed = listed.run(fault=f"{point}:20:raise")
    found = listed.snapshot()
    own = set(found.numbers(State.IN_DOUBT))

    assert 1 == failed.status
    assert "internal error OSError" in failed.err + failed.out
    assert not found.intents
    assert len(own) == (point != "arm.queued")
    assert _taken(listed) - own == set(found.numbers(State.SUCCESS))
    assert len(_taken(listed)) < ROWS
    listed.until_done()
    assert [] == listed.wrong
    assert own == set(listed.snapshot().numbers(State.IN_DOUBT))


def test_p10_an_error_in_the_feed_leaves_the_workers_answers(listed: Campaign) -> None:
    """If the part that hands out rows fails, what was handed out is answered and recorded."""
    failed = listed.run(fault="feed.batch:2:raise")

    assert 1 == failed.status
    assert _taken(listed) == set(listed.snapshot().numbers(State.SUCCESS))
    assert set(range(1, 41)) >= _taken(listed)
    assert 0 == listed.until_done().status
    assert [] == listed.wrong


def test_p10_an_error_in_the_writer_leaves_nobody_waiting(listed: Campaign) -> None:
    """If the ledger's writer fails even at the rescue file, the run ends all the same: status 1.

    The answers that could be put nowhere are lost, and their rows are in doubt.
    """
    failed = listed.run(fault="commit.flush:8+:raise,rescue.save:1+:raise")
    taken = len(_taken(listed))

    assert (1, True) == (failed.status, "rescue_failed" in failed.err)
    assert 5 == listed.until_done().status
    assert [] == listed.wrong
    assert taken < ROWS
    assert listed.snapshot().counts()[State.IN_DOUBT] <= listed.concurrency


def test_p11_a_reader_that_dies_names_the_file_and_the_row(listed: Campaign) -> None:
    """If the list cannot be read on, the run stops with status 1 and names the file and the row.

    Everything that was handed out before is answered and recorded; the next run goes on there.
    """
    failed = listed.run(fault="reader.batch:3:raise")

    assert 1 == failed.status
    assert "leads.csv could not be read on after row 80: " in failed.err
    assert _taken(listed) == set(listed.snapshot().numbers(State.SUCCESS))
    assert set(range(1, 81)) >= _taken(listed)
    assert 0 == listed.until_done().status
    assert [] == listed.wrong

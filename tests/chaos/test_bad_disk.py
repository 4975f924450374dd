"""A disk that is full, fails or is slow, made by a library preloaded into the run."""

import json
import signal
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.child import Ended
from harness.judge import Judge

from bulkpost.ledger.states import State

ROWS = 300


def _left(campaign: Campaign) -> set[tuple[int, int]]:
    return {campaign.places[reference] for reference in campaign.flow.ids()}


def test_d4_a_flush_that_fails_ends_the_run_and_the_answers_are_rescued(
    campaign: Campaign, bad_disk: Path
) -> None:
    """When a flush of the ledger fails, nothing more is sent, and the run ends with status 1.

    The answers to what is in flight go to the rescue file. The next run takes them in and sends the
    rest. What was in the failed flush may be on the disk all the same: then the rows that were next
    are in doubt, at most as many as there are workers, though they were never sent.
    """
    campaign.a_list(ROWS)
    failed = campaign.run(env={"LD_PRELOAD": str(bad_disk), "BAD_FSYNC": "leads.db-wal:8"})
    found = campaign.snapshot()
    rescued = len(campaign.ledger.with_name("leads.db.rescue").read_text().splitlines())

    assert 1 == failed.status
    assert "SQLITE_IOERR" in failed.err
    assert 0 < len(_left(campaign)) < ROWS
    assert _left(campaign) <= found.outcomes.keys() | found.intents.keys()
    taken = _left(campaign)
    campaign.until_done()
    assert [] == campaign.wrong
    assert rescued > 0
    in_doubt = {(1, row) for row in campaign.snapshot().numbers(State.IN_DOUBT)}
    assert len(in_doubt) <= campaign.concurrency
    assert not in_doubt & taken, "an answer was lost"


def test_d4_a_disk_that_fails_at_the_start_is_not_taken_for_damage(
    campaign: Campaign, bad_disk: Path
) -> None:
    """A run whose disk fails while the ledger is opened sends nothing and ends with status 1.

    It speaks of the disk, not of a damaged ledger: nobody is sent to a backup for nothing.
    """
    campaign.a_list(20)
    refused = campaign.run(env={"LD_PRELOAD": str(bad_disk), "BAD_FSYNC": "leads.db:1"})

    assert (1, True) == (refused.status, "the disk under the ledger fails" in refused.err)
    assert [] == campaign.flow.leads()
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


def test_d4_a_last_checkpoint_that_fails_changes_nothing(
    campaign: Campaign, bad_disk: Path
) -> None:
    """If the disk fails only after the last row, the run ends well, and the log tells of it.

    Everything is in the write-ahead log, from which the next start takes it.
    """
    campaign.a_list(20)
    ended = campaign.run(env={"LD_PRELOAD": str(bad_disk), "BAD_FSYNC": "leads.db:2"})

    assert 0 == ended.status, ended.err
    assert "checkpoint_failed" in ended.err
    assert {State.SUCCESS: 20} == campaign.snapshot().counts()
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


def _filled(campaign: Campaign, bad_disk: Path, names: str, *, has_ballast: bool) -> Ended:
    """Let the disk fill up in the middle of a run."""
    flag, ballast = campaign.folder.parent / "full", campaign.ledger.with_name("leads.db.ballast")
    env = {"LD_PRELOAD": str(bad_disk), "FULL_WHILE": str(flag), "FULL_NAMES": names}
    if has_ballast:
        env["FULL_UNLESS"] = str(ballast)
    with campaign.start(env=env) as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        flag.touch()
        child.send(signal.SIGCONT)
        return child.wait()


def test_d2_on_a_disk_that_fills_up_the_ballast_makes_room_for_every_answer(
    campaign: Campaign, bad_disk: Path
) -> None:
    """When the disk fills up, the ballast beside the ledger makes room for the answers in hand.

    The run stops with status 1, and the next one goes on; no row is in doubt.
    """
    campaign.a_list(ROWS)
    stopped = _filled(campaign, bad_disk, "leads.db", has_ballast=True)
    found = campaign.snapshot()

    assert 1 == stopped.status
    assert "the disk under the ledger is full" in stopped.err
    assert not campaign.ledger.with_name("leads.db.rescue").exists()
    assert len(_left(campaign)) == found.counts()[State.SUCCESS]
    assert len(_left(campaign)) < ROWS
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


def test_d2_where_the_ballast_is_not_enough_the_rescue_file_keeps_the_answers(
    campaign: Campaign, bad_disk: Path
) -> None:
    """Answers for which the ledger has no room even so go to the rescue file beside it.

    The next run takes them in and says how many; no lead id is lost.
    """
    campaign.a_list(ROWS)
    stopped = _filled(campaign, bad_disk, "leads.db-wal", has_ballast=False)
    rescued = len(campaign.ledger.with_name("leads.db.rescue").read_text().splitlines())
    next_run = campaign.run()

    assert 1 == stopped.status
    assert "rescue file" in stopped.err
    assert rescued > 0
    assert f"{rescued} answers were imported from the rescue file" in next_run.err
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong
    assert {State.SUCCESS: ROWS} == campaign.snapshot().counts()


def test_d2_what_not_even_the_rescue_file_can_hold_is_told(
    campaign: Campaign, bad_disk: Path
) -> None:
    """Answers that nothing on the disk can hold go to standard error; their rows are in doubt."""
    campaign.a_list(ROWS)
    stopped = _filled(campaign, bad_disk, "leads.db", has_ballast=False)
    told = [json.loads(line) for line in stopped.err.splitlines() if line.startswith('{"row_id"')]
    assert 5 == campaign.until_done().status

    assert 1 == stopped.status
    lead_ids = {lead_id for ids in campaign.flow.ids().values() for lead_id in ids}
    assert {answer["lead_id"] for answer in told} <= lead_ids
    assert 0 < len(told) == campaign.snapshot().counts()[State.IN_DOUBT]
    assert [] == campaign.wrong


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("leads.db.new", "the ledger cannot be made"),
        ("leads.db.ballast", "no room can be set aside"),
        ("leads.db-wal", "the disk under the ledger is full"),
    ],
    ids=["no_ledger", "no_ballast", "no_log"],
)
def test_d1_on_a_disk_that_is_full_from_the_start_nothing_is_sent(
    names: str, message: str, campaign: Campaign, bad_disk: Path
) -> None:
    """A run that finds the disk full sends nothing, says so, and ends with status 1.

    Once there is room again, the same command submits everything.
    """
    campaign.a_list(20)
    flag = campaign.folder.parent / "full"
    flag.touch()
    env = {"LD_PRELOAD": str(bad_disk), "FULL_WHILE": str(flag), "FULL_NAMES": names}
    refused = campaign.run(env=env)

    assert 1 == refused.status
    assert message in refused.err
    assert "internal error" not in refused.err
    assert [] == campaign.flow.leads()
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


def test_d15_on_a_slow_disk_every_row_is_served_in_its_turn(tmp_path: Path, calm: Judge) -> None:
    """A disk that takes 100 ms for a flush slows the run down, and starves no row.

    All rows that wait while a flush goes on share the next one, and they leave in the order of the
    list.
    """
    campaign = Campaign(tmp_path / "work", calm.new_flow(), concurrency=10)
    campaign.a_list(60)
    ended = campaign.run(fault="commit.flush:1+:sleep=0.1")
    order = [campaign.places[lead["fields"]["reference"]][1] for lead in campaign.flow.leads()]
    late = [abs(place - row) for place, row in enumerate(order, start=1)]

    assert 0 == ended.status
    assert {State.SUCCESS: 60} == campaign.snapshot().counts()
    assert max(late) < 2 * campaign.concurrency
    # One flush for each row would make 60 for the intents alone.
    assert campaign.snapshot().commits <= 30

"""Fail at the n-th commit, for every n of a small run, as SQLite's own tests do it.

A run of a dozen rows has fewer than thirty commits, from the one that notes the input to the one
that closes the run. Each of them is made to fail, and each to be the last thing that a process
does: before it reaches the disk, and after. The next run goes on, and the sandbox's log is the
judge. A short part of the deaths is tried always, all of them under ``-m torture``.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness import points
from harness.campaign import Campaign
from harness.judge import Judge
from harness.nursery import Nursery

from bulkpost.ledger.states import State

ROWS = 12
WORKERS = 3
_COMMITS_MAX = 60
_DEATHS = 5


class Tries:
    """Makes a fresh list for each n."""

    def __init__(self, folder: Path, judge: Judge, nursery: Nursery) -> None:
        self._folder, self._judge, self._nursery = folder, judge, nursery

    def __call__(self, nth: int) -> Campaign:
        folder = self._folder / f"commit-{nth}"
        campaign = Campaign(
            folder, self._judge.new_flow(), concurrency=WORKERS, nursery=self._nursery
        )
        campaign.a_list(ROWS)
        return campaign


@pytest.fixture
def tries(tmp_path: Path, calm: Judge, nursery: Nursery) -> Tries:
    return Tries(tmp_path, calm, nursery)


def _commits(tries: Tries) -> int:
    """Return how many commits a whole run has."""
    campaign = tries(0)
    assert 0 == campaign.run().status
    return campaign.snapshot().commits


def test_d4_whichever_commit_fails_nothing_is_sent_after_it_and_no_answer_is_lost(
    tries: Tries,
) -> None:
    """When the disk fails at a commit, nothing more is sent, and the answers in hand are kept.

    They go to the rescue file, and the next run takes them in: after it no row is in doubt.
    """
    for nth in range(1, _COMMITS_MAX):
        campaign = tries(nth)
        failed = campaign.run(fault=points.BROKEN_DISK.format(nth))
        if failed.status == 0:
            break
        taken = campaign.flow.ids().keys()
        found = campaign.snapshot()
        campaign.ask()

        assert (1, False) == (failed.status, "internal error" in failed.err), failed.err
        # Nothing was committed after the failure, so what left was armed before it.
        armed_before = found.outcomes.keys() | found.intents.keys()
        assert {campaign.places[reference] for reference in taken} <= armed_before
        assert 0 == campaign.until_done().status, f"a row is in doubt after commit {nth}"
        assert [] == campaign.wrong, f"commit {nth}"
        assert {State.SUCCESS: ROWS} == campaign.snapshot().counts()
    assert nth > ROWS, "the run was over before its commits were tried"


def _die(tries: Tries, point: str, nth: int) -> None:
    campaign = tries(nth)
    status = campaign.run(fault=f"{point}:{nth}").status
    ended = campaign.until_done()

    assert (status, ended.status in {0, 5}) in {(137, True), (0, True)}
    assert [] == campaign.wrong, f"dead at {point} of commit {nth}"
    assert sum(campaign.snapshot().counts().values()) == ROWS
    assert campaign.snapshot().counts().get(State.IN_DOUBT, 0) <= WORKERS


def _some(commits: int, seed: int) -> Iterator[int]:
    """Return the first and the last, and some between."""
    yield from sorted({1, commits, *Random(seed).sample(range(2, commits), _DEATHS - 2)})


@pytest.mark.parametrize("point", ["commit.flush", "commit.done"])
def test_p5_whichever_commit_is_the_last_no_lead_goes_out_twice(point: str, tries: Tries) -> None:
    """A process may die just before or just after any commit: the next run goes on rightly."""
    for nth in _some(_commits(tries), seed=11):
        _die(tries, point, nth)


@pytest.mark.torture
@pytest.mark.parametrize("point", ["commit.begin", "commit.flush", "commit.done"])
def test_torture_by_death_at_every_commit(point: str, tries: Tries) -> None:
    """Every commit of the run is the last thing that the process does."""
    for nth in range(1, _commits(tries) + 1):
        _die(tries, point, nth)


@pytest.mark.torture
@pytest.mark.parametrize("point", ["commit.begin", "commit.flush", "commit.done"])
def test_torture_by_one_failure_at_every_commit(point: str, tries: Tries) -> None:
    """One commit fails and the disk is well again: the run has ended all the same."""
    for nth in range(1, _commits(tries) + 1):
        campaign = tries(nth)
        failed = campaign.run(fault=f"{point}:{nth}:raise")
        campaign.ask()
        ended = campaign.until_done()

        assert failed.status in {0, 1}, failed.err
        assert ended.status in {0, 5}
        assert [] == campaign.wrong, f"failed at {point} of commit {nth}"

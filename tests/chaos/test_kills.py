"""SIGKILL at random moments: the sandbox's log is the judge."""

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from harness.campaign import Campaign
from harness.judge import Judge

from bulkpost.ledger.states import State

SEEDS = range(6)
KILLS = 5
ROWS = 200
TORTURE_SEEDS = int(os.environ.get("BULKPOST_TORTURE_SEEDS", "100"))


def _killed_until_done(campaign: Campaign, seed: int, kills: int, rows: int) -> Campaign:
    random = Random(seed)
    campaign.a_list(rows)
    for _ in range(kills):
        if campaign.kill_at_random(random, rows).status >= 0:
            break
    campaign.until_done()
    return campaign


@pytest.mark.parametrize("seed", SEEDS)
def test_p4_killed_at_random_moments_no_lead_goes_out_twice(
    seed: int, tmp_path: Path, calm: Judge, stormy: Judge
) -> None:
    """After any number of kills no lead went out twice unasked, and every row has one ending."""
    judge = stormy if seed % 2 else calm
    campaign = Campaign(tmp_path / "work", judge.new_flow())

    _killed_until_done(campaign, seed, KILLS, ROWS)

    assert [] == campaign.wrong
    assert campaign.kills >= KILLS - 1, "the run was over before it could be killed"


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(1000, 1000 + TORTURE_SEEDS))
def test_torture_by_sigkill(seed: int, tmp_path: Path, calm: Judge, stormy: Judge) -> None:
    """The same as P4, with longer lists and more deaths; BULKPOST_TORTURE_SEEDS says how often."""
    judge = stormy if seed % 2 else calm
    campaign = Campaign(tmp_path / "work", judge.new_flow())

    _killed_until_done(campaign, seed, kills=12, rows=400)

    found = campaign.snapshot().counts()
    states = ", ".join(f"{state.name.lower()} {count}" for state, count in sorted(found.items()))
    taken = Counter(len(ids) for ids in campaign.flow.ids().values())
    report = f"seed {seed}: {campaign.kills} kills; {states}; taken n times: {dict(taken)}"
    print(report)  # noqa: T201  # the report of a long night
    assert [] == campaign.wrong
    assert State.PENDING not in found

"""The harness finds what it is there to find: recorders and mutants that send twice or forget."""

import sys
from pathlib import Path
from random import Random

import pytest
from harness import naive
from harness.campaign import Campaign
from harness.judge import Judge
from harness.mutant import MUTATIONS

_MUTANT = Path(naive.__file__).with_name("mutant.py")
_ROWS = 160
# Which invariant notices it.
_FOUND_BY = {
    "arm_early": "I2",
    "forget_intents": "I1",
    "send_doubts_again": "I1",
    "lose_lead_ids": "I3",
    "count_ahead": "I5",
    "settle_in_memory": "I4",
}


def test_p4_the_harness_finds_the_doubles_of_a_naive_recorder(tmp_path: Path, calm: Judge) -> None:
    """A script that records a lead after its answer sends leads twice when it is killed.

    The checks of kills are tried on such a script, and find its doubles.
    """
    campaign = Campaign(
        tmp_path / "work",
        calm.new_flow(),
        command=(sys.executable, str(naive.__file__)),
        is_judged=False,
    )
    campaign.a_list(_ROWS)
    random = Random(7)
    for _ in range(4):
        campaign.kill_after_leads(random.randint(10, 25))
    ended = campaign.run()

    taken = campaign.flow.ids()
    assert (0, "") == (ended.status, ended.err)
    assert campaign.places.keys() == taken.keys()
    assert 0 < sum(len(lead_ids) > 1 for lead_ids in taken.values())


@pytest.mark.parametrize("name", MUTATIONS)
def test_p4_the_harness_finds_a_broken_promise(name: str, tmp_path: Path, calm: Judge) -> None:
    """The checks of kills are tried on versions with one promise broken, and find each."""
    campaign = Campaign(
        tmp_path / "work",
        calm.new_flow(),
        command=(sys.executable, str(_MUTANT), name, "submit"),
    )
    campaign.a_list(_ROWS)
    for nth in (20, 40):
        campaign.kill_after_leads(nth)
    campaign.until_done()

    assert _FOUND_BY[name] in {found[:2] for found in campaign.wrong}

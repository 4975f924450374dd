"""Pruning, and what comes after it: the server's own log is the judge."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from faultserver import fault_server
from harness import points
from harness.campaign import Campaign
from harness.child import Ended
from harness.judge import Judge
from harness.nursery import Nursery
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from submitting import Answerer, a_list, an_order, refusal, submitted, verdict

from bulkpost.clock import SystemClock
from bulkpost.ledger.decisions import open_for_decisions
from bulkpost.ledger.pruning import plan_prune, prune

ROWS = 40


def _prune(campaign: Campaign, fault: str = "") -> Ended:
    assert campaign.nursery is not None
    before = SystemClock().now_at().isoformat()
    argv = [sys.executable, "-m", "bulkpost", "prune", "--before", before, "-y"]
    argv += ["--ledger", str(campaign.ledger)]
    return campaign.nursery.run(argv, campaign.folder, {"BULKPOST_FAULT": fault} if fault else {})


@pytest.fixture(scope="module")
def done_with(
    tmp_path_factory: pytest.TempPathFactory, stormy: Judge, nursery: Nursery
) -> Campaign:
    """A list that was sent to its end, with some rows tried again and some in doubt."""
    folder = tmp_path_factory.mktemp("done") / "work"
    campaign = Campaign(folder, stormy.new_flow(), nursery=nursery)
    campaign.a_list(ROWS)
    campaign.until_done()
    return campaign


@pytest.mark.parametrize("point", ["commit.begin", *points.PRUNING, "close.checkpoint"])
def test_p5_dead_while_pruning(point: str, tmp_path: Path, done_with: Campaign) -> None:
    """A pruning that dies leaves a whole ledger: all of it done, or nothing.

    The next one finishes the work. Nothing of the list is sent again.
    """
    copytree(done_with.folder, tmp_path / "work")
    campaign = replace(done_with, folder=tmp_path / "work")
    before, leads = campaign.snapshot().outcomes, len(campaign.flow.leads())
    died = _prune(campaign, fault=point)
    half = campaign.snapshot()
    again, once_more = _prune(campaign), campaign.run()

    assert (137, 0) == (died.status, again.status), again.err
    for found in (half, campaign.snapshot()):
        assert "ok" == found.integrity
        assert {place: row.lead_id for place, row in before.items()} == {
            place: row.lead_id for place, row in found.outcomes.items()
        }
    assert "Nothing to prune." in _prune(campaign).out
    assert once_more.status in {0, 3, 5}, once_more.err
    assert leads == len(campaign.flow.leads())
    assert [] == campaign.wrong


_steps = st.lists(
    st.sampled_from(["submit", "re-sort", "append", "split", "prune", "prune", "key"]),
    min_size=3,
    max_size=7,
)


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(steps=_steps, seed=st.integers(0, 1_000))
async def test_after_any_pruning_no_list_is_sent_twice(steps: Sequence[str], seed: int) -> None:
    """Whatever is pruned when, every list of before sends what it would have sent without.

    Re-sorted, split, grown, and with another key as well. No row is sent twice.
    """
    kept = await _sent(steps, seed, is_pruning=False)
    pruned = await _sent([*steps, "prune"], seed, is_pruning=True)

    assert kept == pruned
    if "key" not in steps:
        assert {4: 2} == {row: count for row, count in pruned.items() if count > 1}


async def _sent(steps: Sequence[str], seed: int, *, is_pruning: bool) -> Counter[int]:
    """Do the steps, then submit every list once more; return how often each row was sent."""
    random = Random(seed)
    server = Answerer(
        {
            3: [verdict("failure", reason="no", lead={"id": "3" * 24})],
            4: [refusal(503), verdict(lead={"id": "4" * 24})],
            5: [refusal(500)],
        }
    )
    with TemporaryDirectory() as name:
        folder, rows, key = Path(name), 8, list[str]()
        ledger, lists = folder / "bulkpost.db", [a_list(folder, rows)]
        async with fault_server(server.script) as served:
            order = partial(an_order, served.url, ledger=ledger)
            await submitted(order(lists[0]))
            for number, step in enumerate(steps):
                if step == "prune":
                    if is_pruning:
                        await _prune_all(ledger)
                    continue
                rows += 3 * (step == "append")
                if step == "key":
                    key = [] if key else ["row"]
                if step in {"re-sort", "split", "append"}:
                    lists.append(a_list(folder, _rows(step, rows, random), f"{number}.csv"))
                await submitted(order(random.choice(lists), key=key))
            for path in lists:
                await submitted(order(path, key=key))
    return Counter(server.counts)


def _rows(step: str, rows: int, random: Random) -> list[int]:
    numbers = list(range(1 + (rows // 2) * (step == "split"), rows + 1))
    if step == "re-sort":
        random.shuffle(numbers)
    return numbers


async def _prune_all(ledger_path: Path) -> None:
    clock = SystemClock()
    async with open_for_decisions(ledger_path, "prune", clock) as ledger:
        now_ms = int(clock.now_at().timestamp() * 1000) + 1
        await prune(ledger, await plan_prune(ledger.reader, ledger.paths, now_ms), now_ms)

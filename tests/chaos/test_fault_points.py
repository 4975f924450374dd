"""Death and failure at every named place of the code: the sandbox's log is the judge."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness import points
from harness.campaign import Campaign
from harness.child import Ended
from harness.judge import Judge
from harness.nursery import Nursery

from bulkpost.faultpoint import NAMES
from bulkpost.ledger.states import State
from bulkpost.reporting.verdicts import Part

ROWS = 40
_TESTED = (*points.SUBMITTING, *points.RECOVERING, *points.RESCUING)
# One row in doubt; and a log that the next run copies into the database.
_GOES_ON = {"sent", "close.checkpoint"}


@pytest.fixture
def listed(tmp_path: Path, stormy: Judge, nursery: Nursery) -> Campaign:
    """A list on its way to a sandbox that refuses and breaks connections now and then."""
    campaign = Campaign(tmp_path / "work", stormy.new_flow(), nursery=nursery)
    campaign.a_list(ROWS)
    return campaign


def _prepared(campaign: Campaign, point: str) -> str:
    """Bring a list to where the next run comes by a point; return the fault that takes it there."""
    if point in points.RECOVERING:
        assert 137 == campaign.run(fault="armed:5").status
    elif point == "rescue.save":
        return points.BROKEN_DISK.format(8) + ","
    elif point in points.RESCUING:
        assert 1 == campaign.run(fault=points.BROKEN_DISK.format(8)).status
    return ""


@pytest.mark.parametrize("point", _TESTED)
def test_p5_dead_at_a_fault_point_no_lead_goes_out_twice(point: str, listed: Campaign) -> None:
    """Wherever the process dies, the next run goes on: no lead is sent twice, none is forgotten.

    At the first pass of the point, and at a later one if the next run comes to it.
    """
    way = _prepared(listed, point)
    deaths = [listed.run(fault=f"{way}{point}:{nth}").status for nth in (1, 7)]
    listed.until_done()

    assert 137 == deaths[0]
    assert [] == listed.wrong


@pytest.mark.parametrize("point", [*points.UNDER_WAY, *points.RECOVERING, *points.RESCUING])
def test_p10_an_error_at_a_fault_point_ends_the_run_and_loses_nothing(
    point: str, listed: Campaign
) -> None:
    """Whatever fails inside a run, it ends by itself, records what came back, and can go on."""
    way = _prepared(listed, point)
    ended = listed.run(fault=f"{way}{point}:1:raise")
    listed.ask()
    listed.until_done()

    assert (ended.status in {0, 5}) is (point in _GOES_ON), ended.err
    assert ended.status in {0, 1, 5}, ended.err
    assert "Traceback" not in ended.err
    assert [] == listed.wrong


def test_p5_every_fault_point_is_gone_through() -> None:
    """Each named place is one at which some process is made to die."""
    assert sorted(NAMES) == sorted(
        {*_TESTED, *points.MIGRATING, *points.EXPORTING, *points.PRUNING}
    )


def _export(campaign: Campaign, target: Path, fault: str = "", words: Sequence[str] = ()) -> Ended:
    assert campaign.nursery is not None
    argv = [sys.executable, "-m", "bulkpost", "export", str(target), *words]
    argv += ["--ledger", str(campaign.ledger)]
    env = {"BULKPOST_FAULT": fault} if fault else {}
    return campaign.nursery.run(argv, campaign.folder, env)


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "forced"])
@pytest.mark.parametrize("point", points.EXPORTING)
def test_crash_point_17_writing_results(point: str, is_there: bool, listed: Campaign) -> None:  # noqa: FBT001  # a parameter of the test
    """Results are whole or not there; older ones stay as they are until the new ones are whole.

    An older file never stands beside a newer one, even if some are missing then. What a killed
    export left is removed by the next one of the same name.
    """
    listed.until_done()
    target, words = listed.folder.parent / "out", ["--force"] * is_there
    target.mkdir()
    old = {f"leads-{part}.csv": "old" for part in Part} if is_there else {}
    for name, text in old.items():
        (target / name).write_text(text)
    died = _export(listed, target, fault=point, words=words)
    names = sorted(path.name for path in target.iterdir())
    seen = {name: (target / name).read_text() for name in names if not name.startswith(".")}
    again = _export(listed, target, words=[*words, "--force"])

    assert 137 == died.status
    if point == "export.named":
        assert 1 == len(seen)
        assert "old" not in seen.values()
    else:
        assert old == seen
    assert {True} == {name.endswith((".part", ".old")) for name in names if name not in seen}
    assert 0 == again.status
    texts = [path.read_text() for path in target.iterdir()]
    assert (5, ROWS + 5) == (len(texts), sum(len(text.splitlines()) for text in texts))
    assert ROWS == sum(listed.snapshot().counts().values())
    assert State.PENDING not in listed.snapshot().counts()

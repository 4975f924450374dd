"""A report on a bad disk."""

import sys
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.child import Ended, run

_OLD = "what an earlier report said\n"


@pytest.fixture
def done(campaign: Campaign) -> Campaign:
    campaign.a_list(20)
    campaign.run()
    return campaign


def _report(campaign: Campaign, target: Path, *words: str, **env: str) -> Ended:
    argv = [sys.executable, "-m", "bulkpost", "report", str(target), *words]
    return run([*argv, "--ledger", str(campaign.ledger)], campaign.folder, env=list(env.items()))


def test_d17_a_report_that_finds_no_room_leaves_the_old_one(
    done: Campaign, tmp_path: Path, bad_disk: Path
) -> None:
    """On a full disk no report is written, an older one stays as it was: status 1."""
    target, flag = tmp_path / "report.html", tmp_path / "full"
    target.write_text(_OLD)
    flag.touch()
    full = {"FULL_WHILE": str(flag), "FULL_NAMES": "report.html."}
    failed = _report(done, target, "--force", LD_PRELOAD=str(bad_disk), **full)
    left = sorted(path.name for path in tmp_path.glob("*report*"))

    assert (1, True) == (failed.status, "could not be written" in failed.err)
    assert (["report.html"], _OLD) == (left, target.read_text())


def test_d17_a_report_that_is_there_is_kept(done: Campaign, tmp_path: Path) -> None:
    """A report does not write over a file unless it is told to: status 2."""
    target = tmp_path / "report.html"
    target.write_text(_OLD)
    refused = _report(done, target)

    assert (2, True, _OLD) == (refused.status, "--force" in refused.err, target.read_text())
    assert 0 == _report(done, target, "--force").status
    assert target.read_text("utf-8").startswith("<!doctype html>")

"""Results files on a bad disk, and under a real kill."""

import sys
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.child import Ended, run, running

_OLD = "what an earlier export wrote\n"


@pytest.fixture
def done(campaign: Campaign) -> Campaign:
    campaign.a_list(20)
    campaign.run()
    return campaign


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "results.csv"


def _argv(campaign: Campaign, target: Path, *words: str) -> list[str]:
    argv = [sys.executable, "-m", "bulkpost", "export", str(target), *words]
    return [*argv, "--ledger", str(campaign.ledger)]


def _export(campaign: Campaign, target: Path, *words: str, **env: str) -> Ended:
    return run(_argv(campaign, target, *words), campaign.folder, env=list(env.items()))


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "forced"])
def test_d17_a_results_file_that_finds_no_room_leaves_the_old_one(
    is_there: bool,  # noqa: FBT001  # a parameter of the test
    done: Campaign,
    target: Path,
    bad_disk: Path,
) -> None:
    """On a full disk no results file is written, an older one stays as it was: status 1."""
    if is_there:
        target.write_text(_OLD)
    flag = target.parent.parent / "full"
    flag.touch()
    full = {"FULL_WHILE": str(flag), "FULL_NAMES": "results.csv"}
    failed = _export(done, target, "--force", LD_PRELOAD=str(bad_disk), **full)

    assert (1, True) == (failed.status, "the results could not be written" in failed.err)
    assert [target] * is_there == list(target.parent.iterdir())
    assert not is_there or target.read_text() == _OLD


def test_d17_a_results_file_that_is_there_is_kept(done: Campaign, target: Path) -> None:
    """An export does not write over a file unless it is told to: status 2."""
    target.write_text(_OLD)
    refused = _export(done, target)

    assert (2, True) == (refused.status, "--force" in refused.err)
    assert _OLD == target.read_text()
    assert 0 == _export(done, target, "--force").status
    assert 21 == len(target.read_text().splitlines())


def test_d17_a_folder_that_takes_no_files_is_told(done: Campaign) -> None:
    """An export into a folder that cannot be written ends with status 1 and says which file."""
    refused = _export(done, Path("/proc/results.csv"))

    assert (1, True) == (refused.status, "/proc/results.csv" in refused.err)
    assert "internal error" not in refused.err


def test_crash_point_17_a_results_file_under_a_real_kill(done: Campaign, target: Path) -> None:
    """A results file whose export is killed is not there, or the older one is: never half of it.

    What was half written stands under another name, and the next export takes it away.
    """
    long = done.a_list(30_000, "long.csv")
    done.options = ["--limit", "1"]
    done.run(long)
    target.write_text(_OLD)
    with running(_argv(done, target, "--force"), done.folder) as child:
        child.until(lambda: len(list(target.parent.iterdir())) > 1)
        killed = child.kill()
    left = [path.name for path in target.parent.iterdir() if path != target]

    assert (-9, _OLD) == (killed.status, target.read_text())
    assert [True] == [name.endswith(".part") for name in left]
    assert 0 == _export(done, target, "--force").status
    assert [target] == list(target.parent.iterdir())
    assert 30_001 == len(target.read_text().splitlines())

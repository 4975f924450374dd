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
    """A folder for results."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _argv(campaign: Campaign, target: Path, *words: str) -> list[str]:
    argv = [sys.executable, "-m", "bulkpost", "export", str(target), *words]
    return [*argv, "--ledger", str(campaign.ledger)]


def _export(campaign: Campaign, target: Path, *words: str, **env: str) -> Ended:
    return run(_argv(campaign, target, *words), campaign.folder, env=list(env.items()))


def _texts(target: Path) -> dict[str, str]:
    return {path.name: path.read_text("latin-1") for path in target.iterdir()}


def _lines(target: Path) -> int:
    return sum(len(text.splitlines()) for text in _texts(target).values())


@pytest.mark.parametrize(
    ("form", "is_there"), [("csv", False), ("csv", True), ("parquet", True), ("excel", True)]
)
def test_d17_results_that_find_no_room_leave_the_old_ones(
    form: str,
    is_there: bool,  # noqa: FBT001  # a parameter of the test
    done: Campaign,
    target: Path,
    bad_disk: Path,
) -> None:
    """On a full disk no results are written, older ones stay as they were: status 1."""
    before = {}
    if is_there:
        assert 0 == _export(done, target, "--format", form).status
        before = _texts(target)
    flag = target.parent / "full"
    flag.touch()
    full = {"FULL_WHILE": str(flag), "FULL_NAMES": "leads-success."}
    words = ("--force", "--format", form)
    failed = _export(done, target, *words, LD_PRELOAD=str(bad_disk), **full)

    assert (1, True) == (failed.status, "the results could not be written" in failed.err)
    assert before == _texts(target)


def test_d17_results_that_are_there_are_kept(done: Campaign, target: Path) -> None:
    """An export does not write over a file unless it is told to: status 2."""
    there = target / "leads-failure.csv"
    there.write_text(_OLD)
    refused = _export(done, target)

    assert (2, True) == (refused.status, "--force" in refused.err)
    assert {there.name: _OLD} == _texts(target)
    assert 0 == _export(done, target, "--force").status
    assert 5 + 20 == _lines(target)


def test_d17_a_folder_that_takes_no_files_is_told(done: Campaign) -> None:
    """An export into a folder that cannot be written ends with status 1 and says which."""
    for place in ("/proc", "/proc/out"):
        refused = _export(done, Path(place))

        assert (1, True) == (refused.status, place in refused.err)
        assert "internal error" not in refused.err


def test_crash_point_17_results_under_a_real_kill(done: Campaign, target: Path) -> None:
    """Results whose export is killed are not there, or the older ones are: never half of them.

    What was half written stands under other names, and the next export takes it away.
    """
    long = done.a_list(30_000, "long.csv")
    done.options = ["--limit", "1"]
    done.run(long)
    old = target / "long-success.csv"
    old.write_text(_OLD)
    with running(_argv(done, target, "--force"), done.folder) as child:
        child.until(lambda: len(list(target.iterdir())) > 1)
        killed = child.kill()
    left = [path.name for path in target.iterdir() if path != old]

    assert (-9, _OLD) == (killed.status, old.read_text())
    assert {True} == {name.endswith(".part") for name in left}
    assert 0 == _export(done, target, "--force").status
    assert 5 == len(list(target.iterdir()))
    assert 5 + 30_000 == _lines(target)

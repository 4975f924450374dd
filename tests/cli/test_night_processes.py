"""What a real process leaves behind that is stopped, killed or broken."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.campaign import Campaign
from harness.judge import Judge, running_judge


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A sandbox that takes its time."""
    with running_judge(
        tmp_path_factory.mktemp("slow") / "taken.jsonl", ["--latency", "60ms"]
    ) as it:
        yield it


@pytest.fixture
def campaign(tmp_path: Path, slow: Judge) -> Campaign:
    """A list on its way, with a summary and metrics."""
    campaign = Campaign(tmp_path / "work", slow.new_flow(), concurrency=2)
    campaign.options = ["--summary-json", "run.json", "--metrics", "run.prom"]
    campaign.a_list(60)
    return campaign


def summary(campaign: Campaign) -> dict[str, Any]:
    document = json.loads((campaign.folder / "run.json").read_bytes())
    assert isinstance(document, dict)
    return document


def test_a_command_that_is_interrupted_says_so(campaign: Campaign) -> None:
    """Ctrl-C in the middle of a run: status 130, what was sent, and that the rest is left."""
    with campaign.start() as child:
        assert child.until(lambda: len(campaign.flow.leads()) >= 4)
        child.send(signal.SIGINT)
        ended = child.wait()

    told = summary(campaign)
    assert (130, 130, "sigint") == (ended.status, told["exit_status"], told["state"])
    assert (len(campaign.flow.leads()), 60) == (told["sent"], told["sent"] + told["unsent"])
    assert ["SIGINT received"] == told["stopped_because"]
    assert "bulkpost_exit_status" in (campaign.folder / "run.prom").read_text()


def test_a_command_that_was_killed_says_that_it_runs(campaign: Campaign) -> None:
    """Nobody writes after SIGKILL: yesterday's summary is gone all the same, no metric is new."""
    (campaign.folder / "run.json").write_text('{"message_type":"command","state":"done"}')
    campaign.kill_after_leads(3)

    told = summary(campaign)
    assert ("running", None, None) == tuple(
        told[name] for name in ("state", "exit_status", "ended_at")
    )
    assert not (campaign.folder / "run.prom").exists()


def test_a_mistake_of_ours_is_told(campaign: Campaign) -> None:
    """Status 1, with where it happened, and what had been sent until then."""
    ended = campaign.run(fault="feed.batch:1:raise")

    told = summary(campaign)
    assert (1, 1, "internal") == (ended.status, told["exit_status"], told["state"])
    assert told["error"].startswith("internal error OSError at ")
    assert [1] == [run["run"] for run in told["runs"]]
    assert 60 == told["unsent"]

"""What a command leaves behind for whoever was not there, however it ended."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Finished
from prometheus_client.parser import text_string_to_metric_families
from submitting import a_list

from bulkpost.cli.main import main
from bulkpost.ledger.lock import LedgerLock

ROWS = 3
Submit = Callable[..., Finished]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a short list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    a_list(tmp_path, ROWS)
    return tmp_path


@pytest.fixture
def submit(folder: Path, capsys: pytest.CaptureFixture[str]) -> Submit:
    """Submit a list to the embedded sandbox."""

    def run(*words: str, name: str = "leads.csv") -> Finished:
        with pytest.raises(SystemExit) as ended:
            main(["submit", str(folder / name), "--sandbox", *words])
        out, err = capsys.readouterr()
        return Finished(int(str(ended.value.code)), out, err)

    return run


@pytest.fixture
def busy(folder: Path) -> Iterator[None]:
    """Another process works with the ledger."""
    lock = LedgerLock(folder / "bulkpost-sandbox.db.lock").acquire("another", "now")
    yield
    lock.release()


def summary(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "run.json").read_bytes())
    assert isinstance(document, dict)
    return document


def metrics(path: Path) -> dict[str, float]:
    """Read a file of metrics as Prometheus would; outcomes by their name."""
    return {
        sample.labels.get("outcome") or sample.name.removeprefix("bulkpost_"): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_a_summary_says_what_became_of_the_command(submit: Submit, folder: Path) -> None:
    """Status, times, counts, price and each run, in one document that its owner alone can read."""
    done = submit("--summary-json", "run.json")
    told = summary(folder)

    assert (0, 0, "done") == (done.status, told["exit_status"], told["state"])
    assert (ROWS, ROWS, 0, 0) == (
        told["counts"]["success"],
        *(told[name] for name in ("sent", "unsent", "in_doubt")),
    )
    assert (None, [], [1]) == (
        told["error"],
        told["stopped_because"],
        [run["run"] for run in told["runs"]],
    )
    assert told["started_at"] < told["ended_at"]
    assert 0o600 == stat.S_IMODE((folder / "run.json").stat().st_mode)
    assert [] == list(folder.glob(".*.part"))


def _damaged(folder: Path) -> None:
    (folder / "bulkpost-sandbox.db").write_text("no ledger, but long enough to have a header" * 9)


@pytest.mark.parametrize(
    ("words", "status", "state", "error"),
    [
        pytest.param(["--expect-new", "9.."], 4, "stopped", "3 rows are new", id="guard"),
        pytest.param(["--max-submit", "1"], 4, "stopped", None, id="ceiling"),
        pytest.param(["--limit", "1"], 6, "resumable", None, id="portion"),
        pytest.param(["--until", "late"], 2, "usage", "no time of day", id="bound"),
        pytest.param(["--config", "none.toml"], 2, "usage", "cannot be read", id="config"),
        pytest.param(["--rate", "fast"], 2, "usage", "fast", id="setting"),
        pytest.param(["--notify", "ftp://x"], 2, "usage", "neither https", id="webhook"),
        pytest.param(["--metrics", "no/m.prom"], 2, "usage", "does not exist", id="other-target"),
        pytest.param(["--sandbox-config", "odd.toml"], 5, "in_doubt", None, id="doubts"),
    ],
)
def test_however_it_ends_the_summary_says_so(  # noqa: PLR0917  # parameters of the test
    words: list[str], status: int, state: str, error: str | None, submit: Submit, folder: Path
) -> None:
    """With the command's own status, and the words that a person would have seen."""
    (folder / "odd.toml").write_text('[[faults]]\nkind = "close_after"\n')
    (folder / "run.json").write_bytes(b'{"message_type":"command","of":"yesterday"}')

    done = submit(*words, "--summary-json", "run.json")
    told = summary(folder)

    assert (status, status, state) == (done.status, told["exit_status"], told["state"]), done.err
    assert (error or "") in (told["error"] or "")
    assert (told["error"] is None) is (error is None)


@pytest.mark.usefixtures("busy")
def test_a_ledger_in_use_is_told(submit: Submit, folder: Path) -> None:
    """Status 7, by whom it is used, and no runs: those are another's."""
    assert 7 == submit("--summary-json", "run.json", "--metrics", "m.prom").status

    told = summary(folder)
    assert ("ledger", [], None) == (told["state"], told["runs"], told["unsent"])
    assert "in use by process" in told["error"]
    assert 7 == metrics(folder / "m.prom")["exit_status"]


def test_a_ledger_that_cannot_be_read_is_told(submit: Submit, folder: Path) -> None:
    """What only it could say is left out."""
    _damaged(folder)

    assert 7 == submit("--summary-json", "run.json", "--metrics", "m.prom").status

    assert (None, "ledger") == (summary(folder)["in_doubt"], summary(folder)["state"])
    found = metrics(folder / "m.prom")
    assert {"last_run_timestamp_seconds", "exit_status", "duration_seconds"} == set(found)


def test_metrics_say_what_became_of_the_command(submit: Submit, folder: Path) -> None:
    """Prometheus reads them, and node-exporter may: whatever the umask."""
    assert 0 == submit("--metrics", "m.prom").status

    found = metrics(folder / "m.prom")
    assert (ROWS, 0, 0) == tuple(found[name] for name in ("success", "failure", "in_doubt_rows"))
    assert (0, 0) == (found["exit_status"], found["unsent_rows"])
    assert found["last_success_timestamp_seconds"] == found["last_run_timestamp_seconds"] > 1.7e9
    assert 0o644 == stat.S_IMODE((folder / "m.prom").stat().st_mode)


@pytest.mark.parametrize("known_by", ["file", "ledger"])
def test_a_failure_leaves_the_time_of_the_last_success(
    known_by: str, submit: Submit, folder: Path
) -> None:
    """It stays what it was; the former file or the ledger knows it."""
    submit("--metrics", "m.prom")
    before = metrics(folder / "m.prom")["last_success_timestamp_seconds"]
    if known_by == "ledger":
        (folder / "m.prom").unlink()

    assert 4 == submit("--metrics", "m.prom", "--expect-new", "1..").status

    found = metrics(folder / "m.prom")
    assert before == pytest.approx(found["last_success_timestamp_seconds"], abs=5)
    assert (known_by == "file") is (before == found["last_success_timestamp_seconds"])
    assert 4 == found["exit_status"]


def test_who_never_succeeded_says_nothing_of_it(submit: Submit, folder: Path) -> None:
    """No time is better than 1970."""
    submit("--metrics", "m.prom", "--expect-new", "9..")

    assert "last_success_timestamp_seconds" not in metrics(folder / "m.prom")


@pytest.mark.parametrize("option", ["--summary-json", "--metrics"])
@pytest.mark.parametrize("name", ["leads.csv", "link", "bulkpost-sandbox.db", "bulkpost.toml"])
def test_nothing_else_is_replaced(option: str, name: str, submit: Submit, folder: Path) -> None:
    """A list, a config or a ledger named by a slip stays as it is, and nothing is sent.

    Not even where the command fails for another reason before it looks at its files.
    """
    (folder / "link").symlink_to("target")
    (folder / "bulkpost.toml").write_text('rate = "5/s"\n')
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    done = submit(option, name)
    refused = submit(option, name, "--config", "none.toml")

    assert (2, 2) == (done.status, refused.status)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_config_and_the_environment_say_the_same(
    submit: Submit, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag wins over the environment, that over the config."""
    (folder / "bulkpost.toml").write_text(
        '[night]\nsummary_json = "run.json"\nmetrics = "config.prom"\nmax_submit = 2\n'
    )
    monkeypatch.setenv("BULKPOST_METRICS", "env.prom")
    monkeypatch.setenv("BULKPOST_EXPECT_NEW", "9..")

    refused = submit()
    stopped = submit("--expect-new", "1..", "--metrics", "flag.prom")

    assert (4, 4) == (refused.status, stopped.status)
    assert "--max-submit 2 is reached" in summary(folder)["stopped_because"][0]
    assert ["env.prom", "flag.prom"] == sorted(path.name for path in folder.glob("*.prom"))


def test_what_failed_before_is_not_what_runs_now(submit: Submit, folder: Path) -> None:
    """Two commands with one file: the second tells of its own runs only."""
    submit("--limit", "1", "--summary-json", "run.json")
    submit("--summary-json", "run.json")

    assert ([2], 2) == ([run["run"] for run in summary(folder)["runs"]], summary(folder)["sent"])


def test_feedback_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under its own name; a look sends nothing and leaves nothing behind."""
    (folder / "returns.csv").write_text("event_id,reason\nnone,bad number\n")
    words = ["feedback", "returns.csv", "--type", "return", "--sandbox"]
    words += ["--summary-json", "run.json", "--metrics", "m.prom"]
    statuses, were_there = [], []
    for more in (["--check"], []):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        statuses.append(ended.value.code)
        were_there.append((folder / "run.json").exists())
    capsys.readouterr()

    assert ([3, 3], [False, True]) == (statuses, were_there)
    assert ("feedback", 1) == (summary(folder)["command"], summary(folder)["counts"]["invalid"])
    assert 'command="feedback"' in (folder / "m.prom").read_text()

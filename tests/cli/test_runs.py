import re
from pathlib import Path

import pytest
from commands import Commands

from bulkpost.cli.main import main
from bulkpost.cli.runs import STATES
from bulkpost.reporting.history import RUN_STATES


def test_runs_are_listed_with_their_ends_and_counts(bulkpost: Commands) -> None:
    """The newest first; the ids of the destination are masked."""
    done = bulkpost("runs")

    assert 0 == done.status
    rows = [line.split()[:2] for line in done.out.splitlines() if "submit" in line]
    assert [["2", "submit"], ["1", "submit"]] == rows
    assert "died" in done.out
    assert "drained" in done.out
    assert "5f3a…00aa" in done.out
    assert "5f3a1c0000000000000000aa" not in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


def test_json_is_one_document(bulkpost: Commands) -> None:
    """Everything of the table, as values; ``--limit`` keeps the newest."""
    document = bulkpost("runs", "--json", "--limit", "1").document

    assert "runs" == document["message_type"]
    (run,) = document["runs"]
    assert (2, "died", {"success": 1}) == (run["run"], run["ending"], run["counts"])


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ((), [2, 1]),
        (("--state", "died"), [2]),
        (("--state", "drained", "--state", "died"), [2, 1]),
        (("--state", "finished"), []),
        (("--since", "1h"), [2, 1]),
        (("--since", "2099-01-01"), []),
        (("--destination", "5F3A1C0000000000000000AA"), [2, 1]),
        (("--destination", "app.leadconduit.com", "--state", "drained", "--since", "1h"), [1]),
        (("--destination", "elsewhere"), []),
    ],
)
def test_runs_are_chosen(words: tuple[str, ...], runs: list[int], bulkpost: Commands) -> None:
    """By destination, time and state, all at once; as a table and as JSON."""
    document = bulkpost("runs", *words, "--json").document
    shown = bulkpost("runs", *words)

    assert runs == [run["run"] for run in document["runs"]]
    assert ("No such run." in shown.err) == (not runs)


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--state", "ended"), "'running', 'finished'"), (("--since", "soon"), "--since is a date")],
)
def test_a_choice_that_means_nothing_is_refused(
    words: tuple[str, ...], told: str, bulkpost: Commands
) -> None:
    """With the words that would do."""
    done = bulkpost("runs", *words)

    assert (2, "") == (done.status, done.out)
    assert told in done.err


def test_the_help_names_every_state(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that the ledger writes down, and the two of a run without an end."""
    with pytest.raises(SystemExit):
        main(["runs", "--help"])

    told = capsys.readouterr().out.partition("States:")[2]
    named = re.findall(r"^ +([a-z]+)  +\w", told, re.MULTILINE)
    assert list(RUN_STATES) == named[: len(RUN_STATES)]
    assert sorted(RUN_STATES) == sorted(STATES)


def test_a_missing_ledger_is_not_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking changes nothing; the status says that the ledger is the matter."""
    before = sorted(folder.iterdir())

    done = Commands(capsys, "typo.db")("runs", "--json")

    assert (7, "error") == (done.status, done.document["message_type"])
    assert before == sorted(folder.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        *(("runs",), ("show",), ("report",), ("export",), ("verify",), ("doubt",)),
        *(("doubt", "list"), ("doubt", "resolve"), ("doubt", "resend")),
    ],
)
def test_each_help_ends_with_the_exit_statuses(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever writes a script finds them where the options are."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])

    shown = capsys.readouterr().out
    assert 0 == ended.value.code
    assert "Exit status:" in shown
    assert shown.strip().splitlines()[-1].strip().startswith("7 ")


def test_a_wrong_variable_is_named_as_the_variable_that_it_is(
    bulkpost: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the message looks for the value where it was set."""
    monkeypatch.setenv("BULKPOST_LOG_FORMAT", "xml")
    done = bulkpost("runs")

    assert 2 == done.status
    assert "Invalid value for BULKPOST_LOG_FORMAT" in done.err

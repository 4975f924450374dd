from pathlib import Path

import pytest
from commands import Commands

from bulkpost.cli.main import main


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


def test_a_missing_ledger_is_not_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking changes nothing; the status says that the ledger is the matter."""
    before = sorted(folder.iterdir())

    done = Commands(capsys, "typo.db")("runs", "--json")

    assert (7, "error") == (done.status, done.document["message_type"])
    assert before == sorted(folder.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        *(("runs",), ("show",), ("export",), ("verify",), ("doubt",)),
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

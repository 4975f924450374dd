"""``bulkpost feedback`` and the commands that look at its runs and decide about them."""

import csv
from pathlib import Path

import click
import pytest
from commands import Commands
from faultserver import closed_port
from feedback_lists import event_id_of, feedback_list
from terminals import a_terminal

from bulkpost.cli.feedback import feedback as feedback_command

SAMPLE = Path(__file__).parents[2] / "sample_data" / "feedback.csv"
LEAD_ID = "5f3e0000000000000000abcd"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in which nothing was sent yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def bulkpost(folder: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Run commands on a ledger of the folder."""
    return Commands(capsys, str(folder / "bulkpost.db"))


@pytest.fixture
def doubtful(folder: Path) -> tuple[str, ...]:
    """A list of five rows, of which the third gets no answer and the fourth is forbidden."""
    config = folder / "sandbox.toml"
    config.write_text(
        f'[feedback]\nevents = "any"\nforbidden_events = ["{event_id_of(4)}"]\n'
        '[[faults]]\nkind = "close_after"\nburst = 1\nafter = 2\n'
    )
    path = feedback_list(folder, [*((row, "return", "-why") for row in range(1, 5)), ("x", "", "")])
    return (str(path), "--sandbox", "--sandbox-config", str(config), "--concurrency", "1")


def test_a_check_tells_the_plan_and_sends_nothing(bulkpost: Commands, folder: Path) -> None:
    """New, duplicate, invalid and in conflict; as text and as one document."""
    rows = [(1, "return", "a"), (1, "return", "a"), (1, "return", "b"), ("x", "return", "")]
    path = str(feedback_list(folder, rows))
    told = bulkpost("feedback", path, "--check")
    document = bulkpost("feedback", path, "--check", "--json").document

    assert 3 == told.status
    assert "to  https://app.leadconduit.com/feedback  (never used before)" in told.out
    assert "repeat feedback that is submitted already" in told.out
    assert {"new": 1, "duplicate": 1, "invalid": 1, "conflict": 1}.items() <= document[
        "plan"
    ].items()
    assert ["event_id", "type", "reason"] == [
        column["field"] for column in document["inputs"][0]["columns"]
    ]
    assert not (folder / "bulkpost.db").exists()


def test_a_key_is_refused(bulkpost: Commands, folder: Path) -> None:
    """Event and type are the key; another could pay for the same feedback twice."""
    done = bulkpost("feedback", str(feedback_list(folder, 1)), "--key", "event_id")

    assert 2 == done.status
    assert "--key is for leads: feedback is known by its event and its type" in done.err


def test_a_posting_url_takes_no_feedback(bulkpost: Commands, folder: Path) -> None:
    """It takes leads, and a lead for each return would be paid."""
    url = f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit"
    done = bulkpost("feedback", str(feedback_list(folder, 1)), "--url", url)

    assert 2 == done.status
    assert "the URL is not one that takes feedback" in done.err


async def test_the_first_live_feedback_asks_on_a_terminal(folder: Path) -> None:
    """It is billed, too; the default is no."""
    url = f"https://0.0.0.0:{closed_port()}/feedback"
    config = folder / "live.toml"
    config.write_text('allowed_hosts = ["0.0.0.0"]\n')
    words = ["feedback", str(feedback_list(folder, 3)), "--url", url, "--config", str(config)]
    async with a_terminal(words, folder) as (terminal, child):
        await terminal.until("Submit this feedback? [y/N]")
        terminal.type("\r")
        await terminal.rest()
        assert 0 == await child.wait()

    assert url in terminal.text
    assert "Nothing was sent." in terminal.text


def test_the_sample_fits_the_embedded_sandbox(bulkpost: Commands) -> None:
    """Where every event is known, what the list itself has wrong is all that is left."""
    assert 3 == bulkpost("feedback", str(SAMPLE), "--sandbox").status
    counts = bulkpost("show", "--json").document["counts"]

    expected = {"success": 32, "duplicate": 1, "conflict": 1, "invalid": 1, "http_error": 0}
    assert expected.items() <= counts.items()


def test_the_help_says_how_long_feedback_is_taken() -> None:
    """And by which id it goes."""
    told = " ".join(feedback_command.get_help(click.Context(feedback_command)).split())

    assert "LeadConduit keeps events for 90 days" in told
    assert "a recipient's returns may have a maximum age" in told
    assert "It is not the lead id that `bulkpost submit` keeps" in told


def test_runs_of_feedback_are_looked_at_and_decided_like_others(
    bulkpost: Commands, folder: Path, doubtful: tuple[str, ...]
) -> None:
    """runs, show, doubt list, doubt resolve, export and verify know them."""
    sent = bulkpost("feedback", *doubtful)
    assert 5 == sent.status
    assert "bulkpost doubt list" in sent.out

    (run,) = bulkpost("runs", "--json").document["runs"]
    assert ("feedback", "feedback", "http://sandbox/feedback") == (
        run["command"], run["kind"], run["destination"],
    )  # fmt: skip
    row = bulkpost("show", "1", "--row", "4")
    assert "409 Conflict: feedback is disabled or forbidden for this recipient" in row.out
    assert "event_id=…" in bulkpost("show", "--support").out
    (doubt,) = bulkpost("doubt", "list", "--json").document["rows"]
    assert "1:3" == doubt["row"]

    resolved = bulkpost("doubt", "resolve", "1:3", "--as", "success", "--lead-id", LEAD_ID)
    assert 0 == resolved.status
    assert LEAD_ID in bulkpost("show", "1", "--row", "3").out
    assert 0 == bulkpost("export", "1", "out").status
    with (folder / "out" / "feedback-success.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [event_id_of(row) for row in (1, 2, 3)] == [line["event_id"] for line in found]
    assert LEAD_ID == found[2]["bulkpost_lead_id"]
    assert 0 == bulkpost("verify").status


def test_rows_of_feedback_are_sent_again_when_you_say_so(
    bulkpost: Commands, folder: Path, doubtful: tuple[str, ...]
) -> None:
    """By doubt resend and retry; and what was not sent is a list again as it is exported."""
    bulkpost("feedback", *doubtful)
    assert 0 == bulkpost("doubt", "resend", "1:3", "-y", "--now").status
    path = doubtful[0]
    assert 3 == bulkpost("feedback", path, "--sandbox").status

    done = bulkpost("retry", "1", "--outcome", "http_error", "-y")
    assert 3 == done.status
    counts = bulkpost("show", "--json").document["input_counts"]
    assert {"success": 4, "invalid": 1, "http_error": 0}.items() <= counts.items()

    bulkpost("export", "1", "out")
    unsent = folder / "out" / "feedback-unsent.csv"
    unsent.write_text(unsent.read_text().replace("x,", f"{event_id_of(5)},return", 1))
    mended = bulkpost("feedback", str(unsent), "--sandbox")
    assert 0 == mended.status, mended.err
    assert 1 == bulkpost("show", "--json").document["counts"]["success"]


def test_the_next_command_of_feedback_is_complete(bulkpost: Commands, folder: Path) -> None:
    """A run that stopped at a limit names how to go on, with what the rows need."""
    path = feedback_list(folder, [(1,), (2,)], header=["Event"])
    words = ("--sandbox", "--event-id-column", "Event", "--type", "conversion", "--limit", "1")
    assert 6 == bulkpost("feedback", str(path), *words).status
    told = bulkpost("show", "--json").document

    assert (
        f"bulkpost feedback {path} --type conversion --event-id-column Event --sandbox"
        in told["next_command"]
    )

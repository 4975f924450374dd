import re

import pytest
from commands import Commands
from past_runs import DESTINATION


def test_a_run_is_shown_in_full(bulkpost: Commands) -> None:
    """Facts, counts, reasons, and the command that comes next."""
    done = bulkpost("show", "1")

    assert 0 == done.status
    for words in ("leads.csv", DESTINATION, "drained", "duplicate", "exit status  130"):
        assert words in done.out.replace("\n             ", "")
    assert "Next:  bulkpost doubt list --ledger" in done.out.splitlines()[-1]


def test_without_a_number_the_latest_run_is_shown(bulkpost: Commands) -> None:
    """The one that a person has just seen end."""
    document = bulkpost("show", "--json").document

    assert ("run", 2) == (document["message_type"], document["run"])
    assert (4, 1, 2) == (
        document["input_counts"]["success"] + 1,
        document["counts"]["success"],
        document["input_counts"]["pending"],
    )
    assert document["next_command"].startswith("bulkpost doubt list")


def test_a_run_that_died_is_shown_as_such(bulkpost: Commands) -> None:
    """In the title, in JSON, and with what it left under way."""
    done = bulkpost("show", "2")
    document = bulkpost("show", "2", "--json").document

    title = done.out.partition("Run 2  submit")[2].partition("this run")[0]
    assert "".join(title.split()).endswith("leads.csv:died")
    assert re.search(r"^left in flight +1 ", done.out, re.MULTILINE)
    assert ("died", 1) == (document["ending"], document["doubts_of_run"])
    assert ["1:8"] == [doubt["row"] for doubt in document["doubts"]]


def test_a_run_is_shown_as_the_report_is(bulkpost: Commands) -> None:
    """Reasons with their prices, how it went, what to do, and the runs before it."""
    document = bulkpost("show", "2", "--json").document
    first = bulkpost("show", "1", "--json").document

    assert {"success": "3.00", "failure": "0.00"} | first["prices"] == first["prices"] | {
        "failure": "0.00"
    }
    reasons = {entry["reason"]: entry for entry in first["ranked_reasons"]}
    assert ("3.00", 2) == (
        reasons["no reason given"]["price"],
        reasons["no reason given"]["count"],
    )
    assert {"p50_ms": 120, "p95_ms": 120, "p99_ms": 120} == first["course"]["latency"]
    assert 1 == first["course"]["server_errors"]
    assert [] == first["earlier_runs"]
    assert [(1, "drained")] == [(run["run"], run["ending"]) for run in document["earlier_runs"]]


def test_a_row_is_shown_with_its_evidence(bulkpost: Commands) -> None:
    """Request and answer stand ready to be sent to support, without a value of the lead."""
    done = bulkpost("show", "1", "--row", "4")

    assert f"POST {DESTINATION} HTTP/1.1" in done.out
    assert "first_name=…&email=…" in done.out
    assert "HTTP/1.1 500 Internal Server Error" in done.out
    assert "Ada4" not in done.out


@pytest.mark.parametrize(
    ("row", "state"),
    [("1", "success"), ("5", "in doubt"), ("8", "in doubt"), ("10", "pending"), ("6", "invalid")],
)
def test_every_row_has_a_state(row: str, state: str, bulkpost: Commands) -> None:
    """Of a run that died, too."""
    assert state == bulkpost("show", "--row", row, "--json").document["state"]


def test_lead_ids_are_whole(bulkpost: Commands) -> None:
    """A lead id is what LeadConduit finds a lead by."""
    assert "d" * 24 in bulkpost("show", "1", "--row", "5").out


def test_support_gets_each_kind_once(bulkpost: Commands) -> None:
    """The kinds of http_error of a run, or a word that there are none."""
    done = bulkpost("show", "1", "--support")
    none = bulkpost("show", "2", "--support")

    assert "1 row of run 1: status 500, HTTP 500: we are sorry" in done.out
    assert re.search(r"The first is row 4, at \d{4}-\d\d-\d\dT", done.out)
    assert ("", "Run 2 has no http_error.\n") == (none.out, none.err)


@pytest.mark.parametrize(
    "words", [("9",), ("0",), ("x",), ("1", "--row", "11"), ("--row", "1", "--support")]
)
def test_what_is_not_there_is_a_usage_error(words: tuple[str, ...], bulkpost: Commands) -> None:
    """No such run, no such row, or two things at once."""
    done = bulkpost("show", *words)

    assert (2, "") == (done.status, done.out)
    assert done.err.startswith("bulkpost: ")

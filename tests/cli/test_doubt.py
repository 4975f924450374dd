import getpass
import io
from pathlib import Path

import pytest
from commands import Commands

from bulkpost.cli.options import Output


def test_doubts_are_listed_with_what_helps_to_decide(bulkpost: Commands) -> None:
    """Name, run, reason, salvaged lead id, reference; a dead run's rows, too."""
    done = bulkpost("doubt", "list")
    document = bulkpost("doubt", "list", "--json").document

    assert 0 == done.status
    assert "d" * 24 in done.out
    assert "sent with a reference in ref_id" in done.out
    assert ["1:5", "1:8"] == [row["row"] for row in document["rows"]]
    assert "the run ended before an answer was recorded" == document["rows"][1]["reason"]
    assert "bulkpost doubt resolve 1:5 --as success" in done.err


def test_whoever_can_ask_leadconduit_is_told_so(
    bulkpost: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a reference or a lead id is known; without a key, whose key it takes."""
    without = bulkpost("doubt", "list").err
    config = folder / "bulkpost.toml"
    config.write_text("[api]\nkey_file = 'key'\n")
    with_file = bulkpost("doubt", "list").err
    config.unlink()
    monkeypatch.setenv("BULKPOST_API_KEY", "k")
    with_variable = bulkpost("doubt", "list").err
    by_hand = bulkpost("doubt", "list", "--run", "2").err

    for told in (without, with_file, with_variable):
        assert "bulkpost doubt reconcile" in told
    assert [True, False, False] == [
        "API key" in told for told in (without, with_file, with_variable)
    ]
    assert "--reference FIELD" in by_hand
    assert "reconcile" not in by_hand


def test_a_long_list_is_cut_and_says_so(bulkpost: Commands) -> None:
    """``--limit`` bounds the list, not the count."""
    done = bulkpost("doubt", "list", "--limit", "1")

    assert "1:8" not in done.out
    assert "1 more: --limit 2" in done.err
    assert 2 == bulkpost("doubt", "list", "--limit", "1", "--json").document["count"]


def test_a_resolved_row_is_settled_with_its_author(bulkpost: Commands) -> None:
    """The verdict, the id, and who said so."""
    lead_id = "AB" * 12
    done = bulkpost("doubt", "resolve", "5", "--as", "success", "--lead-id", lead_id)

    assert (0, "1 row resolved as success.\n") == (done.status, done.out)
    assert "Next:  bulkpost doubt list" in done.err
    row = bulkpost("show", "--row", "5", "--json").document
    assert ("success", lead_id.lower()) == (row["state"], row["lead_id"])
    (decision,) = row["resolutions"]
    assert ("manual", getpass.getuser()) == (decision["how"], decision["who"])


def test_when_no_doubt_is_left_the_next_command_submits(bulkpost: Commands) -> None:
    """The rows that were not received are sent by the same command as ever."""
    done = bulkpost("doubt", "resolve", "1:5", "1:8", "--as", "not-received")

    assert 0 == done.status
    assert "Next:  bulkpost submit " in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("1:1", "--as", "success"),
        ("2:5", "--as", "success"),
        ("5", "--as", "maybe"),
        ("5", "--as", "success", "--lead-id", "xyz"),
        ("5", "8", "--as", "success", "--lead-id", "a" * 24),
        ("5", "--as", "not-received", "--lead-id", "a" * 24),
        ("ada@example.com", "--as", "success"),
    ],
)
def test_a_wrong_resolution_changes_nothing(words: tuple[str, ...], bulkpost: Commands) -> None:
    """A row that is not in doubt, an id that is none, an id for several rows."""
    assert 2 == bulkpost("doubt", "resolve", *words).status
    assert 2 == bulkpost("doubt", "list", "--json").document["count"]


def test_without_a_terminal_resending_needs_y(bulkpost: Commands) -> None:
    """The words are plain: paid twice."""
    done = bulkpost("doubt", "resend", "--all")

    assert 2 == done.status
    assert "paid twice" in done.err
    assert "add -y" in done.err


@pytest.mark.parametrize(("answer", "released"), [("n", 0), ("y", 2)])
def test_on_a_terminal_a_person_is_asked(
    answer: str, released: int, bulkpost: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question comes after the warning, and no is what happens without a yes."""
    monkeypatch.setattr(Output, "is_terminal", property(lambda _output: True))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))

    done = bulkpost("doubt", "resend", "--all", "--now")

    assert 0 == done.status
    assert "paid twice" in done.err
    assert 2 - released == bulkpost("doubt", "list", "--json").document["count"]


def test_young_rows_stay_in_doubt_and_the_status_says_so(bulkpost: Commands) -> None:
    """LeadConduit may take six minutes for a lead."""
    done = bulkpost("doubt", "resend", "--all", "-y")

    assert 5 == done.status
    assert "0 rows released" in done.out
    assert "2 rows left in doubt" in done.out


@pytest.mark.parametrize("hurry", [("--now",), ("--wait", "0ms")])
def test_rows_are_resent_at_once_on_demand(hurry: tuple[str, ...], bulkpost: Commands) -> None:
    """Of one run, or named; the rows wait for the next submit."""
    done = bulkpost("doubt", "resend", "--all", "--run", "1", "-y", *hurry)

    assert (0, True) == (done.status, "1 row released" in done.out)
    assert ["1:8"] == [row["row"] for row in bulkpost("doubt", "list", "--json").document["rows"]]
    document = bulkpost("doubt", "resend", "1:8", "-y", "--json", *hurry).document
    assert (1, 0) == (document["released"], document["held"])
    assert document["next_command"].startswith("bulkpost submit ")


@pytest.mark.parametrize(
    "words", [(), ("5", "--all"), ("5", "--run", "1"), ("5", "--wait", "soon"), ("1",)]
)
def test_a_wrong_resend_releases_nothing(words: tuple[str, ...], bulkpost: Commands) -> None:
    """Neither rows nor --all, both, an odd wait, a row that is not in doubt."""
    assert 2 == bulkpost("doubt", "resend", *words, "-y").status
    assert 2 == bulkpost("doubt", "list", "--json").document["count"]


def test_no_lead_data_reaches_the_ledger_or_the_screen(bulkpost: Commands, folder: Path) -> None:
    """After every command, no cell of the input is in the ledger's files or in what was printed."""
    printed = ""
    for words in (
        ("runs",),
        ("show", "1"),
        ("show", "--row", "4"),
        ("show", "1", "--support"),
        ("doubt", "list"),
        ("doubt", "resolve", "5", "--as", "failure", "--note", "a5@example.com 900000005"),
        ("doubt", "resend", "8", "-y", "--now"),
        ("export", "."),
        ("verify",),
    ):
        done = bulkpost(*words)
        assert 0 == done.status, (words, done.err)
        printed += done.out + done.err

    kept = b"".join(file.read_bytes() for file in folder.glob("bulkpost.db*"))
    for row in range(1, 11):
        for canary in (f"a{row}@example.com", str(900_000_000 + row)):
            assert canary not in printed
            assert canary.encode() not in kept


@pytest.mark.parametrize(
    "words", [("list", "--run", "77"), ("resend", "--all", "--run", "77", "-y")]
)
def test_a_run_that_is_not_there_is_no_run_without_doubts(
    bulkpost: Commands, words: tuple[str, ...]
) -> None:
    """A mistyped number must not read as "nothing is in doubt"."""
    done = bulkpost("doubt", *words)

    assert (2, "") == (done.status, done.out)
    assert "77" in done.err


def test_reconciling_without_a_key_says_where_one_comes_from(bulkpost: Commands) -> None:
    """As an error document, too; nothing is changed."""
    done = bulkpost("doubt", "reconcile")
    document = bulkpost("doubt", "reconcile", "--json").document

    assert 2 == done.status
    assert "BULKPOST_API_KEY" in done.err
    assert "BULKPOST_API_KEY" in document["advice"]
    assert 2 == bulkpost("doubt", "list", "--json").document["count"]


@pytest.mark.parametrize(
    "words",
    [("--settle", "soon"), ("--since", "yesterday"), ("--since", "9999999d"), ("--run", "9")],
)
def test_a_wrong_question_is_not_asked(words: tuple[str, ...], bulkpost: Commands) -> None:
    """An odd span, an odd time, a run that there is not."""
    assert 2 == bulkpost("doubt", "reconcile", *words).status


def test_reconciling_rows_that_nobody_can_find_says_so(bulkpost: Commands) -> None:
    """Without references nobody is asked, and no key is wanted."""
    done = bulkpost("doubt", "reconcile", "--run", "2")
    document = bulkpost("doubt", "reconcile", "--run", "2", "--json").document
    nothing = bulkpost("doubt", "reconcile", "--run", "2", "--since", "2100-01-01")

    assert (5, True) == (done.status, "0 rows resolved, 2 in doubt." in done.out)
    assert "--reference reference" in done.err
    assert ({"no_reference": 1}, 2) == (document["counts"], document["in_doubt_left"])
    assert ["1:8"] == [row["row"] for row in document["rows"]]
    assert "No row to ask about." in nothing.out

from pathlib import Path

import anyio
import pytest
from commands import Commands
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.clock import SystemClock
from bulkpost.outcome import Outcome, OutcomeKind

K = OutcomeKind


@pytest.fixture
def old(folder: Path) -> Path:
    """A list that is done with beside the one of ``folder``, which is not."""
    waits = [Outcome(K.DEFERRED, "HTTP 503", 503)]
    endings = [
        ok(1),
        Ending(2, Outcome(K.SUCCESS, None, 201, "2" * 24, 1_500_000), waits=waits),
        ended(3, K.FAILURE, "no buyer", 201),
        ended(4, K.HTTP_ERROR, "HTTP 500: we are sorry", 500),
    ]
    source = leads_csv(folder / "old.csv", 4)
    anyio.run(make_past, folder / "bulkpost.db", source, Past(endings, exit_status=3))
    return folder


def now() -> str:
    return SystemClock().now_at().isoformat()


def test_it_says_first_what_would_go(old: Path, bulkpost: Commands) -> None:
    """Per list, with counts and bytes; a dry run removes nothing, and neither does nobody's yes."""
    before = (old / "bulkpost.db").read_bytes()

    dry = bulkpost("prune", "--before", now(), "--dry-run")
    alone = bulkpost("prune", "--before", now())

    assert (0, 2) == (dry.status, alone.status)
    assert dry.out == alone.out
    assert "Of 1 list, about 0 KiB of the ledger can go:" in dry.out
    assert f"  2  {old / 'old.csv'}: 3 rows, 1 attempt; 1 open row kept in full" in dry.out
    assert "add -y" in alone.err
    assert before[:100] == (old / "bulkpost.db").read_bytes()[:100]
    assert "pruned" not in bulkpost("runs").out


def test_what_is_pruned_says_so_wherever_it_is_shown(old: Path, bulkpost: Commands) -> None:
    """The run, its rows and the list of runs; rows and prices add up as before."""
    before = bulkpost("show", "3", "--json").document
    done = bulkpost("prune", "--before", now(), "-y")
    after = bulkpost("show", "3", "--json").document
    pruned_at = after.pop("pruned_at")
    course = before.pop("course")

    assert (0, "Pruned.") == (done.status, done.out.splitlines()[-1].split(" ")[0])
    assert {**before, "course": {**course, "spans": [], "latency": None, "server_errors": 0}} == {
        **after,
        "pruned_at": None,
    }
    assert pruned_at
    assert "times, statuses, earlier attempts" in " ".join(bulkpost("show", "3").out.split())
    assert "pruned" in bulkpost("runs").out
    row, held = (bulkpost("show", "3", "--row", n, "--json").document for n in ("2", "4"))
    assert (pruned_at, None) == (row["pruned_at"], held["pruned_at"])
    assert ("2" * 24, 2, None) == (row["lead_id"], row["attempts"], row["at"])
    assert bulkpost("show", "3", "--support").out
    assert "Nothing to prune." in bulkpost("prune", "--before", now(), "-y").out
    assert 0 == bulkpost("verify").status
    assert 0 == bulkpost("export", "3", ".").status
    assert "2,success," in (old / "old-success.csv").read_text()


@pytest.mark.usefixtures("old")
def test_a_script_gets_one_document(bulkpost: Commands) -> None:
    """With the same numbers, whether anything was removed or not."""
    dry = bulkpost("prune", "--before", now(), "--dry-run", "--json").document
    done = bulkpost("prune", "--before", now(), "-y", "--json").document

    assert (False, True) == (dry.pop("is_pruned"), done.pop("is_pruned"))
    assert dry == done
    assert (1, 3, 1, 1) == tuple(done[name] for name in ("inputs", "rows", "attempts", "open_rows"))


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "9998-01-01"])
def test_a_date_must_be_one_that_is_over(date: str, bulkpost: Commands) -> None:
    """Another is refused before the ledger is opened."""
    assert 2 == bulkpost("prune", "--before", date, "-y").status


@pytest.mark.usefixtures("old")
def test_a_list_touched_since_the_date_stays(bulkpost: Commands) -> None:
    """A day names its first moment on this machine."""
    assert "Nothing to prune." in bulkpost("prune", "--before", "2020-02-29", "-y").out

"""Feedback whose run dies: in doubt, never twice. The sandbox's log is the judge."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from feedback_lists import event_id_of, feedback_list
from harness.child import FAULT_STATUS, Child, run, running
from harness.judge import Judge, running_judge
from submitting import asked

ROWS = 40
CONCURRENCY = 4
FEEDBACK = (sys.executable, "-m", "bulkpost", "feedback")


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A sandbox in which every event is known."""
    folder = tmp_path_factory.mktemp("feedback")
    settings = folder / "sandbox.toml"
    settings.write_text('[feedback]\nevents = "any"\n')
    options = ["--faults", str(settings), "--latency", "3ms", "--jitter", "6ms"]
    with running_judge(folder / "taken.jsonl", options) as judge:
        yield judge


def a_command(folder: Path, judge: Judge, first_row: int) -> list[str]:
    """Return the command that sends a list of its own rows."""
    rows = [(first_row + row, "return", "") for row in range(ROWS)]
    words = [str(feedback_list(folder, rows)), "--url", f"{judge.origin}/feedback"]
    return [*FEEDBACK, *words, "--concurrency", str(CONCURRENCY), "--json", "-q"]


def taken(judge: Judge, first_row: int) -> Counter[int]:
    """Return how often the feedback of each row was taken."""
    judge.settle()
    lines = [json.loads(line) for line in judge.log.read_bytes().splitlines()]
    rows = {event_id_of(first_row + row): row + 1 for row in range(ROWS)}
    return Counter(rows[line["event_id"]] for line in lines if line["event_id"] in rows)


def in_state(ledger: Path, outcome: str) -> set[int]:
    found = asked(ledger, f"SELECT row FROM rows WHERE outcome = '{outcome}'")  # noqa: S608  # our own words
    return {row for (row,) in found}


def _all_accounted(folder: Path, judge: Judge, first_row: int) -> set[int]:
    """Check that nothing went twice and nothing is lost; return the rows in doubt."""
    counts, ledger = taken(judge, first_row), folder / "bulkpost.db"
    done, doubtful = in_state(ledger, "success"), in_state(ledger, "in_doubt")
    assert {1} == set(counts.values())
    assert done <= counts.keys() <= done | doubtful
    assert set(range(1, ROWS + 1)) == done | doubtful
    return doubtful


@pytest.mark.parametrize(
    ("point", "first_row", "is_taken"),
    [("armed:9", 1_000, False), ("answered:9", 3_000, True)],
)
def test_feedback_that_dies_on_the_way_is_in_doubt(
    point: str,
    first_row: int,
    is_taken: bool,  # noqa: FBT001  # of the table
    tmp_path: Path,
    judge: Judge,
) -> None:
    """Between the intent and the recorded answer nobody can tell; it is not sent again."""
    command = a_command(tmp_path, judge, first_row)
    assert FAULT_STATUS == run(command, tmp_path, fault=point).status
    before = taken(judge, first_row)
    assert 5 == run(command, tmp_path).status

    doubtful = _all_accounted(tmp_path, judge, first_row)
    assert 1 <= len(doubtful) <= CONCURRENCY
    assert is_taken in {row in before for row in doubtful}


def test_feedback_that_is_killed_again_and_again_goes_once(tmp_path: Path, judge: Judge) -> None:
    """Whenever SIGKILL comes, the same command goes on; one death leaves few rows in doubt."""
    command, random, deaths = a_command(tmp_path, judge, 9_000), Random(5), 0
    for _ in range(2):
        wanted = _lines(judge) + random.randrange(2, 15)
        with running(command, tmp_path) as child:
            deaths += _killed(child, judge, wanted)
    assert run(command, tmp_path).status in {0, 5}

    assert 2 == deaths, "the run was over before it could be killed"
    assert len(_all_accounted(tmp_path, judge, 9_000)) <= deaths * CONCURRENCY


def _lines(judge: Judge) -> int:
    return judge.log.read_bytes().count(b"\n")


def _killed(child: Child, judge: Judge, lines: int) -> bool:
    """Kill it once the log has so many lines; return whether it still ran."""
    return child.until(lambda: _lines(judge) >= lines) and child.kill().status < 0

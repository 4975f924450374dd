import io
import re
from pathlib import Path

import pytest
from past_runs import DESTINATION, Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.errors import UsageError
from bulkpost.ledger.reader import open_reader
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.history import past_runs
from bulkpost.reporting.render import print_summary
from bulkpost.reporting.row_life import row_life
from bulkpost.reporting.summary import RunSummary, next_command, run_record, summarise
from bulkpost.reporting.support import error_kinds
from bulkpost.run import RunEnding

_K = OutcomeKind
_BAD_GATEWAY = Outcome(_K.DEFERRED, "HTTP 502", 502)


async def a_summary(tmp_path: Path, *pasts: Past, rows: int = 12, run: int = 1) -> RunSummary:
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "my leads.csv", rows), *pasts)
    async with open_reader(tmp_path / "l.db") as reader:
        return await summarise(reader, run)


async def test_a_run_and_its_input_are_counted_apart(tmp_path: Path) -> None:
    """Rows of earlier runs and rows that nobody touched are the input's, not the run's."""
    first = Past([ok(1), ok(2), ended(3, _K.INVALID, "no")])
    second = Past([ok(4), ended(5, _K.FAILURE, "duplicate", 201)])

    summary = await a_summary(tmp_path, first, second, run=2)

    assert {_K.SUCCESS: 1, _K.FAILURE: 1} == dict(summary.counts)
    assert {_K.SUCCESS: 3, _K.FAILURE: 1, _K.INVALID: 1} == dict(summary.input_counts)
    assert (2, 7) == (summary.rows, summary.input_pending)
    assert 7 == summary.to_dict()["input_counts"]["pending"]


async def test_prices_add_up_without_float_noise(tmp_path: Path) -> None:
    """Ten times 0.10 is 1.00."""
    summary = await a_summary(tmp_path, Past([ok(row, 0, 100_000) for row in range(1, 11)]))

    assert "1.00" == summary.price


async def test_attempts_and_ambiguous_retries_are_told(tmp_path: Path) -> None:
    """Requests, repeats, and those answers that may hide a lead that was taken."""
    retried = Ending(
        1, Outcome(_K.SUCCESS, None, 201, "a" * 24), waits=[_BAD_GATEWAY] * 2, ambiguous=2
    )
    summary = await a_summary(tmp_path, Past([retried, ok(2)]))

    assert (4, 2, 1) == (summary.attempts, summary.retries, summary.ambiguous_rows)
    assert (
        "1 lead was sent again though perhaps taken before (502, 504, doubt)"
        == summary.ambiguous_words
    )


async def test_the_ten_most_frequent_reasons_of_each_outcome_are_ranked(tmp_path: Path) -> None:
    """The most frequent first, at most ten, and none of another run."""
    failures = [ended(row, _K.FAILURE, "often", 201) for row in range(1, 4)]
    failures += [ended(row, _K.FAILURE, f"reason {row}", 201) for row in range(4, 16)]
    other = Past([ended(20, _K.FAILURE, "elsewhere", 201)])

    errors = [ended(16, _K.ERROR, "x", 201)]
    summary = await a_summary(tmp_path, Past([*failures, *errors]), other, rows=30)

    reasons = [entry for entry in summary.reasons if entry.kind is _K.FAILURE]
    assert ("often", 3) == (reasons[0].reason, reasons[0].count)
    assert 10 == len(reasons)
    assert ["x"] == [entry.reason for entry in summary.reasons if entry.kind is _K.ERROR]


@pytest.mark.parametrize(
    ("past", "command"),
    [
        ([ok(1), ended(2, _K.IN_DOUBT, "?")], "bulkpost doubt list --ledger"),
        ([ok(1)], f"/my leads.csv' --url {DESTINATION} --ledger"),
        ([ok(1), ended(2, _K.DEFERRED, "HTTP 503", 503)], "bulkpost submit '"),
        ([ok(1), ended(2, _K.HTTP_ERROR, "HTTP 500", 500)], "bulkpost show 1 --support --ledger"),
        ([ok(1), ended(2, _K.ERROR, "no vendor", 201)], "bulkpost show 1 --ledger"),
        ([ok(1), ended(2, _K.FAILURE, "duplicate", 201)], "bulkpost export 1 results/ --ledger"),
    ],
)
async def test_the_next_command_is_the_one_that_is_needed(
    past: list[Ending], command: str, tmp_path: Path
) -> None:
    """Doubts first, then what was not sent, then errors; all quoted for a shell."""
    summary = await a_summary(tmp_path, Past(past), rows=2)

    found = next_command(summary, tmp_path / "l edger.db")

    assert command in found
    assert found.endswith(f"--ledger '{tmp_path}/l edger.db'")


async def test_a_dead_run_counts_what_it_left_as_in_doubt(tmp_path: Path) -> None:
    """Before any recovery has written it down, the summary says so."""
    summary = await a_summary(tmp_path, Past([ok(1), Ending(2, None)], ending=None))

    assert 1 == summary.in_doubt
    assert next_command(summary, Path("l.db")).startswith("bulkpost doubt list")


@pytest.mark.parametrize("color", [True, False])
async def test_a_summary_is_plain_text_and_obeys_no_text_from_outside(
    color: bool,  # noqa: FBT001  # a parameter of the test
    tmp_path: Path,
) -> None:
    """Escape sequences, markup and emoji names in a reason are shown as they are; 80 columns."""
    reason = "\x1b]52;c;x\x07 [bold red]hi[/] :smile: \u202e"
    summary = await a_summary(tmp_path, Past([ok(1), ended(2, _K.FAILURE, reason, 201)]))
    file = io.StringIO()

    print_summary(summary, "bulkpost export 1 results/", file=file, color=color)

    shown = file.getvalue()
    assert "\\x1b]52;c;x\\x07 [bold red]hi[/] :smile: \\u202e" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    lines = [line for line in shown.splitlines() if "Next:" not in line and "Run 1" not in line]
    assert max(map(len, lines)) <= 80
    assert re.search(r"success +1 +1 +8\.3 %", shown)


async def test_runs_are_listed_newest_first_and_a_dead_one_says_so(tmp_path: Path) -> None:
    """The last one may be running, if somebody holds the ledger; an older one cannot."""
    pasts = [
        Past([ok(1)], ending=None),
        Past([ok(2)], RunEnding.DRAINED, 130),
        Past([ok(3)], ending=None),
    ]
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 3), *pasts)

    async with open_reader(tmp_path / "l.db") as reader:
        dead = await past_runs(reader, 10, is_busy=False)
        busy = await past_runs(reader, 10, is_busy=True)

    assert ["died", "drained", "died"] == [entry.ending for entry in dead]
    assert ["running", "drained", "died"] == [entry.ending for entry in busy]
    assert [3, 2, 1] == [entry.record.run for entry in dead]


async def test_a_row_tells_its_whole_life(tmp_path: Path) -> None:
    """Each attempt with its answer, the one that ended it last."""
    success = Outcome(_K.SUCCESS, None, 201, "a" * 24, 1)
    pasts = Past([Ending(2, success, waits=[_BAD_GATEWAY], ambiguous=1)])
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 3), pasts)

    async with open_reader(tmp_path / "l.db") as reader:
        life = await row_life(reader, await run_record(reader, 1), 2, is_busy=False)
        untouched = await row_life(reader, await run_record(reader, 1), 3, is_busy=False)

    told = [
        (attempt.number, attempt.state.name, attempt.http_status, attempt.latency_ms)
        for attempt in life.attempts
    ]
    assert [(1, "DEFERRED", 502, 40), (2, "SUCCESS", 201, 120)] == told
    assert ("a" * 24, "0.000001") == (life.to_dict()["lead_id"], life.to_dict()["price"])
    assert "pending" == untouched.to_dict()["state"]


async def test_a_refused_row_names_its_line(tmp_path: Path) -> None:
    """Whoever mends the file finds the place."""
    bad = Ending(2, Outcome(_K.INVALID, "4 cells, 3 columns"), detail=3)
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 2), Past([bad]))

    async with open_reader(tmp_path / "l.db") as reader:
        life = await row_life(reader, await run_record(reader, 1), 2, is_busy=False)

    assert "line 3: 4 cells, 3 columns" == life.now.reason


@pytest.mark.parametrize(("is_busy", "words"), [(True, "in flight"), (False, "in doubt")])
async def test_an_armed_row_is_in_flight_only_while_its_run_lives(
    is_busy: bool,  # noqa: FBT001  # a parameter of the test
    words: str,
    tmp_path: Path,
) -> None:
    """After the run's death nobody waits for the answer any more."""
    past = Past([Ending(1, None)], ending=None)
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 1), past)

    async with open_reader(tmp_path / "l.db") as reader:
        life = await row_life(reader, await run_record(reader, 1), 1, is_busy=is_busy)

    assert words == life.to_dict()["state"]


@pytest.mark.parametrize("row", [0, 4])
async def test_a_row_that_the_input_does_not_have_is_refused(row: int, tmp_path: Path) -> None:
    """Row numbers begin with 1 and end with the input."""
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 3), Past([ok(1)]))

    async with open_reader(tmp_path / "l.db") as reader:
        record = await run_record(reader, None)
        with pytest.raises(UsageError):
            await row_life(reader, record, row, is_busy=False)


async def test_each_kind_of_http_error_is_told_once(tmp_path: Path) -> None:
    """Status and reason make a kind; the exchange is that of its first row."""
    errors = [ended(row, _K.HTTP_ERROR, "HTTP 500", 500) for row in (2, 3, 4)]
    errors.append(ended(1, _K.HTTP_ERROR, "HTTP 520", 520))
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 4), Past(errors))

    async with open_reader(tmp_path / "l.db") as reader:
        kinds = await error_kinds(reader, 1)

    assert [(3, 500, 2), (1, 520, 1)] == [
        (kind.count, kind.http_status, kind.to_dict()["row"]) for kind in kinds
    ]
    assert kinds[0].exchange is not None
    lines = kinds[0].exchange.lines()
    assert f"POST {DESTINATION} HTTP/1.1" == lines[0]
    assert "HTTP/1.1 500 Internal Server Error" in lines
    assert "first_name=…&email=…" in lines

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.ledger.reader import open_reader
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.counts import NO_REASON
from bulkpost.reporting.history import RUN_STATES, RunFilter, past_runs
from bulkpost.reporting.next_steps import doubt_steps, next_step
from bulkpost.reporting.render import console
from bulkpost.reporting.render_report import print_report, series_text
from bulkpost.reporting.run_report import RARER, RunReport, run_report
from bulkpost.run import RunEnding

_K = OutcomeKind
_LEDGER = Path("l.db")


async def a_report(
    tmp_path: Path, *pasts: Past, run: int = 1, rows: int = 40, is_busy: bool = False
) -> RunReport:
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", rows), *pasts)
    async with open_reader(tmp_path / "l.db") as reader:
        return await run_report(reader, run, is_busy=is_busy)


def priced(row: int, reason: str | None, price_micros: int | None) -> Ending:
    return Ending(row, Outcome(_K.FAILURE, reason, 201, f"{row:024x}", price_micros))


async def test_reasons_are_ranked_and_add_up_to_the_run(tmp_path: Path) -> None:
    """Every row and every price has its line: those without a reason and the rarer ones, too."""
    endings = [ok(row) for row in range(1, 6)]
    endings += [priced(row, "often", 100_000) for row in range(6, 14)]
    endings += [priced(row, f"reason {row}", 10_000) for row in range(14, 26)]
    endings += [ended(26, _K.INVALID, "no"), priced(27, "unpriced", None)]

    report = await a_report(tmp_path, Past(endings))

    told = [(entry.reason, entry.count, entry.price) for entry in report.reasons]
    assert [("often", 8, "0.80"), (NO_REASON, 5, "7.50"), (RARER, 4, "0.03")] == told[:3]
    assert ("no", 1, None) in told
    assert report.summary.rows == sum(entry.count for entry in report.reasons)
    assert report.summary.price_micros == sum(entry.price_micros or 0 for entry in report.reasons)
    assert 1.0 == pytest.approx(sum(entry.share for entry in report.reasons))


@pytest.mark.parametrize(
    ("is_busy", "ending", "in_doubt"), [(True, "running", 1), (False, "died", 2)]
)
async def test_a_run_without_an_end_is_going_on_or_has_died(
    is_busy: bool,  # noqa: FBT001  # pytest names them
    ending: str,
    in_doubt: int,
    tmp_path: Path,
) -> None:
    """What it has under way is in doubt only if nobody will answer for it any more."""
    past = Past([ok(1), ended(2, _K.IN_DOUBT, "reset"), Ending(3, None)], ending=None)

    report = await a_report(tmp_path, past, is_busy=is_busy)

    assert (ending, in_doubt) == (report.ending, report.doubt_count)
    assert ending == report.to_dict()["ending"]
    assert in_doubt == len(report.doubts)
    assert is_busy == ("going on" in next_step(report, _LEDGER).words)


async def test_a_run_is_compared_with_those_before_it_to_the_same_place(tmp_path: Path) -> None:
    """Newest first; none that came later, none to another destination."""
    pasts = [Past([ok(row)]) for row in range(1, 5)]
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 40), *pasts)
    with closing(sqlite3.connect(tmp_path / "l.db")) as database, database:
        database.execute("INSERT INTO destination VALUES (2, 'submission', 'https://x/y', 0)")
        database.execute(
            "INSERT INTO input SELECT 2, 2, digest, size_bytes, rows, low_water, key_spec,"
            " map_digest, duplicates, path, format, first_seen_at_ms FROM input"
        )
        database.execute("UPDATE run SET input_id = 2 WHERE id = 2")

    async with open_reader(tmp_path / "l.db") as reader:
        report = await run_report(reader, 3, is_busy=False)

    assert [3, 1] == [report.itself.record.run, *(run.record.run for run in report.earlier)]
    assert (1, "1.50", 120.0) == (
        report.itself.sent,
        report.itself.price,
        report.itself.latency_mean_ms,
    )


async def test_doubts_come_with_the_commands_that_decide_them(tmp_path: Path) -> None:
    """LeadConduit is asked only where it can find a lead: by a reference or a lead id."""
    found = Ending(1, Outcome(_K.IN_DOUBT, "cut", 201, "d" * 24))
    blind = ended(1, _K.IN_DOUBT, "reset")
    (tmp_path / "blind").mkdir()

    steps = doubt_steps(await a_report(tmp_path, Past([found])), Path("my ledger.db"))
    blindly = doubt_steps(await a_report(tmp_path / "blind", Past([blind])), _LEDGER)

    commands = [step.command for step in steps if step.command]
    assert "bulkpost doubt list --run 1 --ledger 'my ledger.db'" == commands[0]
    assert "bulkpost doubt reconcile --run 1 --ledger 'my ledger.db'" == commands[1]
    assert [] == [step for step in blindly if "reconcile" in (step.command or "")]
    assert any("doubt resolve 1:1 --as success" in command for command in commands)


@pytest.mark.parametrize(
    ("past", "words", "command"),
    [
        (Past([ok(1)]), "39 rows of the list still to be sent", None),
        (Past([ended(row, _K.ERROR, "x", 201) for row in range(1, 41)]), "ended in an", "show 1"),
        (Past([ok(row) for row in range(1, 41)]), "Nothing is left", "export 1"),
        (Past([ended(1, _K.IN_DOUBT, "x")]), "1 row of the list is in doubt", "doubt list"),
    ],
)
async def test_what_comes_next_names_no_whole_address(
    past: Past, words: str, command: str | None, tmp_path: Path
) -> None:
    """A page is sent around, and whoever has both ids can submit."""
    step = next_step(await a_report(tmp_path, past), _LEDGER)

    assert words in step.words
    assert (command is None) == (step.command is None)
    assert command is None or (step.command or "").startswith(f"bulkpost {command}")
    assert "5f3a1c0000000000000000aa" not in str(step)


async def test_a_terminal_shows_what_the_page_does(tmp_path: Path) -> None:
    """Shares, prices per reason, latency, retries, doubts, earlier runs; within eighty columns."""
    busy = Outcome(_K.DEFERRED, "HTTP 503", 503)
    first = Past([ok(row) for row in range(1, 4)])
    second = Past(
        [
            Ending(4, Outcome(_K.SUCCESS, None, 201, "e" * 24, 2_500_000), waits=[busy]),
            priced(5, "duplicate", 100_000),
            ended(6, _K.IN_DOUBT, "reset"),
        ]
    )
    report = await a_report(tmp_path, first, second, run=2)
    file = io.StringIO()

    print_report(console(file, color=False), report, _LEDGER)

    shown = file.getvalue()
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "1 33.3 % 2.50 success no reason given",
        "1 33.3 % 0.10 failure duplicate",
        "answer p95 0.12 s 0.12 s █",
        "retries 1 1 █",
        "answers 5xx 1 1 █",
        "bulkpost doubt resolve 1:6 --as not-received --ledger l.db",
    ):
        assert line in lines, shown
    earlier = lines[lines.index("This run, and those before it to the same destination:") + 2 :]
    assert ["2", "1"] == [line.split()[0] for line in earlier[:2]]
    assert max(map(len, shown.splitlines())) <= 90
    assert shown.rstrip().splitlines()[-1] == "Next:  bulkpost doubt list --ledger l.db"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([0, 0], "  "),
        ([1, 4, 8], "▂▅█"),
        ([0.001, 100], "▁█"),
        ([1, 8] * 48, "█" * 48),
    ],
)
def test_a_series_is_drawn_as_blocks(values: list[float], text: str) -> None:
    """Nothing is blank, little is low; neighbours that share a block show the higher of them."""
    assert text == series_text(values)


async def test_runs_are_chosen_by_destination_time_and_state(tmp_path: Path) -> None:
    """All that is asked for holds at once; the limit counts what is left."""
    pasts = [
        Past([ok(1)]),
        Past([ok(2)], RunEnding.ABORTED, 130),
        Past([ok(3)], ending=None),
        Past([ok(4)], ending=None),
    ]
    await make_past(tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 40), *pasts)
    with closing(sqlite3.connect(tmp_path / "l.db")) as database, database:
        database.execute("UPDATE run SET started_at_ms = id * 1000")
    wanted: Mapping[str, tuple[RunFilter, bool, list[int]]] = {
        "all": (RunFilter(), False, [4, 3, 2, 1]),
        "died": (RunFilter(states=["died"]), False, [4, 3]),
        "busy": (RunFilter(states=["died"]), True, [3]),
        "running": (RunFilter(states=["running"]), True, [4]),
        "several": (RunFilter(states=["aborted", "finished"]), True, [2, 1]),
        "since": (RunFilter(since_ms=2_000), False, [4, 3, 2]),
        "both": (RunFilter(since_ms=2_000, states=["aborted"]), False, [2]),
        "place": (RunFilter(destination="FLOWS/5F3A1C"), False, [4, 3, 2, 1]),
        "no place": (RunFilter(destination="%"), False, []),
    }

    async with open_reader(tmp_path / "l.db") as reader:
        found = {
            name: [run.record.run for run in await past_runs(reader, 9, is_busy=busy, wanted=one)]
            for name, (one, busy, _) in wanted.items()
        }
        newest = await past_runs(reader, 1, is_busy=False, wanted=RunFilter(states=["died"]))

    assert {name: runs for name, (_, _, runs) in wanted.items()} == found
    assert [4] == [run.record.run for run in newest]
    assert {"running", "died", *RunEnding} == set(RUN_STATES)

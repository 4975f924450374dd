import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from past_runs import CLOCK, Ending, Past, ended, key_of, leads_csv, make_past, ok

from bulkpost.destination import Environment
from bulkpost.ledger.ledger import LedgerOptions, open_ledger
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import open_reader
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.soundness import Grade, Soundness, examine
from bulkpost.run import Run

_K = OutcomeKind


async def verdict_on(path: Path) -> Soundness:
    async with open_reader(path, is_examined=True) as reader:
        return await examine(reader, LedgerPaths(path))


def found(verdict: Soundness, grade: Grade) -> dict[str, str]:
    return {entry.check: entry.words for entry in verdict.findings if entry.grade is grade}


def vandalise(path: Path, statement: str) -> None:
    """Change a ledger behind bulkpost's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement)


@pytest.fixture
async def ledger_path(tmp_path: Path) -> Path:
    path = tmp_path / "bulkpost.db"
    endings = [ok(1), ended(2, _K.IN_DOUBT, "?"), ended(3, _K.INVALID, "no"), ok(4)]
    source = leads_csv(tmp_path / "leads.csv", 6)
    await make_past(path, source, Past(endings, low_water=4))
    return path


async def test_a_ledger_that_bulkpost_wrote_is_sound(ledger_path: Path) -> None:
    """All checks pass, and the rows add up in words."""
    verdict = await verdict_on(ledger_path)

    assert verdict.is_sound
    assert not found(verdict, Grade.NOTE)
    assert "6 rows = 4 ended + 0 under way + 2 pending" in found(verdict, Grade.OK)["rows"]


@pytest.mark.parametrize(
    ("statement", "check", "words"),
    [
        ("DELETE FROM outcome WHERE row_id & 0xFF = 3", "rows", "1 row below"),
        ("UPDATE input SET rows = 3, low_water = 3", "rows", "up to row 4"),
        ("UPDATE outcome SET row_id = row_id + (7 << 40)", "states", "belong to no input"),
        ("UPDATE outcome SET state = 13 WHERE state = 10", "states", "does not know"),
        ("UPDATE outcome SET key = x'00' WHERE state = 10", "keys", "first is row 1:1"),
        ("CREATE TABLE extra (x)", "tables", "another program"),
        ("UPDATE commit_count SET number = 0", "commits", "commits are missing"),
        (
            "INSERT INTO intent SELECT row_id, 1, x'01', 0, 0, 1, 0, 0, 0, 0, 0 FROM outcome",
            "states",
            "at once",
        ),
    ],
)
async def test_each_kind_of_damage_is_found(
    statement: str, check: str, words: str, ledger_path: Path
) -> None:
    """One wrong thing is enough for "not sound", and it is named."""
    vandalise(ledger_path, statement)

    verdict = await verdict_on(ledger_path)

    assert not verdict.is_sound
    assert words in found(verdict, Grade.BAD)[check]


async def test_d8_a_broken_page_is_found(ledger_path: Path) -> None:
    """A page overwritten in the middle is damage, not a traceback."""
    with ledger_path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 8)

    verdict = await verdict_on(ledger_path)

    assert not verdict.is_sound
    assert "pages" in found(verdict, Grade.BAD)


async def test_what_a_dead_run_left_is_a_note(ledger_path: Path, tmp_path: Path) -> None:
    """A crash is no damage: the next command that writes settles it. So is a rescue file."""
    await make_past(ledger_path, tmp_path / "leads.csv", Past([Ending(5, None)], ending=None))
    (tmp_path / "bulkpost.db.rescue").write_text("")

    notes = found(await verdict_on(ledger_path), Grade.NOTE)

    assert "a run died with 1 row under way" in notes["run"]
    assert "next command" in notes["rescue file"]


async def test_a_run_that_is_going_on_is_a_note(ledger_path: Path, tmp_path: Path) -> None:
    """Rows under way belong to whoever holds the ledger."""
    await make_past(ledger_path, tmp_path / "leads.csv", Past([Ending(5, None)], ending=None))
    options = LedgerOptions(Environment.LIVE, "test")
    async with open_ledger(ledger_path, options, CLOCK) as ledger:
        await ledger.begin_run(Run(1, "submit", 0))
        vandalise(
            ledger_path,
            "INSERT INTO intent (row_id, run_id, key, phase, attempt, ambiguous, elapsed_ms)"
            " VALUES ((1 << 40) + 6, 3, x'01', 0, 1, 0, 0)",
        )
        notes = found(await verdict_on(ledger_path), Grade.NOTE)

    assert "a run is going on: 1 row under way" == notes["run"]


async def test_s28_a_lead_id_that_appears_twice_is_a_note(tmp_path: Path) -> None:
    """A lead id that was answered for two rows is told by ``bulkpost verify``; it is no damage."""
    path = tmp_path / "bulkpost.db"
    await make_past(path, leads_csv(tmp_path / "leads.csv", 2), Past([ok(1, 7), ok(2, 7)]))

    verdict = await verdict_on(path)

    assert verdict.is_sound
    assert f"lead id {7:024x} was answered for 2 rows" == found(verdict, Grade.NOTE)["lead ids"]


async def test_keys_sent_twice_on_demand_are_no_damage(tmp_path: Path) -> None:
    """Whoever submitted with duplicates got what was asked for."""
    path = tmp_path / "bulkpost.db"
    wanted: dict[str, str | int | float | bool | None] = {"duplicates": "submit"}
    await make_past(
        path, leads_csv(tmp_path / "leads.csv", 2), Past([ok(1), ok(2)], settings=wanted)
    )
    vandalise(path, "UPDATE outcome SET key = x'00'")

    assert (await verdict_on(path)).is_sound


async def test_leads_sent_more_than_once_are_explained(tmp_path: Path) -> None:
    """Retries after 502 or 504 are counted; they are no damage."""
    path = tmp_path / "bulkpost.db"
    retried = Ending(
        1,
        Outcome(_K.SUCCESS, None, 201, "a" * 24),
        waits=[Outcome(_K.DEFERRED, "HTTP 504", 504)] * 2,
        ambiguous=2,
        key=key_of(1),
    )
    await make_past(path, leads_csv(tmp_path / "leads.csv", 2), Past([retried]))

    notes = found(await verdict_on(path), Grade.NOTE)

    assert "1 row sent again after an ambiguous answer, 2 times in all" == notes["repeats"]

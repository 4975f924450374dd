"""What ``prune`` lets go of, and what it must keep; the judge is the ledger's file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from ledgers import content
from past_runs import CLOCK, EVIDENCE, Ending, Past, ended, key_of, leads_csv, make_past, ok

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger import pruning
from bulkpost.ledger.decisions import Author, open_for_decisions, release
from bulkpost.ledger.entries import Intent, row_id_of
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.pruning import PrunePlan, plan_prune
from bulkpost.ledger.reader import open_reader
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.row_life import row_life
from bulkpost.reporting.soundness import examine
from bulkpost.reporting.summary import RunSummary, run_record, summarise

K = OutcomeKind
BUSY = Outcome(K.DEFERRED, "HTTP 503", 503)
ENDINGS = [
    ok(1),
    Ending(2, Outcome(K.SUCCESS, None, 201, "2" * 24, 2_000_000), waits=(BUSY, BUSY)),
    ended(3, K.FAILURE, "duplicate", 201),
    ended(4, K.ERROR, "no such flow", 201),
    Ending(5, Outcome(K.INVALID, "4 cells, 3 columns"), detail=6),
    Ending(6, Outcome(K.DUPLICATE, "same lead as another row"), detail=row_id_of(1, 3)),
]
HELD = [
    ended(7, K.HTTP_ERROR, "HTTP 500", 500),
    Ending(8, Outcome(K.IN_DOUBT, "the answer was cut", 201, "8" * 24)),
]


def later() -> int:
    return int(CLOCK.now_at().timestamp() * 1000) + 1000


async def a_past(folder: Path, endings: Sequence[Ending], rows: int, **more: Any) -> Path:
    """Make a ledger with one list and one run."""
    source = leads_csv(folder / "leads.csv", rows)
    await make_past(folder / "bulkpost.db", source, Past(endings, **more))
    return folder / "bulkpost.db"


async def pruned(ledger_path: Path, before_ms: int | None = None) -> PrunePlan:
    """Prune all that is done with; return what was planned."""
    async with open_for_decisions(ledger_path, "prune", CLOCK) as ledger:
        plan = await plan_prune(ledger.reader, ledger.paths, before_ms or later())
        await pruning.prune(ledger, plan, 1_000)
    return plan


async def planned(ledger_path: Path, before_ms: int | None = None) -> PrunePlan:
    async with open_reader(ledger_path) as reader:
        return await plan_prune(reader, LedgerPaths(ledger_path), before_ms or later())


async def _lose_a_key(ledger_path: Path) -> None:
    async with open_for_decisions(ledger_path, "test", CLOCK) as ledger:
        await ledger.writer.transact(
            lambda raw: raw.execute("DELETE FROM kept_key WHERE row_id & 255 = 1")
        )


async def told(ledger_path: Path) -> tuple[RunSummary, bool]:
    async with open_reader(ledger_path) as reader:
        verdict = await examine(reader, LedgerPaths(ledger_path))
        return await summarise(reader, 1), verdict.is_sound


async def test_what_decides_and_what_was_paid_stays(tmp_path: Path) -> None:
    """State, lead id, price, reason and the counts of a run are the same after as before."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    kept = (
        "SELECT row, outcome, reason, lead_id, price, attempts, ambiguous_retries, run, line,"
        " same_as_row FROM rows ORDER BY row"
    )
    rows, (before, _) = content(ledger, kept), await told(ledger)
    keys = content(ledger, "SELECT key, row_id FROM outcome WHERE state < 20 ORDER BY key")

    await pruned(ledger)
    after, is_sound = await told(ledger)

    assert rows == content(ledger, kept)
    assert keys == content(ledger, "SELECT key, row_id FROM kept_key ORDER BY key")
    told_before = {**before.to_dict(), "pruned_at": "1970-01-01T00:00:01.000Z"}
    assert told_before == after.to_dict()
    assert (6, 2) == (after.attempts, after.retries)
    assert is_sound


async def test_what_explains_goes(tmp_path: Path) -> None:
    """Times, statuses, attempts, exchanges of rows that are final by now, and texts of nobody."""
    resolved = Ending(7, Outcome(K.SUCCESS, None, 201, "7" * 24), evidence=EVIDENCE)
    ledger = await a_past(tmp_path, [*ENDINGS, resolved], rows=7)

    plan = await pruned(ledger)

    assert (7, 2, 1) == (plan.total("rows"), plan.total("attempts"), plan.total("exchanges"))
    gone = "SELECT count(http_status) + count(latency_ms) + count(key) + count(elapsed_ms)"
    assert [(0,)] == content(ledger, f"{gone} FROM outcome")
    for table in ("attempt", "evidence", "message"):
        assert [(0,)] == content(ledger, f"SELECT count(*) FROM {table}")  # noqa: S608  # ours
    assert [] == content(ledger, "SELECT text FROM reason WHERE text LIKE 'HTTP%'")
    assert (await planned(ledger)).is_empty


async def test_rows_that_somebody_may_still_touch_stay_in_full(tmp_path: Path) -> None:
    """In doubt, http_error and deferred: with key, times, attempts and exchange."""
    ledger = await a_past(tmp_path, [*ENDINGS, *HELD, Ending(9, BUSY)], rows=9)
    whole = "SELECT * FROM outcome WHERE state IN (20, 30, 50) ORDER BY row_id"
    before, tried = (
        content(ledger, whole),
        content(ledger, "SELECT * FROM attempt WHERE attempt = 1"),
    )

    plan = await pruned(ledger)

    assert 3 == plan.total("open_rows")
    assert before == content(ledger, whole)
    assert [row for row in tried if row[0] > row_id_of(1, 6)] == content(
        ledger, "SELECT * FROM attempt ORDER BY row_id"
    )
    assert [(1,)] == content(ledger, "SELECT count(*) FROM exchanges")


@pytest.mark.parametrize("what", ["pending", "under way", "too young"])
async def test_a_list_that_is_not_done_with_is_left_alone(what: str, tmp_path: Path) -> None:
    """A pending row, a row under way, a run since the date: nothing of the list goes."""
    endings = [*ENDINGS, Ending(7, None)] if what == "under way" else ENDINGS
    ledger = await a_past(tmp_path, endings, rows=7 if what != "too young" else 6)

    assert (await planned(ledger, 5 if what == "too young" else None)).is_empty


async def test_a_list_with_a_younger_decision_is_left_alone(tmp_path: Path) -> None:
    """What somebody decided yesterday is looked at today."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    before_ms = later()
    async with open_for_decisions(ledger, "retry", CLOCK) as opened:
        author = Author("somebody", "retry", before_ms + 1)
        await release(opened, 1, frozenset({State.FAILURE}), author)

    assert (await planned(ledger, before_ms)).is_empty
    assert not (await planned(ledger, before_ms + 2)).is_empty


@pytest.mark.parametrize("allow_duplicate", [False, True])
async def test_a_pruned_key_is_still_taken(allow_duplicate: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    """Another row with it is recognised, and refused by the ledger itself at the last moment."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    key = key_of(row_id_of(1, 1))
    await pruned(ledger)

    async with open_for_decisions(ledger, "test", CLOCK) as opened:
        known = await opened.reader.known_keys([key, key_of(0)])
        opened.writer.begin(1, CLOCK.now_s())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(opened.writer.run)
            intent = Intent(row_id_of(1, 99), key, allow_duplicate=allow_duplicate)
            is_armed = await opened.writer.arm(intent)
            opened.writer.close()

    assert {key: [(row_id_of(1, 1), State.SUCCESS)]} == {
        key: [(entry.row_id, entry.state) for entry in entries] for key, entries in known.items()
    }
    assert allow_duplicate is is_armed


async def test_a_pruned_failure_can_be_sent_again(tmp_path: Path) -> None:
    """It is released with its history, its own key does not hold it, and it ends in full again."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    await pruned(ledger)
    async with open_for_decisions(ledger, "retry", CLOCK) as opened:
        assert 1 == await release(opened, 1, frozenset({State.FAILURE}), Author("i", "retry", 5))
    again = Ending(
        3, Outcome(K.SUCCESS, None, 201, "3" * 24), earlier_attempts=1, key=key_of(row_id_of(1, 3))
    )

    await make_past(ledger, tmp_path / "leads.csv", Past([again]))

    async with open_reader(ledger) as reader:
        life = await row_life(reader, await run_record(reader, 2), 3, is_busy=False)
        assert (await examine(reader, LedgerPaths(ledger))).is_sound
    assert (State.SUCCESS, "3" * 24, 2) == (life.now.state, life.now.lead_id, life.now.attempts)
    assert [State.FAILURE, State.SUCCESS] == [attempt.state for attempt in life.attempts]
    assert [None] == [attempt.at_ms for attempt in life.attempts[:1]]


async def test_a_pruned_failure_that_was_sent_under_another_key_has_two(tmp_path: Path) -> None:
    """Both were sent, so both are taken for good; the ledger is as sound as it was."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    await pruned(ledger)
    async with open_for_decisions(ledger, "retry", CLOCK) as opened:
        await release(opened, 1, frozenset({State.FAILURE}), Author("i", "retry", 5))
    again = Ending(
        3, Outcome(K.FAILURE, "no", 201), earlier_attempts=1, key=b"another key" + b"." * 5
    )
    await make_past(ledger, tmp_path / "leads.csv", Past([again]))
    await pruned(ledger)

    assert (await told(ledger))[1]
    await _lose_a_key(ledger)
    assert not (await told(ledger))[1]


async def test_a_lost_key_is_noticed(tmp_path: Path) -> None:
    """A row that was sent and of which no key is kept makes the ledger unsound."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    await pruned(ledger)
    await _lose_a_key(ledger)

    assert not (await told(ledger))[1]


async def test_no_room_no_pruning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before anything is touched, with how much is needed."""
    ledger = await a_past(tmp_path, ENDINGS, rows=6)
    monkeypatch.setattr(pruning, "free_bytes", lambda _folder: 1 << 20)

    with pytest.raises(LedgerWriteError, match="twice the ledger's size"):
        await pruned(ledger)

    assert [(6,)] == content(ledger, "SELECT count(elapsed_ms) FROM outcome")


async def test_a_list_left_behind_by_a_pipe_goes(tmp_path: Path) -> None:
    """A list from standard input is lead data: it goes once each of its rows is final."""
    spool = tmp_path / "bulkpost.db.spool"
    spool.mkdir()
    for name, endings in (("stdin-" + "a" * 64, ENDINGS), ("stdin-" + "b" * 64, [*ENDINGS, *HELD])):
        source = leads_csv(spool / name, len(endings))
        await make_past(tmp_path / "bulkpost.db", source, Past(endings))

    plan = await pruned(tmp_path / "bulkpost.db")

    assert ["stdin-" + "b" * 64] == [path.name for path in spool.iterdir()]
    assert 1 == len(plan.spooled)


async def test_the_ledger_becomes_smaller_by_what_was_told(tmp_path: Path) -> None:
    """The room goes back to the disk, about as much of it as the plan says."""
    rows = 4_000
    ledger = await a_past(tmp_path, [ok(1)], rows=rows)
    async with open_for_decisions(ledger, "test", CLOCK) as opened:
        more = [(row_id_of(1, row), key_of(row)) for row in range(2, rows + 1)]
        await opened.writer.transact(
            lambda raw: raw.executemany(
                "INSERT INTO outcome SELECT ?, run_id, state, http_status, 1, 0, NULL, lead_id,"
                " price_micros, 60000, 120, ?, NULL, NULL FROM outcome LIMIT 1",
                more,
            )
        )
    before_bytes = ledger.stat().st_size

    plan = await pruned(ledger)

    saved_bytes = before_bytes - ledger.stat().st_size
    assert saved_bytes > before_bytes / 8
    assert plan.ledger_bytes * 0.6 < saved_bytes < plan.ledger_bytes * 1.8

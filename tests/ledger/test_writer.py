"""The writer: group commit that loses nothing and leaves nobody waiting."""

import tempfile
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import LEAD_ID, an_intent, content, opened

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger.entries import Rearm, Refused, Settlement, Wait, row_id_of
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind

SUCCESS = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID, 1_500_000)
WAITING = Outcome(OutcomeKind.DEFERRED, "HTTP 503", 503)

# What becomes of a row: refused at once; or retried so often, with pauses in between, and ended.
_LIVES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40
)


@given(lives=_LIVES)
@settings(max_examples=25, deadline=None)
async def test_every_entry_is_on_disk_at_the_end(lives: list[tuple[bool, int, int]]) -> None:
    """However rows interleave, each ends once, with every attempt that it had."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leads.db")
        async with opened(path) as ledger, anyio.create_task_group() as tasks:

            async def live(row: int, *, is_refused: bool, retries: int, pauses: int) -> None:
                row_id = row_id_of(1, row)
                if is_refused:
                    ledger.writer.put(Refused(row_id, State.INVALID, "why"))
                    return
                assert await ledger.writer.arm(an_intent(row))
                for attempt in range(1, retries + 1):
                    ledger.writer.put(Wait(row_id, attempt, WAITING, 0, due_at_ms=1))
                    for _ in range(pauses):
                        await anyio.lowlevel.checkpoint()
                    assert await ledger.writer.arm(Rearm(row_id, attempt + 1))
                ledger.writer.put(Settlement(row_id, SUCCESS, attempts=retries + 1))

            for row, (is_refused, retries, pauses) in enumerate(lives, start=1):
                tasks.start_soon(
                    partial(live, row, is_refused=is_refused, retries=retries, pauses=pauses)
                )
        expected = [
            (row, *((40, 0, None) if is_refused else (10, retries + 1, LEAD_ID)))
            for row, (is_refused, retries, _) in enumerate(lives, start=1)
        ]
        assert expected == content(
            path,
            "SELECT row_id & 0xFFFFFFFFFF, state, attempts, nullif(lower(hex(lead_id)), '')"
            " FROM outcome ORDER BY 1",
        )
        assert [(0,)] == content(path, "SELECT count(*) FROM intent")
        waits = sum(retries for is_refused, retries, _ in lives if not is_refused)
        assert [(waits,)] == content(path, "SELECT count(*) FROM attempt")


async def test_an_intent_is_on_disk_when_arm_returns(tmp_path: Path) -> None:
    """Another connection sees it before anything can be sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        seen = content(path, "SELECT phase, attempt FROM intent")
        ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))

    assert [(0, 1)] == seen


async def test_many_intents_share_commits(tmp_path: Path) -> None:
    """The group forms itself: a hundred workers cost a few commits."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        before = content(path, "SELECT number FROM commit_count")[0][0]
        async with anyio.create_task_group() as tasks:
            for row in range(1, 101):
                tasks.start_soon(ledger.writer.arm, an_intent(row))
        after = content(path, "SELECT number FROM commit_count")[0][0]
        for row in range(1, 101):
            ledger.writer.put(Settlement(row_id_of(1, row), SUCCESS))

    assert 1 <= after - before <= 3


async def test_a_value_that_sqlite_cannot_take_leaves_nobody_waiting(tmp_path: Path) -> None:
    """An integer beyond 64 bits poisons its group: everybody in it is told, and nothing is sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        poison = Settlement(row_id_of(1, 9), Outcome(OutcomeKind.ERROR, price_micros=1 << 70))
        ledger.writer.put(poison)
        with anyio.fail_after(10), pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(1))
        with pytest.raises(LedgerWriteError):
            await ledger.writer.arm(an_intent(2))
        with anyio.fail_after(10):
            await ledger.writer.flush()

    assert [(0,)] == content(path, "SELECT count(*) FROM intent")


async def test_an_ending_without_an_intent_stops_the_run_and_is_kept(tmp_path: Path) -> None:
    """Such an answer would vanish: it goes to the rescue file, and nothing more is sent."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        ledger.writer.put(Settlement(row_id_of(1, 3), SUCCESS))
        await ledger.writer.flush()
        assert ledger.writer.failure is not None

    assert LEAD_ID in path.with_name("leads.db.rescue").read_text()

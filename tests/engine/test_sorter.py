"""What is done with each row: sent, left alone, or refused; the plan and the run ask here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bulkpost.engine.job import Prepared
from bulkpost.engine.sorter import Sorted, Sorter
from bulkpost.lead import Identity
from bulkpost.ledger.entries import KnownKey, KnownRow, row_id_of
from bulkpost.ledger.states import State
from bulkpost.row import Row

CONTENT = b"c" * 8


@dataclass
class Ledger:
    """What is known, as a test wants it."""

    rows: dict[int, KnownRow] = field(default_factory=dict)
    keys: dict[bytes, list[KnownKey]] = field(default_factory=dict)

    async def known_rows(self, input_id: int, first: int, last: int) -> dict[int, KnownRow]:
        assert 1 == input_id
        return {number: row for number, row in self.rows.items() if first <= number <= last}

    async def known_keys(self, keys: Sequence[bytes]) -> dict[bytes, list[KnownKey]]:
        return {key: self.keys[key] for key in keys if key in self.keys}


def _key(text: str) -> bytes:
    return text.encode().ljust(16, b".")


def _prepare(row: Row) -> Prepared[str] | str:
    return "it is bad" if row.defect else Prepared("x", Identity(_key(row.cells[0]), CONTENT), "d")


async def _sort(
    known: Ledger, *cells: str, submit_duplicates: bool = False, last_known_row: int = 100
) -> Sorted[str]:
    sorter = Sorter(
        known,
        _prepare,
        1,
        last_known_row=last_known_row,
        submit_duplicates=submit_duplicates,
    )
    rows = [
        Row(number, number + 1, (cell,), "bad" if cell == "bad" else None)
        for number, cell in enumerate(cells, start=1)
    ]
    return await sorter.sort(rows)


def _known(state: State, number: int = 1) -> KnownRow:
    return KnownRow(row_id_of(1, number), state, attempts=2, ambiguous=1, due_at_ms=5)


async def test_new_rows_are_sent_and_bad_ones_refused() -> None:
    """A bad row never stops the rest."""
    found = await _sort(Ledger(), "a", "bad", "b")

    assert [1, 3] == [job.row_number for job in found.jobs]
    assert [(row_id_of(1, 2), State.INVALID)] == [(r.row_id, r.state) for r in found.refused]


_OUTCOMES = [state for state in State if state >= State.SUCCESS]
_SENT = {State.SUCCESS, State.FAILURE, State.ERROR, State.IN_DOUBT, State.HTTP_ERROR}


@pytest.mark.parametrize("state", _OUTCOMES)
async def test_only_rows_that_were_never_taken_are_sent_again(state: State) -> None:
    """A verdict, a doubt and an http error stand; what was refused or deferred is looked at."""
    found = await _sort(Ledger({1: _known(state)}), "a")

    if state not in _SENT:
        assert [(2, 1, True)] == [(j.attempt, j.ambiguous, j.supersedes) for j in found.jobs]
        assert {1: 5} == found.due_at_ms
    else:
        assert [] == found.jobs
        assert {1: state} == found.settled


@pytest.mark.parametrize("state", sorted(_SENT))
@pytest.mark.parametrize("content", [CONTENT, b"d" * 8])
async def test_a_row_whose_key_was_sent_from_another_row_is_not_sent(
    state: State, content: bytes
) -> None:
    """With the same content it is a duplicate, with another a conflict."""
    taken = KnownKey(_key("a"), row_id_of(3, 9), state, content)
    found = await _sort(Ledger(keys={_key("a"): [taken]}), "a")

    assert [] == found.jobs
    expected = State.DUPLICATE if content == CONTENT else State.CONFLICT
    assert [expected] == [refused.state for refused in found.refused]


@pytest.mark.parametrize("state", sorted(_SENT))
async def test_duplicates_are_sent_when_asked_for_but_not_over_a_doubt(state: State) -> None:
    """What may have been taken is never repeated by a general word."""
    taken = KnownKey(_key("a"), row_id_of(3, 9), state, CONTENT)
    found = await _sort(Ledger(keys={_key("a"): [taken]}), "a", submit_duplicates=True)

    assert (state is State.IN_DOUBT) == (not found.jobs)


async def test_a_deferred_row_that_the_map_made_bad_keeps_its_history() -> None:
    """It had attempts; it stays deferred, and is neither sent nor made invalid."""
    found = await _sort(Ledger({1: _known(State.DEFERRED)}), "bad")

    assert ([], [], {1: State.DEFERRED}) == (found.jobs, found.refused, found.settled)


async def test_rows_above_the_last_known_one_are_not_looked_up() -> None:
    """A new input costs no question about its rows."""
    known = Ledger({1: _known(State.SUCCESS)})

    assert 1 == len((await _sort(known, "a", last_known_row=0)).jobs)

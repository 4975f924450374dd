"""Every question to a ledger: what it answers of one input beside another."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledgers import an_input, an_intent, opened

from bulkpost.destination import Kind
from bulkpost.errors import LedgerDamagedError, LedgerError
from bulkpost.ledger import schema
from bulkpost.ledger.entries import (
    Intent,
    KnownKey,
    KnownRow,
    Refused,
    Settlement,
    Wait,
    row_id_of,
)
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.reader import InputRecord, LedgerReader, StoredMark, open_reader
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.row import Position

DUE_AT_MS = 99_000
_ENDED = (
    (1, OutcomeKind.SUCCESS, 1, 0, 1000),
    (2, OutcomeKind.FAILURE, 3, 1, 2500),
    (3, OutcomeKind.IN_DOUBT, 1, 0, None),
    (4, OutcomeKind.HTTP_ERROR, 1, 0, None),
    (5, OutcomeKind.DEFERRED, 6, 2, None),
)
_REFUSED = (
    (6, State.INVALID, 17),
    (7, State.DUPLICATE, row_id_of(1, 1)),
    (8, State.CONFLICT, row_id_of(1, 5)),
    (9, State.DUPLICATE, row_id_of(1, 5)),
)


def _key(input_id: int, row: int) -> bytes:
    return bytes([input_id]) * 8 + row.to_bytes(8, "big")


async def _fill(ledger: Ledger) -> None:
    """Let rows of input 1 end in every way; 10 is in flight, 11 waits. Row 1 of input 2 ends."""
    writer = ledger.writer
    for row, kind, attempts, ambiguous, latency_ms in _ENDED:
        row_id = row_id_of(1, row)
        content = b"c" * 8 if row == 2 else None
        assert await writer.arm(Intent(row_id, _key(1, row), content))
        due_at_ms = DUE_AT_MS if kind is OutcomeKind.DEFERRED else None
        ending = Settlement(row_id, Outcome(kind), attempts, ambiguous, latency_ms, due_at_ms)
        writer.put(ending)
    for row, state, detail in _REFUSED:
        writer.put(Refused(row_id_of(1, row), state, "why", detail))
    for row in (10, 11):
        assert await writer.arm(Intent(row_id_of(1, row), _key(1, row), b"d" * 8))
    busy = Outcome(OutcomeKind.DEFERRED, "503", 503)
    writer.put(Wait(row_id_of(1, 11), 1, busy, 0, DUE_AT_MS))
    assert await writer.arm(Intent(row_id_of(2, 1), _key(2, 1)))
    writer.put(Settlement(row_id_of(2, 1), Outcome(OutcomeKind.IN_DOUBT)))
    await writer.flush()


def _input(number: int, **more: object) -> InputRecord:
    return replace(an_input(), digest=f"{number:02x}" * 32, **more)  # type: ignore[arg-type]  # fields by name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


@pytest.fixture
async def reader(path: Path) -> AsyncIterator[LedgerReader]:
    """Read a ledger that was filled, and is open nowhere else."""
    async with opened(path) as ledger:
        await ledger.store_input(_input(2))
        await _fill(ledger)
    async with open_reader(path) as reader:
        yield reader


async def test_what_is_known_of_rows_is_theirs(reader: LedgerReader) -> None:
    """Between two numbers, both included, and of one input only."""
    known = await reader.known_rows(1, 2, 5)

    assert {
        2: KnownRow(row_id_of(1, 2), State.FAILURE, 3, 1, None),
        3: KnownRow(row_id_of(1, 3), State.IN_DOUBT, 1, 0, None),
        4: KnownRow(row_id_of(1, 4), State.HTTP_ERROR, 1, 0, None),
        5: KnownRow(row_id_of(1, 5), State.DEFERRED, 6, 2, DUE_AT_MS),
    } == known
    assert [1] == list(await reader.known_rows(2, 1, 9))


async def test_a_key_is_known_by_the_rows_that_hold_it(reader: LedgerReader) -> None:
    """Many keys are asked at once; a row that may be sent again holds none."""
    asked = [b"?" * 16, *(_key(1, row) for row in range(1, 12)), _key(2, 1)]
    known = await reader.known_keys(asked)

    held = {
        (1, 1): (State.SUCCESS, None),
        (1, 2): (State.FAILURE, b"c" * 8),
        (1, 3): (State.IN_DOUBT, None),
        (1, 4): (State.HTTP_ERROR, None),
        (2, 1): (State.IN_DOUBT, None),
    }
    assert {
        _key(*row): [KnownKey(_key(*row), row_id_of(*row), *what)] for row, what in held.items()
    } == known
    assert {} == await reader.known_keys([])


async def test_every_row_under_a_key_is_told(path: Path) -> None:
    """With ``--duplicates submit`` there may be several."""
    rows = [row_id_of(1, number) for number in (1, 2)]
    async with opened(path) as ledger:
        for row_id in rows:
            assert await ledger.writer.arm(Intent(row_id, _key(1, 1), allow_duplicate=True))
            ledger.writer.put(Settlement(row_id, Outcome(OutcomeKind.ERROR)))
            await ledger.writer.flush()
        known = await ledger.reader.known_keys([_key(1, 1)])

    assert rows == sorted(row.row_id for row in known[_key(1, 1)])


async def test_a_key_on_its_way_is_told_with_its_phase(reader: LedgerReader) -> None:
    """In flight, waiting, or neither."""
    found = [await reader.intended_key(_key(1, row)) for row in (10, 11, 1)]

    assert [
        KnownKey(_key(1, 10), row_id_of(1, 10), State.ARMED, b"d" * 8),
        KnownKey(_key(1, 11), row_id_of(1, 11), State.BACK_OFF, b"d" * 8),
        None,
    ] == found


async def test_the_mean_latency_is_in_seconds(reader: LedgerReader) -> None:
    """Over those rows that were answered."""
    assert 1.75 == await reader.mean_latency_s()


async def test_without_answers_there_is_no_latency_and_no_row(path: Path) -> None:
    """A run that begins has nothing to go by."""
    async with opened(path) as ledger:
        reader = ledger.reader

        assert None is await reader.mean_latency_s()
        assert 0 == await reader.last_row(1)
        assert {} == await reader.state_counts(1, 100)
        assert [] == await reader.marks(1)


async def test_the_last_row_is_that_of_its_input(reader: LedgerReader) -> None:
    """However many rows another input has."""
    assert [9, 1] == [await reader.last_row(number) for number in (1, 2)]


async def test_inputs_are_found_by_what_they_hold(path: Path) -> None:
    """Those of one destination, by its kind and name; the latest, and the longest first."""
    async with opened(path) as ledger:
        records = [
            await ledger.store_input(_input(2, size_bytes=30, rows=0)),
            await ledger.store_input(_input(3, size_bytes=20, rows=1)),
            await ledger.store_input(_input(4, size_bytes=2000, rows=7, path="long.csv")),
            await ledger.store_input(_input(5, destination="other", duplicates="submit")),
            await ledger.store_input(_input(4, kind=Kind.FEEDBACK)),
        ]
        reader = ledger.reader
        sandbox, other = (Kind.SUBMISSION, "sandbox"), (Kind.SUBMISSION, "other")
        elsewhere, told = (Kind.SUBMISSION, "elsewhere"), (Kind.FEEDBACK, "sandbox")

        assert [2, 3, 4, 5, 6] == [record.id for record in records]
        assert [records[2], records[4], None, None] == [
            await reader.find(*sandbox, "04" * 32),
            await reader.find(*told, "04" * 32),
            await reader.find(*sandbox, "05" * 32),
            await reader.find(*elsewhere, "04" * 32),
        ]
        assert [records[2], records[3], records[4], None] == [
            await reader.latest(*where) for where in (sandbox, other, told, elsewhere)
        ]
        assert [4, 1, 3] == [record.id for record in await reader.growth_candidates(*sandbox)]
        assert [records[3]] == await reader.growth_candidates(*other)
        assert [records[4]] == await reader.growth_candidates(*told)


async def test_an_input_is_written_down_with_its_marks(path: Path) -> None:
    """What has changed about it as well; a mark that stands at the same row is replaced."""
    marks = [
        StoredMark(Position(20_001, 2_000, 20_002), "cd" * 32),
        StoredMark(Position(10_001, 1_000, 10_002), "ab" * 32),
    ]
    async with opened(path) as ledger:
        grown = replace(an_input(), id=1, digest="ff" * 32, size_bytes=5_000, rows=900)
        changed = replace(grown, key_spec="email", map_digest="n;", duplicates="submit")
        moved = replace(changed, path="b.csv", format="CSV, gzip")
        await ledger.store_input(moved, marks)
        await ledger.store_input(moved, [StoredMark(Position(10_001, 1_001, 10_003), "ef" * 32)])
        reader = ledger.reader

        assert moved == await reader.find(Kind.SUBMISSION, "sandbox", "ff" * 32)
        assert [Position(10_001, 1_001, 10_003), marks[0].position] == await reader.marks(1)
        assert [("ef" * 32,), ("cd" * 32,)] == [
            tuple(row)
            for row in await reader.fetch("SELECT lower(hex(digest)) FROM mark ORDER BY row_number")
        ]


@pytest.mark.parametrize(
    ("states", "up_to", "rows"),
    [
        ({State.IN_DOUBT, State.DEFERRED}, 100, [3, 5]),
        ({State.DEFERRED, State.HTTP_ERROR, State.INVALID}, 5, [4, 5]),
        ({State.DEFERRED}, 4, []),
        ({State.IN_DOUBT}, 0, []),
        (set(), 100, []),
    ],
)
async def test_open_rows_come_in_order(
    states: set[State], up_to: int, rows: list[int], reader: LedgerReader
) -> None:
    """Of several states, up to a row, of one input."""
    assert rows == await reader.open_rows(1, frozenset(states), up_to)


async def test_the_first_row_may_be_open(reader: LedgerReader) -> None:
    """Up to the first row is one row."""
    states = frozenset({State.IN_DOUBT})

    assert [[1], []] == [await reader.open_rows(2, states, up_to) for up_to in (1, 0)]


@pytest.mark.parametrize(
    ("up_to", "rows"),
    [
        (100, {8: State.CONFLICT, 9: State.DUPLICATE}),
        (8, {8: State.CONFLICT}),
        (7, {}),
        (0, {}),
    ],
)
async def test_a_lead_that_was_set_free_frees_its_duplicates(
    up_to: int, rows: dict[int, State], reader: LedgerReader
) -> None:
    """Row 5 was deferred, so 8 and 9 are looked at again; 7 is the duplicate of an answered row."""
    assert rows == await reader.freed_rows(1, up_to)


async def test_the_first_row_may_be_set_free(path: Path) -> None:
    """A list that was sent to another place first."""
    async with opened(path) as ledger:
        await ledger.store_input(_input(2))
        assert await ledger.writer.arm(an_intent(1))
        deferred = Settlement(row_id_of(1, 1), Outcome(OutcomeKind.DEFERRED))
        ledger.writer.put(deferred)
        ledger.writer.put(Refused(row_id_of(2, 1), State.DUPLICATE, "why", row_id_of(1, 1)))
        await ledger.writer.flush()

        assert [{1: State.DUPLICATE}, {}] == [
            await ledger.reader.freed_rows(2, up_to) for up_to in (1, 0)
        ]


async def test_states_are_counted_up_to_a_row(reader: LedgerReader) -> None:
    """Each by itself; rows on their way have none."""
    counts = [await reader.state_counts(1, up_to) for up_to in (100, 2, 1, 0)]

    once = {State.SUCCESS, State.FAILURE, State.IN_DOUBT, State.HTTP_ERROR, State.DEFERRED}
    once |= {State.INVALID, State.CONFLICT}
    assert [
        dict.fromkeys(once, 1) | {State.DUPLICATE: 2},
        {State.SUCCESS: 1, State.FAILURE: 1},
        {State.SUCCESS: 1},
        {},
    ] == counts


_KNOWN = replace(an_input(), map_digest="m")


@pytest.mark.parametrize(
    ("now", "in_rules", "in_keys"),
    [
        (_KNOWN, False, False),
        (replace(_KNOWN, map_digest="m;r"), True, False),
        (replace(_KNOWN, map_digest="n"), True, True),
        (replace(_KNOWN, key_spec="email"), True, True),
        (replace(_KNOWN, duplicates="submit"), True, True),
        (replace(_KNOWN, path="b.csv", rows=7), False, False),
    ],
)
def test_what_has_changed_about_an_input(
    now: InputRecord,
    in_rules: bool,  # noqa: FBT001  # a parameter of the test
    in_keys: bool,  # noqa: FBT001  # as above
) -> None:
    """Other refusals are looked at again; another map, key or rule of duplicates, all the rest."""
    assert (in_rules, in_keys) == (now.differs_in_rules(_KNOWN), now.differs_in_keys(_KNOWN))


@pytest.mark.parametrize(("before", "during"), [("m", "m;"), ("m;r", "m;"), ("n", "")])
def test_rules_that_are_not_in_force_yet_differ_from_any_others(before: str, during: str) -> None:
    """A run that dies while it applies them leaves them to the next one."""
    now = replace(_KNOWN, map_digest="m;new")
    changing = now.changing_from(replace(_KNOWN, map_digest=before))

    assert replace(now, map_digest=during) == changing
    assert changing.differs_in_rules(now)


async def test_an_observer_cannot_write(path: Path) -> None:
    """Whatever it is asked to do."""
    async with opened(path):
        pass
    async with open_reader(path) as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await reader.fetch("DELETE FROM run")


async def test_an_observer_refuses_tables_of_another_make(path: Path) -> None:
    """Unless it is there to tell what is wrong with them."""
    async with opened(path) as ledger:
        await ledger.writer.transact(lambda raw: raw.execute("CREATE TABLE more (x)"))
    with pytest.raises(LedgerDamagedError, match="tables are not those"):
        async with open_reader(path):
            pass
    async with open_reader(path, is_examined=True) as reader:
        assert [] == await reader.fetch("SELECT * FROM more")


async def test_an_observer_of_an_older_ledger_is_told_who_brings_it_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking at it must change nothing."""
    async with opened(path):
        pass
    monkeypatch.setattr(schema, "VERSION", 2)
    with pytest.raises(LedgerError) as caught:
        async with open_reader(path):
            pass

    assert f"the ledger was written by an older bulkpost (schema 1): {path}" == (
        caught.value.message
    )
    assert caught.value.advice.startswith("The next `bulkpost submit` brings it up to date")


async def test_an_observer_of_nothing_is_told(path: Path) -> None:
    """No ledger is made by looking for one."""
    with pytest.raises(LedgerError) as caught:
        async with open_reader(path):
            pass

    assert f"there is no ledger: {path}" == caught.value.message
    assert "Name it with --ledger PATH; `bulkpost submit` makes one." == caught.value.advice
    assert not _exists(path)


def _exists(path: Path) -> bool:
    return path.exists()

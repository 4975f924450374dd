"""What the statements of ``prune`` and ``verify`` leave out: other inputs and runs, open rows."""

from collections.abc import Iterator

import pytest
from tables import LEAD_ID, Tables, a_ledger_in_memory

from bulkpost.ledger.entries import row_id_of

FINAL, HELD = (10, 11, 12, 40, 41, 42), (20, 30, 50)
STATES = tuple(sorted(FINAL + HELD))
FIRST = {"first": row_id_of(1, 1), "last": row_id_of(2, 1) - 2}
LATER_MS = 9_000


def _row(number: int, input_id: int = 1) -> int:
    return row_id_of(input_id, number)


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Two inputs with a row in every state, each with an attempt and an exchange."""
    with a_ledger_in_memory() as tables:
        for input_id in (1, 2):
            for number, state in enumerate(STATES, start=1):
                row_id = _row(number, input_id)
                key = bytes([input_id, number]) if state in {10, 11, 12, *HELD} else None
                told = {"http_status": 201, "latency_ms": 5, "lead_id": LEAD_ID, "reason_id": 1}
                tables.outcome(row_id, state, 1, key=key, content=b"c", attempts=2, **told)
                tables.attempt(row_id, 1, 50, 1)
                tables.put("message", id=row_id, document="{}")
                tables.put("evidence", row_id=row_id, request_id=row_id, reply_id=row_id)
        tables.rows("UPDATE input SET rows = 9")
        tables.rows("UPDATE run SET ended_at_ms = started_at_ms + 1000")
        yield tables


def _left(tables: Tables, table: str) -> set[tuple[int, int]]:
    """Return input and state of the rows that a table still tells of."""
    return set(
        tables.rows(
            f"SELECT row_id >> 40, outcome.state FROM {table} JOIN outcome USING (row_id)"  # noqa: S608  # our own names
        )
    )


@pytest.mark.parametrize("name", ["attempt", "evidence"])
def test_what_was_kept_of_final_rows_goes(name: str, tables: Tables) -> None:
    """Of one input. Rows that a person or a later run may touch keep it."""
    tables.change("prune_attempts" if name == "attempt" else "prune_evidence", **FIRST)

    assert {(1, state) for state in HELD} | {(2, state) for state in STATES} == _left(tables, name)


def test_keys_of_answered_rows_move(tables: Tables) -> None:
    """Of one input, once; what a row was sent with last takes the place of what was kept."""
    tables.put("kept_key", key=bytes([1, 2]), row_id=_row(2), content=b"old")
    for _ in range(2):
        tables.change("prune_keys", **FIRST)

    assert [(bytes([1, number]), _row(number), b"c") for number in (1, 2, 3)] == tables.rows(
        "SELECT key, row_id, content FROM kept_key ORDER BY key"
    )


def test_a_row_is_cut_short_once_its_key_is_kept(tables: Tables) -> None:
    """A key that is kept under another row, or another key of the row, protects nothing."""
    tables.put("kept_key", key=bytes([1, 1]), row_id=_row(1))
    tables.put("kept_key", key=bytes([1, 2]), row_id=_row(7))
    tables.put("kept_key", key=b"other", row_id=_row(3))
    tables.put("kept_key", key=bytes([1, 4]), row_id=_row(4))  # in doubt by now: it stays whole
    changed = [tables.change("prune_rows", **FIRST) for _ in range(2)]

    # Two that hold no key, and invalid: they need none.
    cut = [1, *(number for number, state in enumerate(STATES, 1) if state in {40, 41, 42})]
    assert [len(cut), 0] == changed
    assert [(_row(number), LEAD_ID, 1, 2) for number in cut] == tables.rows(
        "SELECT row_id, lead_id, reason_id, attempts FROM outcome WHERE key IS NULL"
        " AND content IS NULL AND http_status IS NULL AND elapsed_ms IS NULL AND latency_ms IS NULL"
    )


def test_the_last_mark_of_an_input_stays(tables: Tables) -> None:
    """From it the rows are read that are added later."""
    for input_id, rows in ((1, (10, 20, 30)), (2, (10, 40))):
        for row in rows:
            where = {"row_number": row, "offset_bytes": 0, "line_number": row}
            tables.put("mark", input_id=input_id, digest=b"d", **where)
    tables.change("prune_marks", input_id=1)

    assert [(1, 30), (2, 10), (2, 40)] == tables.rows("SELECT input_id, row_number FROM mark")


def test_reasons_and_messages_that_nobody_names_go(tables: Tables) -> None:
    """A reason may be that of an attempt, or of a row that waits."""
    for number in (3, 4, 5):
        tables.put("reason", id=number, text=f"{number}")
    tables.attempt(_row(1), 2, 50, reason_id=3)
    tables.intent(_row(11), 1, reason_id=4)
    tables.put("message", id=1, document="{}")
    tables.rows("DELETE FROM evidence WHERE row_id > 1 << 41")
    tables.rows("UPDATE evidence SET reply_id = request_id - 1 WHERE request_id & 1 = 0")
    used = {
        row for rows in tables.rows("SELECT request_id, reply_id FROM evidence") for row in rows
    }
    tables.change("prune_reasons")
    tables.change("prune_messages")

    assert [(1,), (3,), (4,)] == tables.rows("SELECT id FROM reason ORDER BY id")
    assert sorted(used) == [row[0] for row in tables.rows("SELECT id FROM message ORDER BY id")]


def test_attempts_are_counted_before_they_go(tables: Tables) -> None:
    """Those of final rows, by their runs; a verdict's own attempt is counted with the verdict."""
    tables.attempt(_row(1), 2, 20, 1)  # an answer that a person found: the verdict's own
    tables.attempt(_row(2), 2, 20, 2)  # of another run than the row's last
    tables.attempt(_row(6), 2, 50, 1)
    tables.rows(f"UPDATE attempt SET run_id = 2 WHERE row_id = {_row(3)}")  # noqa: S608  # our own number
    counted = {"at_ms": 5, "input_id": 1, **FIRST}
    tables.change("prune_runs", **counted)
    once = tables.rows("SELECT * FROM pruned ORDER BY run_id")
    tables.change("prune_runs", **counted | {"at_ms": 6})

    assert [(1, 5, 6, 5), (2, 5, 2, 0)] == once
    assert [(1, 6, 12, 10), (2, 6, 4, 0)] == tables.rows("SELECT * FROM pruned ORDER BY run_id")


def _prunable(tables: Tables, before_ms: int = LATER_MS) -> list[int]:
    return [row[0] for row in tables.ask("prunable", before_ms=before_ms)]


def test_what_can_go_is_counted_by_input(tables: Tables) -> None:
    """Final rows in full, their keys, attempts, exchanges; marks but for one; open rows."""
    for row in (10, 20, 30):
        where = {"row_number": row, "offset_bytes": 0, "line_number": row}
        tables.put("mark", input_id=1, digest=b"d", **where)
    tables.rows(f"UPDATE outcome SET elapsed_ms = NULL, key = NULL WHERE row_id = {_row(1)}")  # noqa: S608  # our own number

    assert [(1, "a.csv", 5, 2, 6, 6, 2, 3), (2, "b.csv", 6, 3, 6, 6, 0, 3)] == tables.ask(
        "prunable", before_ms=LATER_MS
    )


def test_an_input_is_left_alone_while_something_happens_to_it(tables: Tables) -> None:
    """Runs 1 and 2 over input 1 ended at 2,000 and 3,000, run 3 over input 2 at 4,000, or never."""
    assert [[], [1], [1], [1, 2]] == [
        _prunable(tables, before_ms) for before_ms in (3_000, 3_001, 4_000, 4_001)
    ]
    tables.rows("UPDATE run SET ended_at_ms = NULL WHERE id = 3")
    assert [[], [1, 2]] == [_prunable(tables, before_ms) for before_ms in (3_000, 3_001)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE input SET rows = 10 WHERE id = 1",
        "UPDATE input SET rows = 8 WHERE id = 1",
        f"DELETE FROM outcome WHERE row_id = {_row(1)}",  # noqa: S608  # our own number
        "UPDATE input SET rows = 0 WHERE id = 1",
    ],
)
def test_an_input_with_a_pending_row_is_left_alone(change: str, tables: Tables) -> None:
    """And one whose rows do not add up."""
    tables.rows(change)

    assert [2] == _prunable(tables)


def test_an_input_without_rows_is_left_alone(tables: Tables) -> None:
    """Nothing is known of it."""
    tables.rows("DELETE FROM outcome WHERE row_id < 2 << 40")
    tables.rows("UPDATE input SET rows = 0 WHERE id = 1")

    assert [2] == _prunable(tables)


def test_a_file_is_wanted_by_another_input_with_an_open_or_a_pending_row(tables: Tables) -> None:
    """The same list under another destination; of any other file nothing follows."""
    params = {"input_id": 1}
    elsewhere = tables.ask("list_needed", **params)
    tables.rows("UPDATE input SET path = 'a.csv'")
    open_rows = tables.ask("list_needed", **params)
    tables.rows("UPDATE outcome SET state = 10 WHERE row_id > 2 << 40 AND state IN (20, 30, 50)")
    final = tables.ask("list_needed", **params)
    tables.rows("UPDATE input SET rows = 10 WHERE id = 2")

    assert [[], [(1,)], [], [(1,)]] == [
        elsewhere, open_rows, final, tables.ask("list_needed", **params),
    ]  # fmt: skip


def test_an_input_with_a_row_under_way_or_a_young_decision_is_left_alone(tables: Tables) -> None:
    """Whatever stands beside it in the ledger counts for itself."""
    tables.intent(_row(10), 0)
    decided = {"how": "manual", "who": "ada", "state_before": 20, "state_after": 10}
    tables.put("resolution", row_id=_row(1, 2), at_ms=5_000, **decided)

    assert [[2], []] == [_prunable(tables, before_ms) for before_ms in (5_001, 5_000)]
    tables.rows("DELETE FROM intent")
    assert [[1, 2], [1]] == [_prunable(tables, before_ms) for before_ms in (5_001, 5_000)]


def test_rows_are_counted_by_input_and_below_its_mark(tables: Tables) -> None:
    """Those that have ended, and those under way."""
    tables.rows("UPDATE input SET low_water = 3 WHERE id = 1")
    tables.rows(f"DELETE FROM outcome WHERE row_id IN ({_row(2)}, {_row(9)})")  # noqa: S608  # our own numbers
    tables.intent(_row(2), 0)
    tables.intent(_row(12), 1)

    assert [(1, "a.csv", 9, 3, 7, 2, 3, 12), (2, "b.csv", 9, 0, 9, 0, 0, 9)] == tables.ask(
        "verify_inputs"
    )


def test_what_explains_a_repeat_is_counted(tables: Tables) -> None:
    """Rows that were repeated, how often, and rows that a person had sent again."""
    tables.rows(f"UPDATE outcome SET ambiguous = 2 WHERE row_id IN ({_row(1)}, {_row(2)})")  # noqa: S608  # our own numbers
    decided = {"at_ms": 1, "how": "manual", "who": "ada", "state_before": 20}
    for row, state_after in ((1, 50), (1, 50), (2, 50), (3, 10)):
        tables.put("resolution", row_id=_row(row), state_after=state_after, **decided)

    assert [(2, 4, 2)] == tables.ask("verify_repeats")


@pytest.mark.parametrize("is_ended", [True, False])
def test_rows_of_no_input_and_of_no_state_are_counted(tables: Tables, *, is_ended: bool) -> None:
    """Ended or under way; and those that are both."""
    if is_ended:
        tables.outcome(_row(1, 7), 10)
        tables.outcome(_row(20), 13)
    else:
        tables.intent(_row(1, 7), 0)
        tables.intent(_row(20), 2)
        tables.intent(_row(1), 0)

    assert [(1, 0 if is_ended else 1, 1)] == tables.ask("verify_strays")


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("state", STATES)
def test_a_key_that_two_rows_may_have_sent_is_found(
    state: int, tables: Tables, *, is_kept: bool
) -> None:
    """In full or pruned; a run that was told to send duplicates may."""
    rows = (_row(21), _row(22, 2))
    for row_id, run_id in zip(rows, (1, 3), strict=True):
        tables.outcome(row_id, state, run_id, key=None if is_kept else b"twice")
        if is_kept:
            tables.put("kept_key", key=b"twice", row_id=row_id)
    tables.rows("UPDATE run SET settings = '{}'")
    tables.put("kept_key", key=bytes([1, 1]), row_id=_row(1))  # half-way between the two places
    sent = state in {10, 11, 12, 20, 30}

    assert [(1, 2, rows[0]) if sent else (0, 0, None)] == tables.ask("verify_keys")
    tables.rows("""UPDATE run SET settings = '{"duplicates": "submit"}' WHERE id = 3""")
    assert [(0, 0, None)] == tables.ask("verify_keys")


def test_rows_that_nothing_protects_are_counted(tables: Tables) -> None:
    """They were sent, and their key is neither with them nor kept."""
    before = tables.ask("verify_unkeyed")
    for number, state in enumerate(STATES, start=31):
        for input_id in (1, 2):
            tables.outcome(_row(number, input_id), state, key=None)
        for key in (bytes([number]), bytes([number, 0])):  # released, and sent under another key
            tables.put("kept_key", key=key, row_id=_row(number, 2))
    tables.put("kept_key", key=bytes([1, 1]), row_id=_row(1))

    assert [[(0,)], [(5,)]] == [before, tables.ask("verify_unkeyed")]


def test_findings_are_those_of_a_run(tables: Tables) -> None:
    """The commonest first, and no more than are asked for."""
    for run_id, code, leads in ((1, "a", 1), (1, "b", 2), (2, "a", 9)):
        tables.put("finding", run_id=run_id, field="zip", code=code, leads=leads)

    assert [("zip", "b", 2), ("zip", "a", 1)] == tables.ask(
        "run_findings", run_id=1, findings_max=9
    )
    assert [("zip", "b", 2)] == tables.ask("run_findings", run_id=1, findings_max=1)

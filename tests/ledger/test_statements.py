"""What each statement does to rows that it must not touch, whoever asks: the last guard."""

from collections.abc import Iterator
from typing import Any

import pytest
from tables import LEAD_ID, Tables, a_ledger_in_memory

from bulkpost.ledger.entries import row_id_of

ROW = row_id_of(1, 7)
OTHER = row_id_of(1, 8)


@pytest.fixture
def tables() -> Iterator[Tables]:
    with a_ledger_in_memory() as tables:
        yield tables


def _arm(tables: Tables, row_id: int, key: bytes, *, duplicates: bool = False) -> int:
    told = {"run_id": 1, "content": b"c", "attempt": 2, "ambiguous": 1, "elapsed_ms": 5}
    return tables.change("arm", row_id=row_id, key=key, duplicates=duplicates, **told)


def test_a_row_is_armed_once(tables: Tables) -> None:
    """The second one is refused, whatever its key; it is no error that would stop the run."""
    assert [1, 0, 0] == [_arm(tables, ROW, key) for key in (b"a", b"a", b"b")]
    assert [(ROW, b"a", b"c", 0, 2, 1, 5)] == tables.rows(
        "SELECT row_id, key, content, phase, attempt, ambiguous, elapsed_ms FROM intent"
    )


@pytest.mark.parametrize(("duplicates", "armed"), [(False, 0), (True, 1)])
def test_a_key_on_its_way_holds_back_its_duplicates(
    tables: Tables, armed: int, *, duplicates: bool
) -> None:
    """Unless duplicates are wanted."""
    _arm(tables, ROW, b"a")

    assert armed == _arm(tables, OTHER, b"a", duplicates=duplicates)


@pytest.mark.parametrize(
    ("state", "gives_way"),
    [(10, False), (11, False), (12, False), (20, False), (30, False)]
    + [(state, True) for state in (40, 41, 42, 50)],
)
def test_only_a_row_that_was_not_taken_gives_way_to_an_intent(
    state: int, tables: Tables, *, gives_way: bool
) -> None:
    """An answer is never deleted, even if an intent had come to stand beside it."""
    tables.outcome(ROW, state)
    deleted = tables.change("arm_supersede", row_id=ROW)
    tables.intent(ROW, 0)

    assert [0, gives_way] == [deleted, tables.change("arm_supersede", row_id=ROW)]


_WAIT = {"ambiguous": 1, "due_at_ms": 9, "http_status": 503, "reason_id": 2}


def test_a_row_backs_off_from_its_attempt_only(tables: Tables) -> None:
    """And is armed again from its back-off only."""
    tables.intent(ROW, 0)
    again = {"row_id": ROW, "attempt": 2, "elapsed_ms": 6}
    changed = [
        tables.change("rearm", **again),
        tables.change("back_off", row_id=ROW, **_WAIT),
        tables.change("back_off", row_id=ROW, **_WAIT | {"due_at_ms": 10}),
    ]
    waiting = tables.rows("SELECT phase, ambiguous, due_at_ms, http_status, reason_id FROM intent")
    changed.append(tables.change("rearm", **again))

    assert [0, 1, 0, 1] == changed
    assert [(1, 1, 9, 503, 2)] == waiting
    assert [(0, 2, 6, None)] == tables.rows(
        "SELECT phase, attempt, elapsed_ms, due_at_ms FROM intent"
    )


def _settle(tables: Tables, state: int, **more: Any) -> int:
    told = {"http_status": 201, "attempts": 3, "ambiguous": 2, "reason_id": 1, "lead_id": LEAD_ID}
    costs = {"price_micros": 5, "elapsed_ms": 70, "latency_ms": 8}
    return tables.change("settle", row_id=ROW, state=state, **told, **costs, **more)


@pytest.mark.parametrize(
    ("phase", "states"), [(0, {10, 11, 12, 20, 30, 50}), (1, {50}), (None, set())]
)
def test_a_row_ends_from_where_it_stands(
    phase: int | None, states: set[int], tables: Tables
) -> None:
    """In the states of the table, with all that is told of it, and the key of its intent."""
    if phase is not None:
        tables.intent(ROW, phase, 2, key=b"a", content=b"c")
    ended = set()
    for state in (0, 1, 10, 11, 12, 20, 30, 40, 41, 42, 50):
        if _settle(tables, state):
            ended.add(state)
            assert [(ROW, 2, 201, 3, 2, 1, LEAD_ID, 5, 70, 8, b"a", b"c")] == tables.rows(
                "SELECT row_id, run_id, http_status, attempts, ambiguous, reason_id, lead_id,"
                " price_micros, elapsed_ms, latency_ms, key, content FROM outcome"
            )
            tables.rows("DELETE FROM outcome")

    assert states == ended


def test_an_intent_goes_once_its_row_has_ended(tables: Tables) -> None:
    """Without an ending it stays: its row may have been sent."""
    tables.intent(ROW, 0)
    tables.intent(OTHER, 0)
    before = tables.change("settle_intent", row_id=ROW)
    tables.outcome(ROW, 10)

    assert [0, 1] == [before, tables.change("settle_intent", row_id=ROW)]
    assert [(OTHER,)] == tables.rows("SELECT row_id FROM intent")


def test_a_row_is_due_when_it_was_last_put_off_to(tables: Tables) -> None:
    """An earlier date gives way."""
    for due_at_ms in (5, 9):
        tables.change("settle_due", row_id=ROW, due_at_ms=due_at_ms)

    assert [(ROW, 9)] == tables.rows("SELECT * FROM due")


def test_recovery_tells_what_may_have_been_sent_from_what_waits(tables: Tables) -> None:
    """What an earlier attempt was answered is no answer of the one that was lost."""
    told = {"attempt": 4, "ambiguous": 2, "elapsed_ms": 70, "key": b"a", "content": b"c"}
    late = {"http_status": 503, "reason_id": 2, "due_at_ms": 99}
    tables.intent(ROW, 0, 2, **told, **late)
    tables.intent(OTHER, 1, 2, **told, **late)
    tables.intent(row_id_of(1, 9), 1, 2, **told, **late | {"due_at_ms": None})
    for name in ("recover", "recover_due", "recover_attempt"):
        params = {} if name == "recover_due" else {"reason_id": 1}
        tables.change(name, **params)

    shared = (4, 2, 70, b"a", b"c")
    waiting = (2, 50, 503, 2, *shared)
    assert [
        (ROW, 2, 20, None, 1, *shared),
        (OTHER, *waiting),
        (row_id_of(1, 9), *waiting),
    ] == tables.rows(
        "SELECT row_id, run_id, state, http_status, reason_id, attempts, ambiguous, elapsed_ms,"
        " key, content FROM outcome"
    )
    assert [(OTHER, 99)] == tables.rows("SELECT * FROM due")
    assert [(ROW, 4, 2, 20, 1, 70)] == tables.rows(
        "SELECT row_id, attempt, run_id, state, reason_id, elapsed_ms FROM attempt"
    )


@pytest.mark.parametrize("state", [10, 11, 12, 20, 30, 40, 41, 42, 50])
def test_a_row_is_released_from_the_state_that_was_seen(state: int, tables: Tables) -> None:
    """Only a doubt may hide a taken lead: it counts as one more ambiguous retry."""
    tables.outcome(ROW, state, ambiguous=3, lead_id=LEAD_ID, price_micros=5)
    tables.outcome(OTHER, state)
    seen = [
        tables.change("release", row_id=ROW, state_before=before, reason_id=1)
        for before in [*sorted({11, 12, 20, 30} - {state}), state]
    ]
    released = state in {11, 12, 20, 30}

    assert released == sum(seen) == seen[-1]
    now = (50, 3 + (state == 20), 1, None, None) if released else (state, 3, None, LEAD_ID, 5)
    assert [now, (state, 0, None, None, None)] == tables.rows(
        "SELECT state, ambiguous, reason_id, lead_id, price_micros FROM outcome ORDER BY row_id"
    )


@pytest.mark.parametrize("attempts", [0, 2])
def test_the_attempt_behind_a_decision_stays_as_it_was(attempts: int, tables: Tables) -> None:
    """An attempt is written down once; a row that was never sent has none."""
    tables.outcome(ROW, 20, attempts=attempts, http_status=201, reason_id=1, latency_ms=8)
    tables.outcome(OTHER, 20)
    tables.change("decided_attempt", row_id=ROW)
    tables.rows("UPDATE outcome SET state = 11, http_status = NULL")
    tables.change("decided_attempt", row_id=ROW)

    assert ([(ROW, 2, 1, 20, 201, 1, 0, 8)] if attempts else []) == tables.rows(
        "SELECT row_id, attempt, run_id, state, http_status, reason_id, elapsed_ms, latency_ms"
        " FROM attempt"
    )


_NEWER = bytes(12)


@pytest.mark.parametrize(
    ("decided", "price_micros", "written"),
    [
        ((11, None, None), 5, (LEAD_ID, None)),
        ((11, _NEWER, "by mail"), 5, (_NEWER, "by mail")),
        ((50, None, None), 250_000, (LEAD_ID, "price before: 0.250000")),
        ((50, None, None), 0, (LEAD_ID, None)),
        ((50, None, None), None, (LEAD_ID, None)),
        ((50, None, "by mail"), 250_000, (LEAD_ID, "by mail")),
    ],
)
def test_a_decision_is_written_down_with_what_it_replaces(
    decided: tuple[int, bytes | None, str | None],
    price_micros: int | None,
    written: tuple[Any, ...],
    tables: Tables,
) -> None:
    """A lead id that is told is the lead's; the price of a verdict that gives way is noted."""
    state_after, lead_id, note = decided
    tables.outcome(ROW, 12, lead_id=LEAD_ID, price_micros=price_micros)
    told = {"at_ms": 5, "how": "manual", "who": "ada", "lead_id": lead_id, "note": note}
    tables.change("resolution", row_id=ROW, state_after=state_after, **told)

    assert [(ROW, 5, "manual", "ada", 12, state_after, *written)] == tables.rows(
        "SELECT row_id, at_ms, how, who, state_before, state_after, lead_id, note FROM resolution"
    )


@pytest.mark.parametrize(
    ("state", "afters"),
    [(20, {10, 11, 12, 50}), (30, {10, 11, 12})]
    + [(state, set[int]()) for state in (10, 11, 12, 40, 41, 42, 50)],
)
def test_a_person_decides_about_doubts_and_http_errors(
    state: int, afters: set[int], tables: Tables
) -> None:
    """A lead that was not received has no id; else a salvaged one stays unless another is told."""
    known: dict[str, Any] = {"lead_id": LEAD_ID, "price_micros": 5}
    tables.outcome(ROW, state, **known)
    found = {}
    for after in (10, 11, 12, 20, 30, 40, 41, 42, 50):
        for lead_id, price_micros in ((None, None), (_NEWER, 7)):
            told = {"state_after": after, "lead_id": lead_id, "price_micros": price_micros}
            if tables.change("resolve", row_id=ROW, reason_id=1, **told):
                found[after, lead_id] = tables.rows(
                    "SELECT state, reason_id, price_micros, lead_id FROM outcome"
                )[0]
            tables.rows("DELETE FROM outcome")
            tables.outcome(ROW, state, **known)

    assert {
        (after, lead_id): (after, 1, price_micros, None if after == 50 else lead_id or LEAD_ID)
        for after in afters
        for lead_id, price_micros in ((None, 5), (_NEWER, 7))
    } == found


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("state", [10, 11, 12, 20, 30, 40, 41, 42, 50])
@pytest.mark.parametrize("duplicates", [False, True])
def test_a_key_that_was_sent_holds_back_its_duplicates(
    state: int, tables: Tables, *, is_kept: bool, duplicates: bool
) -> None:
    """Also once its row is pruned. Whoever wants duplicates gets them, but not over a doubt."""
    tables.outcome(OTHER, state, key=None if is_kept else b"a")
    tables.outcome(row_id_of(1, 9), 20, key=None)
    for key, row_id in ((b"a", OTHER), (b"b", row_id_of(1, 9))) if is_kept else ():
        tables.put("kept_key", key=key, row_id=row_id)
    is_free = state in {40, 41, 42, 50} or (duplicates and state != 20)

    assert is_free == bool(_arm(tables, ROW, b"a", duplicates=duplicates))


@pytest.mark.parametrize("state", [10, 11, 12, 20, 30, 40, 41, 42, 50])
def test_keys_are_known_by_the_rows_that_may_have_been_sent(state: int, tables: Tables) -> None:
    """By those that keep them in full and by those that were pruned, several at once."""
    keys = [bytes([number]) * 16 for number in range(1, 5)]
    tables.outcome(ROW, state, key=keys[0], content=b"c")
    tables.outcome(OTHER, state, key=None)
    tables.put("kept_key", key=keys[2], row_id=OTHER, content=b"d")
    found = tables.ask("known_keys", keys=b"".join([keys[1], keys[0], keys[2]]), count=3)

    sent = state in {10, 11, 12, 20, 30}
    expected = [(keys[0], ROW, state, b"c"), (keys[2], OTHER, state, b"d")]
    assert (expected if sent else []) == sorted(found)

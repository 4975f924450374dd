"""The life of a row, walked through a real database: what the table allows, and nothing else."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger.entries import Intent, Rearm, Refused, Settlement, Wait
from bulkpost.ledger.group import Group, Texts, write
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import ANSWERED, REFUSED, TRANSITIONS, Change, State
from bulkpost.outcome import Outcome, OutcomeKind

ROW_ID = (1 << 40) + 7
KEY = b"k" * 16
_ENDS = {
    **dict.fromkeys(ANSWERED, Change.ANSWER),
    State.HTTP_ERROR: Change.HOLD,
    State.IN_DOUBT: Change.DOUBT,
    State.DEFERRED: Change.DEFER,
}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(sql("schema"))
        yield connection


def _state(database: sqlite3.Connection) -> State:
    intents = database.execute("SELECT phase FROM intent WHERE row_id = ?", (ROW_ID,)).fetchall()
    outcomes = database.execute("SELECT state FROM outcome WHERE row_id = ?", (ROW_ID,)).fetchall()
    assert len(intents) + len(outcomes) <= 1, "a row has more than one state"
    return State([*intents, *outcomes][0][0]) if intents or outcomes else State.PENDING


def _put_in(database: sqlite3.Connection, state: State) -> None:
    """Make a row stand in a state, without asking how it came there."""
    if state in {State.ARMED, State.BACK_OFF}:
        database.execute(
            "INSERT INTO intent (row_id, run_id, key, phase, attempt, ambiguous, elapsed_ms)"
            " VALUES (?, 1, ?, ?, 1, 0, 0)",
            (ROW_ID, KEY, state.value),
        )
    elif state is not State.PENDING:
        database.execute(
            "INSERT INTO outcome (row_id, run_id, state, attempts, ambiguous, elapsed_ms, key)"
            " VALUES (?, 1, ?, 1, 0, 0, ?)",
            (ROW_ID, state.value, KEY),
        )


def _apply(database: sqlite3.Connection, group: Group) -> None:
    database.execute("BEGIN")
    try:
        write(group, Texts(), database)
        database.execute("COMMIT")
    except LedgerWriteError:
        database.execute("ROLLBACK")


def _group(change: Change, target: State) -> Group | None:
    """Return the entries with which the engine asks for a change, if it ever does."""
    group = Group(1)
    if change is Change.ARM:
        group.intents.append((Intent(ROW_ID, KEY, supersedes=True), 0))
    elif change is Change.BACK_OFF:
        waiting = Outcome(OutcomeKind.DEFERRED, http_status=503)
        group.waits.append((Wait(ROW_ID, 1, waiting, 0, due_at_ms=5), 0))
    elif change is Change.REFUSE:
        group.refusals.append((Refused(ROW_ID, target, "why"), 0))
    elif change in _ENDS.values():
        group.settlements.append((Settlement(ROW_ID, Outcome(target.kind)), 0))
    else:
        return None
    return group


def _by_hand(database: sqlite3.Connection, change: Change, target: State) -> None:
    params = {
        "row_id": ROW_ID,
        "state_before": _state(database).value,
        "state_after": target.value,
        "reason_id": None,
        "lead_id": None,
        "price_micros": None,
    }
    name = "release" if change is Change.RELEASE else "resolve"
    database.execute(sql(name), params)


def _asked() -> Iterator[tuple[State, Change, State]]:
    """Yield every change of every state that an entry or a person can ask for."""
    for state in State:
        yield state, Change.ARM, State.ARMED
        yield state, Change.BACK_OFF, State.BACK_OFF
        yield state, Change.RELEASE, State.DEFERRED
        for target in sorted(REFUSED):
            yield state, Change.REFUSE, target
        for target, change in _ENDS.items():
            yield state, change, target
        for target in sorted(ANSWERED | {State.DEFERRED}):
            yield state, Change.RESOLVE, target


@pytest.mark.parametrize(("state", "change", "target"), list(_asked()))
def test_the_sql_allows_what_the_table_allows_and_nothing_else(
    state: State, change: Change, target: State, database: sqlite3.Connection
) -> None:
    """Whatever is asked for, the row moves only along an entry of TRANSITIONS."""
    _put_in(database, state)
    is_allowed = target in TRANSITIONS[state].get(change, ())
    group = _group(change, target)
    if group is not None:
        _apply(database, group)
        if change is Change.ARM:
            _apply(database, Group(1, rearms=[(Rearm(ROW_ID, 2), 0)]))
    else:
        _by_hand(database, change, target)

    assert (target if is_allowed else state) == _state(database)


def test_every_transition_is_asked_for() -> None:
    """The walk above covers the whole table."""
    asked = set(_asked())
    table = {
        (state, change, target)
        for state, changes in TRANSITIONS.items()
        for change, targets in changes.items()
        for target in targets
    }

    assert set() == table - asked


@pytest.mark.parametrize(
    ("phase", "state"), [(State.ARMED, State.IN_DOUBT), (State.BACK_OFF, State.DEFERRED)]
)
def test_recovery_moves_intents_along_the_table(
    phase: State, state: State, database: sqlite3.Connection
) -> None:
    """What a dead run left armed is in doubt, what it left in back-off is deferred."""
    _put_in(database, phase)
    database.execute(sql("recover"), {"reason_id": None})
    database.execute("DELETE FROM intent")

    assert state == _state(database)
    assert state in set().union(*TRANSITIONS[phase].values())


_SENT = sorted({State.SUCCESS, State.FAILURE, State.ERROR, State.HTTP_ERROR})


@pytest.mark.parametrize(("state", "may_repeat"), list(itertools.product(_SENT, [False, True])))
def test_a_key_that_was_sent_is_armed_again_only_when_asked_for(
    state: State,
    may_repeat: bool,  # noqa: FBT001  # both ways
    database: sqlite3.Connection,
) -> None:
    """The last guard against a double stands in the transaction of the intent itself."""
    group = _twin_of(database, state, may_repeat=may_repeat)

    assert may_repeat == (not group.refused)


@pytest.mark.parametrize("may_repeat", [False, True])
def test_a_key_in_doubt_is_never_armed_again(
    may_repeat: bool,  # noqa: FBT001  # both ways
    database: sqlite3.Connection,
) -> None:
    """Not even --duplicates submit sends what may have been taken."""
    assert _twin_of(database, State.IN_DOUBT, may_repeat=may_repeat).refused


@pytest.mark.parametrize("state", [State.ARMED, State.BACK_OFF])
def test_a_key_on_its_way_is_not_armed_again(state: State, database: sqlite3.Connection) -> None:
    """Two equal rows of one list meet here while the first is in flight or waits."""
    assert _twin_of(database, state, may_repeat=False).refused


@pytest.mark.parametrize("state", sorted(REFUSED | {State.DEFERRED}))
def test_a_key_that_was_never_taken_is_free(state: State, database: sqlite3.Connection) -> None:
    """Rows that were refused or deferred protect nothing."""
    assert not _twin_of(database, state, may_repeat=False).refused


def _twin_of(database: sqlite3.Connection, state: State, *, may_repeat: bool) -> Group:
    _put_in(database, state)
    group = Group(1)
    group.intents.append((Intent(ROW_ID + 1, KEY, allow_duplicate=may_repeat), 0))
    _apply(database, group)
    return group

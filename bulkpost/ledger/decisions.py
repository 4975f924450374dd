"""What a person decides about rows: send again, or: this is what became of it.

Every decision is made under the ledger's lock, obeys ``TRANSITIONS``, and leaves an audit row with
who, when, and the state before and after. What it replaces stays in the row's history.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkpost.clock import Clock
from bulkpost.errors import UsageError
from bulkpost.ledger.entries import input_id_of, row_id_of, row_number_of
from bulkpost.ledger.group import Texts, lead_id_bytes
from bulkpost.ledger.ledger import Ledger, LedgerOptions, open_ledger
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import ANSWERED, TRANSITIONS, Change, State
from bulkpost.outcome import Outcome
from bulkpost.redact import scrub

TRANSACTION_ROWS_MAX: Final = 1_000
NOTE_CHARS_MAX: Final = 500
_RELEASED: Final = {
    State.IN_DOUBT: "was in doubt; released to be sent again",
    State.HTTP_ERROR: "was an http error; released to be sent again",
    State.FAILURE: "was a failure; released to be sent again",
    State.ERROR: "was an error; released to be sent again",
}
_RESOLVED: Final = "resolved by hand"
_NOT_RECEIVED: Final = "not received, says a person"


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides, and by what means.

    Attributes:
        who: Name of the operating system's user.
        how: "manual", "retry", "resend", "reconciled".
        at_ms: When, milliseconds since 1970.
    """

    who: str
    how: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of some rows.

    Attributes:
        state: SUCCESS, FAILURE or ERROR; or DEFERRED for "LeadConduit did not receive it".
        lead_id: LeadConduit's id, 24 hex digits; None keeps one that was salvaged.
        note: Where this is known from; scrubbed before it is stored.
        verdict: LeadConduit's own, with its scrubbed reason and its price, of the kind that
            ``state`` is; None if a person decides.
    """

    state: State
    lead_id: str | None = None
    note: str | None = None
    verdict: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Resent:
    """What ``resend`` did.

    Attributes:
        released: Rows that the next submit sends again.
        held: Rows left in doubt, for their last attempt is too young.
        held_until_ms: When the last of these is old enough; None if there are none.
    """

    released: int
    held: int = 0
    held_until_ms: int | None = None


@asynccontextmanager
async def open_for_decisions(path: Path, purpose: str, clock: Clock) -> AsyncIterator[Ledger]:
    """Open an existing ledger under its lock, whatever its environment; nothing is sent.

    Raises:
        LedgerError: As ``open_ledger``; and there is none.
    """
    options = LedgerOptions(environment=None, purpose=purpose, create=False)
    async with open_ledger(path, options, clock) as ledger:
        yield ledger


async def release(
    ledger: Ledger,
    input_id: int,
    states: frozenset[State],
    author: Author,
    *,
    run_id: int | None = None,
) -> int:
    """Let the next submit send rows of an input again, and return how many.

    Args:
        ledger: The ledger, open under its lock.
        input_id: The input.
        states: States to release: FAILURE, ERROR, HTTP_ERROR; IN_DOUBT, whose rows may have been
            taken and are counted as one more ambiguous retry.
        author: Who asks.
        run_id: Only rows that ended in this run; None for all.

    Raises:
        UsageError: A state is not one that can be released.
        LedgerWriteError: It could not be written; of the row at hand's thousand nothing was.
    """
    for state in states:
        _check_releasable(state)
    released = 0
    for state in sorted(states):
        after = row_id_of(input_id, 1) - 1
        while True:
            params = {
                "after": after,
                "last": row_id_of(input_id + 1, 1) - 2,
                "state": state.value,
                "run_id": run_id,
                "rows_max": TRANSACTION_ROWS_MAX,
            }
            found = [row[0] for row in await ledger.reader.fetch(sql("release_candidates"), params)]
            if not found:
                break
            released += await _release(ledger, found, state, author)
            after = found[-1]
    return released


async def resend(
    ledger: Ledger,
    row_ids: Sequence[int] | None,
    author: Author,
    *,
    run_id: int | None = None,
    age_ms_min: int,
) -> Resent:
    """Let the next submit send rows in doubt again, unless their last attempt is too young.

    Args:
        ledger: The ledger, open under its lock.
        row_ids: The rows; None for all that are in doubt.
        author: Who asks.
        run_id: Only rows of this run; None for all.
        age_ms_min: LeadConduit may still be at work on a row that was sent later than this ago.

    Raises:
        UsageError: A named row is not in doubt; nothing was released.
        LedgerWriteError: It could not be written.
    """
    if row_ids is not None:
        await _check_in_doubt(ledger, row_ids)
    wanted = None if row_ids is None else frozenset(row_ids)
    released, held, youngest_ms, after = 0, 0, 0, -1
    while True:
        params = {"after": after, "run_id": run_id, "rows_max": TRANSACTION_ROWS_MAX}
        found = await ledger.reader.fetch(sql("doubts_sent_at"), params)
        if not found:
            break
        after = found[-1][0]
        asked = [row for row in found if wanted is None or row[0] in wanted]
        ripe = [row_id for row_id, sent_at_ms in asked if author.at_ms - sent_at_ms >= age_ms_min]
        held += len(asked) - len(ripe)
        youngest_ms = max([youngest_ms, *(sent_at_ms for _, sent_at_ms in asked)])
        released += await _release(ledger, ripe, State.IN_DOUBT, author)
    return Resent(released, held, youngest_ms + age_ms_min if held else None)


async def resolve(
    ledger: Ledger,
    row_ids: Sequence[int],
    resolution: Resolution,
    author: Author,
) -> int:
    """Write down what became of rows in doubt (or of http errors), all of them or none.

    What LeadConduit's own records say takes the place of the reason; what a person says does not
    pass for LeadConduit's words.

    Raises:
        UsageError: A row is not in a state that a person can resolve like this.
        LedgerWriteError: It could not be written; nothing of it was.
    """
    assert resolution.state in ANSWERED | {State.DEFERRED}, resolution.state
    note = scrub(resolution.note, chars_max=NOTE_CHARS_MAX) if resolution.note else None
    verdict = resolution.verdict
    assert verdict is None or State.of(verdict.kind) is resolution.state, verdict
    reason: str | None = _NOT_RECEIVED if resolution.state is State.DEFERRED else _RESOLVED
    if verdict is not None:
        reason = verdict.reason
    lead_id = lead_id_bytes(resolution.lead_id)

    def work(raw: sqlite3.Connection) -> int:
        reason_id = Texts().reason_id(raw, reason)
        for row_id in row_ids:
            state = _state_of(raw, row_id)
            if resolution.state not in TRANSITIONS[state].get(Change.RESOLVE, ()):
                raise _not_resolvable(row_id, state, resolution.state)
            params = {
                "row_id": row_id,
                "at_ms": author.at_ms,
                "how": author.how,
                "who": author.who,
                "state_after": resolution.state.value,
                "lead_id": lead_id,
                "note": note,
                "reason_id": reason_id,
                "price_micros": None if verdict is None else verdict.price_micros,
            }
            _decide(raw, params, "resolve")
        return len(row_ids)

    return int(await ledger.writer.transact(work))


async def _release(ledger: Ledger, row_ids: Sequence[int], state: State, author: Author) -> int:
    if not row_ids:
        return 0

    def work(raw: sqlite3.Connection) -> int:
        reason_id = Texts().reason_id(raw, _RELEASED[state])
        for row_id in row_ids:
            params = {
                "row_id": row_id,
                "at_ms": author.at_ms,
                "how": author.how,
                "who": author.who,
                "state_before": state.value,
                "state_after": State.DEFERRED.value,
                "lead_id": None,
                "note": None,
                "reason_id": reason_id,
            }
            _decide(raw, params, "release")
        return len(row_ids)

    return int(await ledger.writer.transact(work))


def _decide(raw: sqlite3.Connection, params: dict[str, object], statement: str) -> None:
    """Keep what was, write the audit row, change the state; part of the caller's transaction."""
    raw.execute(sql("decided_attempt"), params)
    raw.execute(sql("resolution"), params)
    changed = raw.execute(sql(statement), params).rowcount
    assert changed == 1, "a row changed its state under the ledger's lock"


async def _check_in_doubt(ledger: Ledger, row_ids: Sequence[int]) -> None:
    def work(raw: sqlite3.Connection) -> None:
        for row_id in row_ids:
            state = _state_of(raw, row_id)
            if state is not State.IN_DOUBT:
                raise UsageError(
                    f"row {_named(row_id)} is not in doubt, but {_words(state)}",
                    advice="Nothing was released. `bulkpost doubt list` names the rows in doubt; "
                    "`bulkpost retry` sends other rows again.",
                )

    await ledger.writer.transact(work)


def _check_releasable(state: State) -> None:
    if Change.RELEASE not in TRANSITIONS[state]:
        raise UsageError(
            f"rows that are {_words(state)} are not released",
            advice="A success is never sent again; deferred, invalid, duplicate and pending rows "
            "are looked at by the next submit anyway.",
        )


def _state_of(raw: sqlite3.Connection, row_id: int) -> State:
    found = raw.execute("SELECT state FROM outcome WHERE row_id = ?", (row_id,)).fetchone()
    return State(found[0]) if found else State.PENDING


def _not_resolvable(row_id: int, state: State, wanted: State) -> UsageError:
    if state is State.HTTP_ERROR and wanted is State.DEFERRED:
        return UsageError(
            f"row {_named(row_id)} is an http error: it was answered, so it was received",
            advice="To send it again: `bulkpost retry`. Nothing was changed.",
        )
    return UsageError(
        f"row {_named(row_id)} is not in doubt, but {_words(state)}",
        advice="Nothing was changed. `bulkpost doubt list` names the rows in doubt.",
    )


def _named(row_id: int) -> str:
    return f"{input_id_of(row_id)}:{row_number_of(row_id)}"


def _words(state: State) -> str:
    return state.name.lower().replace("_", " ")

"""The whole life of one row, as far as the ledger knows it."""

from dataclasses import dataclass
from typing import Any, Final

from bulkpost.errors import UsageError
from bulkpost.ledger.entries import row_id_of, row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import ANSWERED, State
from bulkpost.reporting.row_reference import full_reason
from bulkpost.reporting.summary import RunRecord
from bulkpost.reporting.support import Exchange, exchange_of
from bulkpost.reporting.wording import iso_text, price_text

ATTEMPTS_MAX: Final = 1_000
RESOLUTIONS_MAX: Final = 1_000
RECEIVED_BEFORE: Final = (
    "received before, or a duplicate of another lead: it was sent again after an attempt that may "
    "have been taken"
)
_WORDS: Final = {State.ARMED: "in flight", State.BACK_OFF: "waiting for its next attempt"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a row.

    Attributes:
        number: The first is 1.
        run: The run that made it.
        state: How it ended.
        http_status: Status of the answer; None if there was none.
        reason: LeadConduit's or ours, scrubbed.
        at_ms: When its end was recorded, milliseconds since 1970.
        latency_ms: How long the answer took; None if there was none.
    """

    number: int
    run: int
    state: State
    http_status: int | None
    reason: str | None
    at_ms: int | None
    latency_ms: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "attempt": self.number,
            "run": self.run,
            "outcome": state_words(self.state),
            "http_status": self.http_status,
            "reason": self.reason,
            "at": iso_text(self.at_ms),
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True, slots=True)
class Resolved:
    """A decision about a row: an audit row of the ledger, decoded."""

    at_ms: int
    how: str
    who: str
    before: State
    after: State
    lead_id: str | None
    note: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "at": iso_text(self.at_ms),
            "how": self.how,
            "who": self.who,
            "before": state_words(self.before),
            "after": state_words(self.after),
            "lead_id": self.lead_id,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row stands now, in the order of ``row_now.sql``; the reason is the full one."""

    state: State
    reason: str | None = None
    lead_id: str | None = None
    price_micros: int | None = None
    http_status: int | None = None
    attempts: int = 0
    ambiguous: int = 0
    at_ms: int | None = None
    latency_ms: int | None = None
    run: int | None = None
    due_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RowLife:
    """All that is known of one row.

    Attributes:
        row_id: The ledger's number for it.
        input_path: Where its input lay, scrubbed.
        now: How it stands.
        attempts: What was tried, oldest first.
        resolutions: What was decided about it, oldest first.
        exchange: Request and answer of its last http_error; None if it had none.
        pruned_at_ms: When its times, earlier attempts and exchange were let go; None if never.
    """

    row_id: int
    input_path: str
    now: Standing
    attempts: tuple[Attempt, ...]
    resolutions: tuple[Resolved, ...]
    exchange: Exchange | None
    pruned_at_ms: int | None = None

    @property
    def row_number(self) -> int:
        """The row's number in its input; the first is 1."""
        return row_number_of(self.row_id)

    @property
    def remark(self) -> str | None:
        """What LeadConduit's verdict may mean beside its words; None if nothing."""
        now = self.now
        is_repeat = now.state is State.FAILURE and now.ambiguous > 0
        says_so = "duplicate" in (now.reason or "").lower()  # as run_totals.sql counts them
        return RECEIVED_BEFORE if is_repeat and says_so else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        now = self.now
        price = None if now.price_micros is None else price_text(now.price_micros)
        return {
            "row": self.row_number,
            "input": self.input_path,
            "state": state_words(now.state),
            "reason": now.reason,
            "remark": self.remark,
            "lead_id": now.lead_id,
            "price": price,
            "http_status": now.http_status,
            "attempts": now.attempts,
            "ambiguous_retries": now.ambiguous,
            "at": iso_text(now.at_ms),
            "latency_ms": now.latency_ms,
            "run": now.run,
            "due_at": iso_text(now.due_at_ms),
            "history": [attempt.to_dict() for attempt in self.attempts],
            "resolutions": [resolved.to_dict() for resolved in self.resolutions],
            "exchange": None if self.exchange is None else self.exchange.to_dict(),
            "pruned_at": iso_text(self.pruned_at_ms),
        }


def after_death(state: State) -> State:
    """Return what the next recovery makes of a state, if the run that left it has died."""
    return {State.ARMED: State.IN_DOUBT, State.BACK_OFF: State.DEFERRED}.get(state, state)


def state_words(state: State) -> str:
    """Return a state in words: "in doubt", "in flight", "success"."""
    return _WORDS.get(state) or state.name.lower().replace("_", " ")


async def row_life(
    reader: LedgerReader, record: RunRecord, row_number: int, *, is_busy: bool
) -> RowLife:
    """Return the life of a row of a run's input.

    Args:
        reader: The ledger.
        record: The run.
        row_number: The row; the first is 1.
        is_busy: A run is going on: what has an intent is under way, not left behind.

    Raises:
        UsageError: The input has no such row.
    """
    if not 1 <= row_number <= record.input_rows:
        raise UsageError(
            f"there is no row {row_number}: the input of run {record.run} has "
            f"{record.input_rows:,} rows",
            advice="The first data row is 1; the header does not count.",
        )
    row_id = row_id_of(record.input_id, row_number)
    params = {"row_id": row_id}
    found = await reader.fetch(sql("row_now"), params)
    now = _standing(found[0], is_busy=is_busy) if found else Standing(State.PENDING)
    tried = await reader.fetch(sql("row_attempts"), {**params, "attempts_max": ATTEMPTS_MAX})
    decided = await reader.fetch(
        sql("row_resolutions"), {**params, "resolutions_max": RESOLUTIONS_MAX}
    )
    kept = await reader.fetch("SELECT request, reply FROM exchanges WHERE row_id = :row_id", params)
    return RowLife(
        row_id=row_id,
        input_path=record.input_path,
        now=now,
        attempts=_attempts(
            now, [Attempt(row[0], row[1], State(row[2]), *row[3:]) for row in tried]
        ),
        resolutions=tuple(_resolved(row) for row in decided),
        exchange=exchange_of(*kept[0]) if kept else None,
        # Its run may have been pruned while the row itself was kept in full.
        pruned_at_ms=record.pruned_at_ms if found and now.at_ms is None else None,
    )


def _standing(row: tuple[Any, ...], *, is_busy: bool) -> Standing:
    code, reason, lead_id, *rest, detail = row
    state = State(code) if is_busy else after_death(State(code))
    return Standing(state, full_reason(state, reason, detail), lead_id or None, *rest)


def _attempts(now: Standing, tried: list[Attempt]) -> tuple[Attempt, ...]:
    """Add the attempt that ended in a verdict: the ledger keeps that one with the row itself."""
    is_told = any(attempt.number == now.attempts for attempt in tried)
    if now.state in ANSWERED and not is_told and now.run is not None:
        last = Attempt(
            now.attempts,
            now.run,
            now.state,
            now.http_status,
            now.reason,
            now.at_ms,
            now.latency_ms,
        )
        return (*tried, last)
    return tuple(tried)


def _resolved(row: tuple[Any, ...]) -> Resolved:
    at_ms, how, who, before, after, lead_id, note = row
    return Resolved(at_ms, how, who, State(before), State(after), lead_id or None, note)

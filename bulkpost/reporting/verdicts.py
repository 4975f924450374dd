"""What became of each row of an input, as the ledger tells it now: for files and for frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from bulkpost.ledger.entries import row_id_of, row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.reporting.row_life import after_death
from bulkpost.reporting.row_reference import full_reason
from bulkpost.reporting.wording import price_text, time_at

# How a state is called where there is one word for it, in the order in which tables have them.
OUTCOME_NAMES: Final = {
    **{state: state.name.lower() for state in State if state > State.BACK_OFF},
    State.PENDING: "pending",
    State.ARMED: "in_flight",
    State.BACK_OFF: "waiting",
}

NOT_YET: Final = "not submitted yet"

VerdictValue = str | int | Decimal | datetime | None


class Part(StrEnum):
    """The five files that an export makes. Each row belongs to one of them."""

    SUCCESS = "success"  # nothing to do
    FAILURE = "failure"  # mend the values and submit the file
    ERROR = "error"  # answered, but not for its values: mend the cause, then retry
    IN_DOUBT = "in-doubt"  # find out, then decide: `bulkpost doubt`
    UNSENT = "unsent"  # not submitted, or surely not taken: mend what is invalid, submit the file


PART_OF: Final = {
    State.SUCCESS: Part.SUCCESS,
    State.FAILURE: Part.FAILURE,
    State.ERROR: Part.ERROR,
    State.HTTP_ERROR: Part.ERROR,
    State.IN_DOUBT: Part.IN_DOUBT,
    State.ARMED: Part.IN_DOUBT,  # under way: nobody knows yet
    State.BACK_OFF: Part.UNSENT,
    State.INVALID: Part.UNSENT,
    State.DUPLICATE: Part.UNSENT,
    State.CONFLICT: Part.UNSENT,
    State.DEFERRED: Part.UNSENT,
    State.PENDING: Part.UNSENT,
}


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """How one row stands. Times are milliseconds since 1970, prices millionths."""

    row: int
    state: State = State.PENDING
    reason: str | None = None
    lead_id: str | None = None
    price_micros: int | None = None
    http_status: int | None = None
    attempts: int = 0
    at_ms: int | None = None

    @classmethod
    def of(cls, found: tuple[Any, ...], *, is_busy: bool) -> Self:
        """Decode a row of ``export_rows.sql``."""
        row_id, code, reason, lead_id, price, status, attempts, at_ms, detail = found
        state = State(code) if is_busy else after_death(State(code))
        reason = full_reason(state, reason, detail)
        number = row_number_of(row_id)
        return cls(number, state, reason, lead_id or None, price, status, attempts, at_ms)

    @property
    def part(self) -> Part:
        """The file that the row belongs to."""
        return PART_OF[self.state]

    def values(self) -> tuple[VerdictValue, ...]:
        """Return what stands in ``VERDICT_COLUMNS``; a price has at least two decimals."""
        return (
            self.row,
            OUTCOME_NAMES[self.state],
            self.reason,
            self.lead_id,
            None if self.price_micros is None else Decimal(price_text(self.price_micros)),
            self.http_status,
            self.attempts,
            None if self.at_ms is None else time_at(self.at_ms),
        )


async def verdicts_between(
    reader: LedgerReader, input_id: int, span: tuple[int, int], *, is_busy: bool
) -> Sequence[RowVerdict]:
    """Return a verdict for each row from the first to the last of a span, in order.

    Args:
        reader: The ledger.
        input_id: Its number for the input.
        span: The first and the last row number.
        is_busy: A run is going on: what has an intent is under way, not left behind.
    """
    first, last = span
    params = {"first": row_id_of(input_id, first), "last": row_id_of(input_id, last)}
    found = await reader.fetch(sql("export_rows"), params)
    known = {row_number_of(row[0]): RowVerdict.of(row, is_busy=is_busy) for row in found}
    return [
        known.get(number) or RowVerdict(number, reason=NOT_YET) for number in range(first, last + 1)
    ]

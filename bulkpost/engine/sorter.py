"""What is to be done with each row: sent, left alone, or refused.

The one place that decides this, so that the plan shown by ``check`` and the run that follows cannot
disagree. Reads the ledger, writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol

from bulkpost.engine.job import ItemT, Job, Prepare, Prepared
from bulkpost.ledger.entries import (
    KnownKey,
    KnownRow,
    Refused,
    input_id_of,
    row_id_of,
)
from bulkpost.ledger.states import SENDABLE, State
from bulkpost.row import Row

# How a row without an ending is called before people.
_STANDS: Final = {State.PENDING: "", State.ARMED: "in flight", State.BACK_OFF: "to be retried"}


class Known(Protocol):
    """What is known already; ``LedgerReader`` is one."""

    async def known_rows(self, input_id: int, first: int, last: int) -> dict[int, KnownRow]:
        """Return what is known of the rows ``first`` to ``last``, by row number."""
        ...

    async def known_keys(self, keys: Sequence[bytes]) -> dict[bytes, list[KnownKey]]:
        """Return under which rows these keys may have been sent already."""
        ...


class _Nothing:
    """A ledger that knows nothing."""

    async def known_rows(self, input_id: int, first: int, last: int) -> dict[int, KnownRow]:  # noqa: ARG002
        return {}

    async def known_keys(self, keys: Sequence[bytes]) -> dict[bytes, list[KnownKey]]:  # noqa: ARG002
        return {}


@dataclass(slots=True)
class Sorted(Generic[ItemT]):
    """A batch of rows, sorted.

    Attributes:
        jobs: Rows to send.
        refused: Rows that are not sent, with the reason.
        settled: Rows that have their ending already, by row number.
        due_at_ms: When the deferred ones among ``jobs`` may be sent, by row number.
        earlier: What the ledger held of the rows in ``jobs`` and ``refused``, by row number.
    """

    jobs: list[Job[ItemT]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    settled: dict[int, State] = field(default_factory=dict)
    due_at_ms: dict[int, int] = field(default_factory=dict)
    earlier: dict[int, KnownRow] = field(default_factory=dict)


class Sorter(Generic[ItemT]):
    """Sorts the rows of one input."""

    def __init__(
        self,
        known: Known,
        prepare: Prepare[ItemT],
        input_id: int,
        *,
        last_known_row: int,
        submit_duplicates: bool,
    ) -> None:
        """Prepare to sort.

        Args:
            known: The ledger.
            prepare: Turns a row into what it sends.
            input_id: The input; 0 if the ledger does not have it.
            last_known_row: Highest row of the input that the ledger knows.
            submit_duplicates: Rows are sent although their key was sent before.
        """
        self._known = known
        self._prepare = prepare
        self._input_id = input_id
        self._last_known_row = last_known_row
        self._submit_duplicates = submit_duplicates

    @classmethod
    def unknowing(cls, prepare: Prepare[ItemT], input_id: int) -> "Sorter[ItemT]":
        """Return a sorter for where there is no ledger."""
        return cls(_Nothing(), prepare, input_id, last_known_row=0, submit_duplicates=False)

    async def sort(self, rows: Sequence[Row]) -> Sorted[ItemT]:
        """Sort some rows, which are in the order of the input."""
        result: Sorted[ItemT] = Sorted()
        if rows and rows[0].number <= self._last_known_row:
            result.earlier = await self._known.known_rows(
                self._input_id, rows[0].number, rows[-1].number
            )
        candidates = [job for row in rows if (job := self._candidate(row, result)) is not None]
        taken = await self._known.known_keys([job.prepared.identity.key for job in candidates])
        for job in candidates:
            refusal = self._refusal(job, taken.get(job.prepared.identity.key, ()))
            if refusal is None:
                result.jobs.append(job)
            else:
                result.refused.append(refusal)
        return result

    def _candidate(self, row: Row, result: Sorted[ItemT]) -> Job[ItemT] | None:
        earlier = result.earlier.get(row.number)
        if earlier is not None and earlier.state not in SENDABLE:
            result.settled[row.number] = earlier.state
            return None
        row_id = row_id_of(self._input_id, row.number)
        prepared = self._prepare(row)
        if not isinstance(prepared, Prepared):
            if earlier is not None and earlier.state is State.DEFERRED:
                # Its earlier attempts are history worth keeping; the map changed under it.
                result.settled[row.number] = State.DEFERRED
                return None
            result.refused.append(Refused(row_id, State.INVALID, prepared, row.line_number))
            return None
        job = Job(row.number, row_id, prepared, allow_duplicate=self._submit_duplicates)
        if earlier is not None:
            job.supersedes = True
            job.attempt, job.ambiguous = earlier.attempts, earlier.ambiguous
            if earlier.due_at_ms is not None:
                result.due_at_ms[row.number] = earlier.due_at_ms
        return job

    def _refusal(self, job: Job[ItemT], taken: Sequence[KnownKey]) -> Refused | None:
        others = [entry for entry in taken if entry.row_id != job.row_id]
        if self._submit_duplicates:
            others = [entry for entry in others if entry.state is State.IN_DOUBT]
        return refusal_of(job, others[0]) if others else None


def refusal_of(job: Job[ItemT], taken: KnownKey) -> Refused:
    """Say why a row is not sent whose key was, or is being, sent."""
    where = "another row"
    if input_id_of(taken.row_id) != input_id_of(job.row_id):
        where = "a row of another input"
    content, words = job.prepared.identity.content, job.prepared.words
    if content is not None and taken.content is not None and content != taken.content:
        reason = f"same {words.key} as {where}, other {words.content}"
        return Refused(job.row_id, State.CONFLICT, reason, taken.row_id)
    stands = _STANDS.get(taken.state, taken.state.name.lower().replace("_", " "))
    reason = f"same {words.item} as {where}" + (f" ({stands})" if stands else "")
    return Refused(job.row_id, State.DUPLICATE, reason, taken.row_id)

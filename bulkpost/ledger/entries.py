"""What the engine tells the ledger about a row: one value per change of state."""

from dataclasses import dataclass, field

from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome

_ROW_BITS = 40
ROW_NUMBER_MAX = (1 << _ROW_BITS) - 1


def row_id_of(input_id: int, row_number: int) -> int:
    """Return the ledger's number for a row: unique over all inputs."""
    assert 1 <= row_number <= ROW_NUMBER_MAX, row_number
    return input_id << _ROW_BITS | row_number


def input_id_of(row_id: int) -> int:
    """Return the input of a row."""
    return row_id >> _ROW_BITS


def row_number_of(row_id: int) -> int:
    """Return the number of a row in its input."""
    return row_id & ROW_NUMBER_MAX


@dataclass(frozen=True, slots=True)
class Intent:
    """A row is about to be sent.

    Attributes:
        row_id: The row.
        key: Its identity under the destination.
        content: Digest of what is sent, if the key does not cover it.
        attempt: Number of this attempt over all runs; the first is 1.
        ambiguous: Attempts so far that were answered 502 or 504.
        supersedes: The row has an earlier ending (deferred, or refused by an older column map).
        allow_duplicate: Send it although its key was sent before (``--duplicates submit``).
    """

    row_id: int
    key: bytes
    content: bytes | None = None
    attempt: int = 1
    ambiguous: int = 0
    supersedes: bool = False
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Rearm:
    """A row in back-off is about to be sent again."""

    row_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Wait:
    """An attempt ended without a verdict, and the row waits for the next one.

    Attributes:
        row_id: The row.
        attempt: The attempt that ended.
        outcome: What the row's ending would be now: kind deferred, with status and reason.
        ambiguous: As in ``Intent``, this attempt included.
        due_at_ms: When the next attempt may go, milliseconds since 1970.
        latency_ms: How long the answer took; None if there was none.
    """

    row_id: int
    attempt: int
    outcome: Outcome
    ambiguous: int
    due_at_ms: int
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A row has ended, for this run or for good.

    Attributes:
        row_id: The row.
        outcome: What became of it; kinds that were never sent use ``Refusal`` instead.
        attempts: Attempts over all runs.
        ambiguous: Of these, how many were answered 502 or 504.
        latency_ms: How long the last answer took; None if there was none.
        due_at_ms: For a deferred row, when it may be sent again; None for at once.
        evidence: For an http_error, the scrubbed request and its reply, each as JSON.
    """

    row_id: int
    outcome: Outcome
    attempts: int = 1
    ambiguous: int = 0
    latency_ms: int | None = None
    due_at_ms: int | None = None
    evidence: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row was never sent: invalid, duplicate or conflict.

    Attributes:
        row_id: The row.
        state: Which of the three.
        reason: Why, in one of few fixed sentences: each is stored once.
        detail: For an invalid row the line of the file on which it begins, for the others the
            ``row_id`` that has the key.
    """

    row_id: int
    state: State
    reason: str
    detail: int | None = None


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What the ledger holds of a row of the input at hand."""

    row_id: int
    state: State
    attempts: int
    ambiguous: int
    due_at_ms: int | None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """The row under which a key may have been sent."""

    key: bytes
    row_id: int
    state: State
    content: bytes | None

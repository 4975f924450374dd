"""One pass of one command over one input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RunEnding(StrEnum):
    """How a run ended; a run that died has none."""

    FINISHED = "finished"  # every row was looked at
    LIMIT = "limit"  # --limit or a deadline was reached
    CEILING = "ceiling"  # --max-submit was reached
    DRAINED = "drained"  # asked to stop: what was in flight was awaited
    ABORTED = "aborted"  # asked twice: what was in flight is in doubt
    REFUSED = "refused"  # the destination refused, or could not be reached
    BUDGET = "budget"  # too many http errors
    FAILED = "failed"  # the ledger or bulkpost itself failed


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run when it begins.

    Attributes:
        input_id: The ledger's number for its input.
        command: "submit", "retry", ...
        rows_before: Rows of the input that had an outcome before it.
        settings: What a reader of the history wants to know: rate, concurrency, limits.
    """

    input_id: int
    command: str
    rows_before: int
    settings: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)

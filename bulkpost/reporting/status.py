"""The exit status of a run: what a script may know without reading anything.

Where several hold, the worse news wins: 1, 2, 7, 130/143, 4, 5, 6, 3, 0.
"""

from collections.abc import Mapping
from enum import IntEnum

from bulkpost.outcome import OutcomeKind
from bulkpost.run import RunEnding


class ExitStatus(IntEnum):
    """What each number means."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    ROWS_BAD = 3
    STOPPED = 4
    IN_DOUBT = 5
    RESUMABLE = 6
    LEDGER = 7
    SIGINT = 130
    SIGTERM = 143


_WORST_FIRST = (
    ExitStatus.INTERNAL,
    ExitStatus.USAGE,
    ExitStatus.LEDGER,
    ExitStatus.SIGINT,
    ExitStatus.SIGTERM,
    ExitStatus.STOPPED,
    ExitStatus.IN_DOUBT,
    ExitStatus.RESUMABLE,
    ExitStatus.ROWS_BAD,
    ExitStatus.DONE,
)
_BAD = (OutcomeKind.INVALID, OutcomeKind.ERROR, OutcomeKind.HTTP_ERROR, OutcomeKind.CONFLICT)


def status_of(
    ending: RunEnding,
    counts: Mapping[OutcomeKind, int],
    pending: int,
    interrupted_by: ExitStatus | None = None,
) -> ExitStatus:
    """Return the exit status after a run.

    Args:
        ending: How the run ended.
        counts: Rows of the whole input by outcome, earlier runs included.
        pending: Rows of the input that have none, those counted that were added meanwhile.
        interrupted_by: The status that stands for the signal that ended it, if one did.
    """
    found = [ExitStatus.DONE]
    if ending is RunEnding.FAILED:
        found.append(ExitStatus.INTERNAL)
    if interrupted_by is not None:
        found.append(interrupted_by)
    if ending in {RunEnding.REFUSED, RunEnding.BUDGET, RunEnding.CEILING}:
        found.append(ExitStatus.STOPPED)
    if counts.get(OutcomeKind.IN_DOUBT):
        found.append(ExitStatus.IN_DOUBT)
    if ending is RunEnding.LIMIT or pending or counts.get(OutcomeKind.DEFERRED):
        found.append(ExitStatus.RESUMABLE)
    if any(counts.get(kind) for kind in _BAD):
        found.append(ExitStatus.ROWS_BAD)
    return worst(found)


def worst(statuses: list[ExitStatus]) -> ExitStatus:
    """Return the one that wins."""
    return min(statuses, key=_WORST_FIRST.index, default=ExitStatus.DONE)

"""How far an input is accounted for, without a list of its rows.

Every row up to the low-water mark has an outcome or an intent in the ledger, so the next run starts
reading there.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Batch:
    """Rows up to ``last_row`` of which ``outstanding`` have no intent or outcome yet."""

    last_row: int
    outstanding: int


class Waterline:
    """Batches in the order of the input; the mark stands at the end of the last whole one."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()

    def open(self, last_row: int, outstanding: int) -> Batch:
        """Add a batch of rows that were just read."""
        batch = Batch(last_row, outstanding)
        self._batches.append(batch)
        return batch

    def accounted(self, batch: Batch) -> int | None:
        """One more row of a batch is in the ledger; return the new mark if it rises."""
        batch.outstanding -= 1
        return self.rise() if batch.outstanding <= 0 else None

    def rise(self) -> int | None:
        """Return the new mark if whole batches have come together, else None."""
        mark = None
        while self._batches and self._batches[0].outstanding <= 0:
            mark = self._batches.popleft().last_row
        return mark

"""What a benchmark found, as one line."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One number beside the one to reach.

    Attributes:
        what: What was measured, and how.
        value: What came out.
        reach: What is to be reached.
        is_met: Whether it was.
    """

    what: str
    value: str
    reach: str
    is_met: bool

    def __str__(self) -> str:
        return f"{'met   ' if self.is_met else 'MISSED'}  {self.what}: {self.value} ({self.reach})"


def say(what: object) -> None:
    """Print a line at once."""
    print(what, flush=True)  # noqa: T201  # a benchmark talks


def median_and_spread(values: Sequence[float], digits: int = 2) -> str:
    """Return a median with its smallest and largest value, for people."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} [{low:.{digits}f} to {high:.{digits}f}]"

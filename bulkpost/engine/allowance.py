"""How many rows a command may still hand out, and how many new ones its inputs should hold. Pure.

A limit asks for a portion: what is left is for the next time. A ceiling is a guard: that it is
reached at all says that something is not as it should be, and a person should look.
"""

import re
from dataclasses import dataclass
from typing import Final

from bulkpost.errors import ConfigError
from bulkpost.run import RunEnding

_RANGE: Final = re.compile(r"(\d{1,12})?\.\.(\d{1,12})?|(\d{1,12})", re.ASCII)


@dataclass(slots=True)
class Allowance:
    """Rows that may still be handed out.

    Attributes:
        limit: Of the portion that was asked for; None for all.
        ceiling: Of what no command may exceed; None for no ceiling.
    """

    limit: int | None = None
    ceiling: int | None = None

    @property
    def rows_max(self) -> int | None:
        """Rows that may be handed out now; None for all."""
        return min((left for left in (self.limit, self.ceiling) if left is not None), default=None)

    @property
    def is_used_up(self) -> bool:
        """Whether the portion was sent: other inputs need not be looked at."""
        return self.limit == 0

    @property
    def ending(self) -> RunEnding:
        """How a run ends that had more rows than it may hand out."""
        is_portion = self.ceiling is None or (self.limit is not None and self.limit <= self.ceiling)
        return RunEnding.LIMIT if is_portion else RunEnding.CEILING

    def take(self, rows: int) -> None:
        """Rows were handed out."""
        if self.limit is not None:
            self.limit -= min(self.limit, rows)
        if self.ceiling is not None:
            self.ceiling -= min(self.ceiling, rows)


@dataclass(frozen=True, slots=True)
class Expected:
    """A range of counts, both ends included; ``last`` is None if it is open."""

    first: int
    last: int | None

    def holds(self, count: int) -> bool:
        """Tell whether a count is within it."""
        return count >= self.first and (self.last is None or count <= self.last)


def parse_expected(text: str) -> Expected | None:
    """Return a range: ``1..5000``, ``..5000``, ``1..``, or one number alone; None for no text.

    Raises:
        ConfigError: The text is none.
    """
    if not text:
        return None
    match = _RANGE.fullmatch(text)
    if match is not None and match[3]:
        return Expected(int(match[3]), int(match[3]))
    if match is not None and (match[1] or match[2]):
        first, last = int(match[1] or 0), int(match[2]) if match[2] else None
        if last is None or first <= last:
            return Expected(first, last)
    raise ConfigError(
        f"--expect-new: this is no range: {text[:40]}",
        advice="Write it as 1..5000, ..5000 or 1.. ; 0 is a number, too.",
    )

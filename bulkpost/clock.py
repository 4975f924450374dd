"""The one place that reads a clock or waits.

Everything else asks a ``Clock``; tests own one that jumps.
"""

import time
from datetime import UTC, datetime
from typing import Protocol

import anyio


class Clock(Protocol):
    """Time, asked of someone."""

    def now_s(self) -> float:
        """Return monotonic seconds: for durations, never for the ledger."""
        ...

    def now_at(self) -> datetime:
        """Return the wall time, UTC: for people and for due times that survive a restart."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait; zero and less yield once to other tasks."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def now_at(self) -> datetime:
        """Return the wall time, UTC."""
        return datetime.now(UTC)  # noqa: TID251  # this is the Clock

    async def sleep(self, duration_s: float) -> None:
        """Wait; zero and less yield once to other tasks."""
        await anyio.sleep(max(0.0, duration_s))

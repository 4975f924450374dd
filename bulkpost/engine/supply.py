"""Which row goes next: one that is due again, else a fresh one.

A row that waits for its next attempt waits here, not in a worker. Both stores are bounded: the feed
waits while enough fresh rows are ready, and no fresh row is handed out while too many wait.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import Generic

import anyio

from bulkpost.clock import Clock
from bulkpost.engine.job import ItemT, Job

_READY_MIN = 256
# A reader's batch is bounded in bytes; so many rows of a mebibyte each would be too much to hold.
_FILLS_MAX = 2


class Supply(Generic[ItemT]):
    """Jobs for the workers, in order of need. One event loop, no threads."""

    def __init__(self, clock: Clock, waiting_max: int) -> None:
        self._clock = clock
        self._waiting_max = waiting_max
        self._ready: deque[Job[ItemT]] = deque()
        self._fills: deque[int] = deque()  # how many of them came together, oldest first
        self._waiting: list[tuple[float, int, Job[ItemT]]] = []
        self._taken = 0
        self._order = 0
        self._is_fed = False
        self._is_stopped = False
        self._changed = anyio.Event()
        self._hungry = anyio.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more is handed out."""
        return self._is_stopped

    @property
    def waiting_count(self) -> int:
        """Rows waiting for their next attempt."""
        return len(self._waiting)

    async def fill(self, jobs: Sequence[Job[ItemT]]) -> None:
        """Add the fresh jobs of one batch; return when more are wanted."""
        if jobs:
            self._ready.extend(jobs)
            self._fills.append(len(jobs))
        self._tell()
        while self._is_full and not self._is_stopped:
            self._hungry = anyio.Event()
            await self._hungry.wait()

    def end(self) -> None:
        """No fresh jobs will come."""
        self._is_fed = True
        self._tell()

    def postpone(self, job: Job[ItemT], due_s: float) -> None:
        """Let a job wait until a moment on the clock."""
        self._order += 1
        heapq.heappush(self._waiting, (due_s, self._order, job))
        self._tell()

    async def take(self) -> Job[ItemT] | None:
        """Return the next job, or None when there is none left or the supply was stopped.

        Whoever takes a job gives it back with ``release`` once it has ended or was postponed.
        """
        while not self._is_stopped:
            job = self._next()
            if job is not None:
                self._taken += 1
                return job
            if self._is_fed and not self._taken and not self._waiting and not self._ready:
                return None
            await self._wait()
        return None

    def release(self) -> None:
        """A taken job is done with, or postponed."""
        self._taken -= 1
        if not self._taken or self._waiting:
            self._tell()

    def stop(self) -> None:
        """Hand out nothing more."""
        self._is_stopped = True
        self._hungry.set()
        self._tell()

    def remaining(self) -> list[tuple[float, Job[ItemT]]]:
        """Return the jobs that still wait, with their due times; for the end of a stopped run."""
        return [(due_s, job) for due_s, _, job in self._waiting]

    def _next(self) -> Job[ItemT] | None:
        if self._waiting and self._waiting[0][0] <= self._clock.now_s():
            return heapq.heappop(self._waiting)[2]
        if not self._ready or len(self._waiting) >= self._waiting_max:
            return None
        job = self._ready.popleft()
        self._fills[0] -= 1
        if not self._fills[0]:
            self._fills.popleft()
        if not self._is_full:
            self._hungry.set()
        return job

    @property
    def _is_full(self) -> bool:
        return len(self._ready) >= _READY_MIN or len(self._fills) >= _FILLS_MAX

    async def _wait(self) -> None:
        changed = self._changed
        if not self._waiting:
            await changed.wait()
            return
        delay_s = max(0.0, self._waiting[0][0] - self._clock.now_s())
        with anyio.move_on_after(delay_s):
            await changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

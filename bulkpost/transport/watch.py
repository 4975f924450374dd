"""The limits on waiting, kept by one timer for all requests.

aiohttp's own ``sock_read`` and ``total`` set three timers for each request, which costs much of the
throughput to guard against something that hardly ever happens.
"""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp


class Reading(Protocol):
    """Something that somebody waits for: a connection, or the body of a reply."""

    def set_exception(self, exc: BaseException, /) -> None:
        """Wake who waits, with an error."""
        ...


@dataclass(slots=True)
class ReadWatch:
    """Ends what has been waited for too long, at most a tick later.

    Attributes:
        tick_s: How often it looks, in seconds.
    """

    tick_s: float
    _ticks_left: dict[Reading, int] = field(default_factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def start(self) -> None:
        """Watch from now on; needs a running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.tick_s, self._tick)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def begin(self, reading: Reading, limit_s: float) -> None:
        """Somebody waits for this from now on, and not longer than ``limit_s`` seconds."""
        self._ticks_left[reading] = math.ceil(limit_s / self.tick_s)

    def end(self, reading: Reading | None) -> None:
        """Nobody waits for this any more."""
        if reading is not None:
            self._ticks_left.pop(reading, None)

    def _tick(self) -> None:
        # Ticks are counted, not seconds: a process that was frozen finds its answers, not timeouts.
        for reading, ticks in list(self._ticks_left.items()):
            if ticks <= 0:
                del self._ticks_left[reading]
                reading.set_exception(aiohttp.SocketTimeoutError("no answer in time"))
            else:
                self._ticks_left[reading] = ticks - 1
        self.start()

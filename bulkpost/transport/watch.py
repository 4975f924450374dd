"""The read limit, kept by one timer for all requests.

aiohttp's own ``sock_read`` sets two timers for each request, which costs a sixteenth of the
throughput to guard against something that hardly ever happens.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiohttp

_TICKS: Final = 16


class Reading(Protocol):
    """Something that somebody waits for: a connection, or the body of a reply."""

    def set_exception(self, exc: BaseException, /) -> None:
        """Wake who waits, with an error."""
        ...


@dataclass(slots=True)
class ReadWatch:
    """Ends what has been waited for longer than ``limit_s``, at most a sixteenth later."""

    limit_s: float
    _waited: dict[Reading, int] = field(default_factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def start(self) -> None:
        """Watch from now on; needs a running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.limit_s / _TICKS, self._tick)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def begin(self, reading: Reading) -> None:
        """Somebody waits for this from now on."""
        self._waited[reading] = 0

    def end(self, reading: Reading | None) -> None:
        """Nobody waits for this any more."""
        if reading is not None:
            self._waited.pop(reading, None)

    def _tick(self) -> None:
        # Ticks are counted, not seconds: a process that was frozen finds its answers, not timeouts.
        for reading, ticks in list(self._waited.items()):
            if ticks >= _TICKS:
                del self._waited[reading]
                reading.set_exception(aiohttp.SocketTimeoutError("no answer in time"))
            else:
                self._waited[reading] = ticks + 1
        self.start()

"""Where a worker waits before it may send: for the breaker, then for the rate.

Both waits come before the intent is written, so that waiting puts no row in doubt, and both end at
once when the run is asked to stop.
"""

from datetime import UTC, datetime

import anyio

from bulkpost.clock import Clock
from bulkpost.engine.tally import Tally
from bulkpost.pacing.breaker import Admission, Breaker
from bulkpost.pacing.rate import RateLimit, format_rate

_WAIT_S_MAX = 1.0  # a closed gate is asked again at least this often: a probe may have ended


class Gate:
    """Rate and breaker of one host, with the waiting that they ask for."""

    def __init__(self, clock: Clock, breaker: Breaker, rate: RateLimit, tally: Tally) -> None:
        self.breaker = breaker
        self._clock = clock
        self._rate = rate
        self._tally = tally
        self._stopped = anyio.Event()

    def stop(self) -> None:
        """Let everybody who waits go home empty-handed."""
        self._stopped.set()

    async def enter(self) -> Admission | None:
        """Wait for leave to send one request; None if the run stops meanwhile."""
        while not self._stopped.is_set():
            now_s = self._clock.now_s()
            wait_s = self.breaker.wait_s(now_s)
            if wait_s != 0.0:
                self._tally.held_back = self._why(now_s)
                await self._pause(_WAIT_S_MAX if wait_s is None else min(wait_s, _WAIT_S_MAX))
                continue
            rate_wait_s = self._rate.reserve(now_s)
            if rate_wait_s > 0:
                self._tally.held_back = f"waiting: rate {format_rate(self._rate.rate_per_s)}"
                await self._pause(rate_wait_s)
                if self._stopped.is_set():
                    return None
            admission = self.breaker.admit(self._clock.now_s())
            if admission is not None:
                if rate_wait_s == 0:
                    self._tally.held_back = ""
                return admission
        return None

    def _why(self, now_s: float) -> str:
        pause = self.breaker.pause(now_s)
        if pause is None:
            return ""
        what = str(pause.status) if pause.status is not None else "destination unreachable"
        began_at = self._clock.now_at().timestamp() - (now_s - pause.since_s)
        return f"backing off: {what} since {_wall_time(began_at)}"

    async def _pause(self, duration_s: float) -> None:
        with anyio.move_on_after(duration_s):
            await self._stopped.wait()


def _wall_time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).astimezone().strftime("%H:%M:%S")

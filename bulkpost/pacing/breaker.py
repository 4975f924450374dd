"""One gate before one host: shut while the host is away, so that rows do not burn their attempts.

    closed      everybody may go
    open        nobody may go before a moment in time
    half-open   that moment has passed: one probe at a time may go

Rule 1: ``failures_max`` failures in a row without an answer open the gate; each failed probe opens
it again for longer, up to ``cap_s``.
Rule 2: one ``Retry-After`` shuts the gate for every worker at once, for as long as it says. An
answer to a request that was under way meanwhile does not shorten it.
Rule 3: an answer, whosever it is, ends the streak and closes the gate (rule 2 aside).
Rule 4: every admission is ended by exactly one of ``answered``, ``failed``, ``lost`` and
``withdrawn``; a probe that ended frees the place of the probe, however it ended.

Reference: M. Nygard, "Release It!", circuit breaker.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

_DOUBLINGS_MAX: Final = 60


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a run pauses, and when it stops, because the host is away.

    Attributes:
        failures_max: Failures in a row (not sent, or 502, 503, 504) that open the gate.
        base_s: Longest first pause, in seconds; doubles from there.
        cap_s: No pause of our own choosing is longer, in seconds.
        outage_s_max: The run stops when nothing has answered for this long, in seconds.
        first_contact_s_max: As ``outage_s_max``, while no answer of any kind has come since the
            run began: a wrong host name should not take a quarter of an hour to be reported.
    """

    failures_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    base_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    cap_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    outage_s_max: Annotated[float, msgspec.Meta(gt=0, le=604_800)] = 900.0
    first_contact_s_max: Annotated[float, msgspec.Meta(gt=0, le=604_800)] = 60.0


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to send one request.

    Attributes:
        number: Which admission of this breaker it is; the first is 1.
        is_probe: It goes alone, to find out whether the host is back: whatever becomes of it
            counts for the gate.
    """

    number: int
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nobody may go.

    Attributes:
        status: The last transient status (502, 503, 504); None if the request could not be sent.
        since_s: When the trouble began, monotonic.
        until_s: When the next request may go, monotonic. In the past: a probe is under way.
    """

    status: int | None
    since_s: float
    until_s: float


@dataclass(slots=True)
class Breaker:
    """The gate before one host. All times are readings of the same monotonic clock.

    Attributes:
        settings: When it opens, and for how long.
        random: Evenly spread over [0, 1).
    """

    settings: BreakerSettings
    random: Callable[[], float]
    failures: int = field(default=0, init=False)
    _admissions: int = field(default=0, init=False)
    _openings: int = field(default=0, init=False)
    _probe: Admission | None = field(default=None, init=False)
    _status: int | None = field(default=None, init=False)
    _first_s: float = field(default=math.inf, init=False)  # first failure of the streak
    _last_s: float = field(default=math.inf, init=False)  # its latest
    _open_until_s: float | None = field(default=None, init=False)  # None: closed
    _hold_since_s: float = field(default=-math.inf, init=False)
    _hold_until_s: float = field(default=-math.inf, init=False)  # as Retry-After asked
    _is_reached: bool = field(default=False, init=False)  # any HTTP answer since the run began

    @property
    def is_open(self) -> bool:
        """Whether the host is taken to be away, until it answers."""
        return self._open_until_s is not None

    def wait_s(self, now_s: float) -> float | None:
        """Return how long until a request may go: 0 if now, None if when the probe has ended."""
        until_s = self._until_s()
        if now_s < until_s:
            return until_s - now_s
        return None if self._probe is not None else 0.0

    def admit(self, now_s: float) -> Admission | None:
        """Give leave to send, if there is leave now; alone if the gate is half-open."""
        if self.wait_s(now_s) != 0.0:
            return None
        self._admissions += 1
        admission = Admission(self._admissions, is_probe=self._open_until_s is not None)
        if admission.is_probe:
            self._probe = admission
        return admission

    def answered(self) -> None:
        """Note an answer other than 502, 503 and 504: the host is there."""
        self.failures = self._openings = 0
        self._first_s = self._last_s = math.inf
        self._open_until_s = self._probe = None
        self._is_reached = True

    def failed(
        self,
        now_s: float,
        admission: Admission,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Note a request that was not sent, or was answered 502, 503 or 504.

        Args:
            now_s: When.
            admission: What ``admit`` gave.
            status: The status; None if the request was not sent.
            retry_after_s: What the server asked for. Beyond ``outage_s_max`` it only opens the
                gate for ``cap_s``: one odd header must not end a run.
        """
        self.failures += 1
        self._status = status
        self._is_reached = self._is_reached or status is not None
        self._first_s, self._last_s = min(self._first_s, now_s), now_s
        was_probe = self._end_probe(admission)
        if retry_after_s:
            self._hold(now_s, retry_after_s)
        elif was_probe or (self._open_until_s is None and self.failures >= self._failures_max):
            self._open(now_s)

    def lost(self, now_s: float, admission: Admission) -> None:
        """Note a request that may have been received and was not answered (in doubt).

        It is no failure of the host by itself, but a probe that ends so has not found it.
        """
        if self._end_probe(admission):
            self._open(now_s)

    def withdrawn(self, admission: Admission) -> None:
        """Note that an admission was not used (cancelled, drained): another may probe."""
        self._end_probe(admission)

    def pause(self, now_s: float) -> Pause | None:
        """Return why nobody may go freely, or None if everybody may."""
        if self._open_until_s is None and now_s >= self._hold_until_s:
            return None
        since_s = self._first_s if self.failures else self._hold_since_s
        return Pause(self._status, since_s, self._until_s())

    def outage_s(self, now_s: float) -> float:
        """Return how long ago the first failure of the present streak was; 0 without one."""
        return max(0.0, now_s - self._first_s)

    def is_hopeless(self, now_s: float) -> bool:
        """Tell whether the host has been away for so long that the run should stop.

        With the gate closed silence proves nothing (a slow rate, a row in back-off): there the
        streak lasts until its latest failure, not until now.
        """
        end_s = now_s if self._open_until_s is not None else min(self._last_s, now_s)
        settings = self.settings
        limit_s = settings.outage_s_max if self._is_reached else settings.first_contact_s_max
        return self.outage_s(end_s) >= limit_s

    @property
    def _failures_max(self) -> int:
        return self.settings.failures_max

    def _until_s(self) -> float:
        open_until_s = -math.inf if self._open_until_s is None else self._open_until_s
        return max(open_until_s, self._hold_until_s)

    def _end_probe(self, admission: Admission) -> bool:
        if admission != self._probe:
            return False
        self._probe = None
        return True

    def _open(self, now_s: float) -> None:
        ceiling_s = self.settings.base_s * 2.0 ** min(self._openings, _DOUBLINGS_MAX)
        # Half of it is certain: full jitter would let probes follow each other at once.
        pause_s = min(self.settings.cap_s, ceiling_s) * (0.5 + 0.5 * self.random())
        self._openings += 1
        self._open_until_s = now_s + pause_s

    def _hold(self, now_s: float, retry_after_s: float) -> None:
        is_too_far = retry_after_s > self.settings.outage_s_max
        until_s = now_s + (self.settings.cap_s if is_too_far else retry_after_s)
        if now_s >= self._hold_until_s:
            self._hold_since_s = now_s
        self._hold_until_s = max(self._hold_until_s, until_s)
        self._open_until_s = self._until_s()

"""Whether one row is tried again, and after how long.

Two budgets, because they mean two things: an answer of 502, 503 or 504 says that LeadConduit is
overloaded and asks for a retry "in a few seconds"; a request that never left says that the way
there is broken, and costs nothing to repeat. It counts only while the breaker is closed: once the
host is known to be away, no row uses up its attempts.

Reference: RFC 9110 section 10.2.3 (Retry-After); AWS Architecture Blog, "Exponential Backoff And
Jitter" (full jitter).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Final

import msgspec

_DOUBLINGS_MAX: Final = 60  # far beyond any cap, far below a float's overflow


class RetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often one row is tried, and how long apart.

    Attributes:
        attempts_max: Answers of 502, 503 or 504 after which a row is deferred; at least 1.
        unsent_attempts_max: Failures to send at all after which a row is deferred; at least 1.
        base_s: Longest wait after the first 502, 503 or 504, in seconds; doubles from there.
        unsent_base_s: Longest wait after the first failure to send, in seconds; doubles too.
        cap_s: No wait of our own choosing is longer, in seconds.
        retry_after_s_max: A ``Retry-After`` beyond this, in seconds, defers the row at once.
    """

    attempts_max: Annotated[int, msgspec.Meta(ge=1, le=100)] = 6
    unsent_attempts_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    base_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 2.0
    unsent_base_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 0.25
    cap_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    retry_after_s_max: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 900.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """What happens to a row after a failed attempt.

    Attributes:
        delay_s: How long it waits for its next attempt, in seconds.
        gives_up: No further attempt in this run: the row is deferred. ``delay_s`` is then 0.
    """

    delay_s: float
    gives_up: bool = False


GIVE_UP: Final = Backoff(0.0, gives_up=True)


def after_refusal(
    settings: RetrySettings,
    attempt: int,
    retry_after_s: float | None,
    random: Callable[[], float],
) -> Backoff:
    """Decide after the ``attempt``-th answer of 502, 503 or 504 (the first is 1)."""
    is_too_far = retry_after_s is not None and retry_after_s > settings.retry_after_s_max
    if is_too_far or attempt >= settings.attempts_max:
        return GIVE_UP
    return Backoff(backoff_s(attempt, settings.base_s, settings.cap_s, retry_after_s, random))


def after_unsent(
    settings: RetrySettings, unsent_attempt: int, random: Callable[[], float]
) -> Backoff:
    """Decide after the ``unsent_attempt``-th failure to send (the first is 1)."""
    if unsent_attempt >= settings.unsent_attempts_max:
        return GIVE_UP
    return Backoff(backoff_s(unsent_attempt, settings.unsent_base_s, settings.cap_s, None, random))


def backoff_s(
    attempt: int,
    base_s: float,
    cap_s: float,
    retry_after_s: float | None,
    random: Callable[[], float],
) -> float:
    """Return the wait before the next attempt, in seconds: full jitter on a doubling ceiling.

    Args:
        attempt: The attempt that failed; the first is 1.
        base_s: Ceiling after the first attempt; doubles with each further one.
        cap_s: The ceiling never exceeds this.
        retry_after_s: What the server asked for; the wait is never shorter. The jitter comes on
            top of it, so that rows told the same moment do not come back in the same moment.
        random: Evenly spread over [0, 1).
    """
    ceiling_s = min(cap_s, base_s * 2.0 ** min(attempt - 1, _DOUBLINGS_MAX))
    return random() * ceiling_s + (retry_after_s or 0.0)


def retry_after_s(value: str | None, now_at: datetime) -> float | None:
    """Read a ``Retry-After`` header: seconds from now, 0 if the date has passed.

    Anything that is neither whole seconds nor an HTTP date (``-1``, ``1e9``, ``soon``, an empty
    text, two values in one) is None: the wait is then our own.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        due_at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year or a zone of twenty digits
        return None
    if due_at.tzinfo is None:  # "-0000": UTC, the zone of the writer unknown
        due_at = due_at.replace(tzinfo=UTC)
    return max(0.0, (due_at - now_at).total_seconds())

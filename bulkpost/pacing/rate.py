"""How many leads a second: read from text, and kept."""

import math
import re
from dataclasses import dataclass, field
from typing import Final

from bulkpost.errors import ConfigError

RATE_PER_S_MIN: Final = 1 / 3600
RATE_PER_S_MAX: Final = 100_000.0
_UNITS_S: Final = {"s": 1, "min": 60, "h": 3600}
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*/\s*(s|min|h)")
_EXAMPLES: Final = "Write a number per s, min or h: 50/s, 3000/min, 20000/h, 1.5/s."


def parse_rate(text: str) -> float:
    """Read a rate such as ``50/s``, ``3000/min``, ``20000/h`` or ``1.5/s``; return it per second.

    Raises:
        ConfigError: The text is no rate, or outside one an hour to 100,000 a second.
    """
    match = _RATE.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigError(f"The rate {text[:40]!r} cannot be read.", advice=_EXAMPLES)
    rate_per_s = float(match[1]) / _UNITS_S[match[2]]
    if not RATE_PER_S_MIN <= rate_per_s <= RATE_PER_S_MAX:
        raise ConfigError(
            f"The rate {text[:40]!r} is not between 1/h and 100000/s.", advice=_EXAMPLES
        )
    return rate_per_s


def format_rate(rate_per_s: float | None) -> str:
    """Return a rate as a person would write it; ``parse_rate`` reads it back."""
    if rate_per_s is None:
        return "unlimited"
    for unit, unit_s in _UNITS_S.items():
        count = round(rate_per_s * unit_s, 1)
        if count and math.isclose(count, rate_per_s * unit_s, rel_tol=1e-9):
            return f"{count:.10g}/{unit}"
    return f"{rate_per_s * 3600:.6f}/h"


@dataclass(slots=True)
class RateLimit:
    """At most ``rate_per_s`` sends a second, and ``burst`` at once after a rest.

    Each reservation books its own place on the time line, so a caller that wakes late does not
    push back those behind it: the mean over a busy period is the rate.

    Attributes:
        rate_per_s: Sends a second; None if unlimited.
        burst: Sends that may go together after a rest; at least 1.

    Reference: ITU-T I.371 Annex A, generic cell rate algorithm (virtual scheduling).
    """

    rate_per_s: float | None = None
    burst: int = 1
    _due_s: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        assert self.rate_per_s is None or self.rate_per_s > 0, self.rate_per_s
        assert self.burst >= 1, self.burst

    def reserve(self, now_s: float) -> float:
        """Book one send and return how long to wait before it, in seconds."""
        if self.rate_per_s is None:
            return 0.0
        interval_s = 1.0 / self.rate_per_s
        due_s = max(self._due_s, now_s)
        self._due_s = due_s + interval_s
        return max(0.0, due_s - now_s - (self.burst - 1) * interval_s)

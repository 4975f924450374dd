"""Where a chart marks the clock, and how it is written there. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_STEPS_S: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(minutes * _MINUTE_S for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_S for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_S for days in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)


def clock_marks(start_at: datetime, whole_s: float, gaps_max: int) -> list[tuple[datetime, str]]:
    """Return round times, UTC, and what stands at them.

    Args:
        start_at: Where the chart begins.
        whole_s: How long it is, in seconds; at least 0.1.
        gaps_max: How many gaps between marks there is room for.
    """
    step_s = next((step for step in _STEPS_S if whole_s <= step * gaps_max), _STEPS_S[-1])
    begin_s = start_at.timestamp()
    first = -int(-begin_s // step_s)
    marks: Sequence[float] = [
        (first + place) * step_s
        for place in range(int(whole_s // step_s) + 1)
        if (first + place) * step_s <= begin_s + whole_s
    ]
    return [(at := datetime.fromtimestamp(mark, UTC), _text(at, step_s, whole_s)) for mark in marks]


def _text(at: datetime, step_s: float, whole_s: float) -> str:
    if step_s < 1:
        return f"{at:%H:%M:%S}.{round(at.microsecond / 100_000) % 10}"
    if step_s < _MINUTE_S:
        return f"{at:%H:%M:%S}"
    if step_s < _DAY_S:
        return f"{at:%H:%M}" if whole_s <= _DAY_S else f"{at:%a %H:%M}"
    return f"{at:%d %b}" if whole_s < 200 * _DAY_S else f"{at:%Y-%m-%d}"

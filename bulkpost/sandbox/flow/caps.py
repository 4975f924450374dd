"""How many leads may succeed in a calendar minute, hour, day, week or month."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

REACHED: Final = "Cap reached"


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most so many accepted leads in a calendar period of the flow's time zone.

    Attributes:
        count: Leads; 0 accepts none.
        per: The period; a week begins on Monday.
    """

    count: Annotated[int, msgspec.Meta(ge=0)]
    per: Literal["minute", "hour", "day", "week", "month"]


class Caps:
    """Counts accepted leads: one number for each cap."""

    def __init__(self, caps: Iterable[Cap]) -> None:
        self._caps = tuple(caps)
        self._counts: list[tuple[object, int]] = [(None, 0)] * len(self._caps)

    def is_reached(self, local_at: datetime) -> bool:
        """Whether any cap leaves no room for one more lead.

        Args:
            local_at: Now, in the flow's time zone.
        """
        return any(
            self._taken(index, local_at) >= cap.count for index, cap in enumerate(self._caps)
        )

    def count(self, local_at: datetime) -> None:
        """Count one accepted lead."""
        for index, cap in enumerate(self._caps):
            taken = self._taken(index, local_at)
            self._counts[index] = (_period(cap, local_at), taken + 1)

    def _taken(self, index: int, local_at: datetime) -> int:
        period, taken = self._counts[index]
        return taken if period == _period(self._caps[index], local_at) else 0


def _period(cap: Cap, local_at: datetime) -> object:
    """Return what two moments of one period have in common."""
    if cap.per == "week":
        return local_at.isocalendar()[:2]
    if cap.per == "month":
        return local_at.year, local_at.month
    if cap.per == "day":
        return local_at.date()
    hour = local_at.date(), local_at.hour, local_at.utcoffset()  # an hour may come twice in a night
    return hour if cap.per == "hour" else (*hour, local_at.minute)

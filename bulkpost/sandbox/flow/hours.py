"""When a flow is open."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, tzinfo
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)
CLOSED: Final = "Submission Timestamp must be within hours of operation"
_MIDNIGHT: Final = time()


class OpenHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Open on these days from one time until another.

    Attributes:
        days: Names in English.
        opens: Time of day in the flow's time zone, included.
        closes: Not included; midnight is the day's end.
    """

    days: tuple[Day, ...] = DAYS
    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("a time of day has no offset; time_zone says where it holds")
        if self.closes != _MIDNIGHT and self.closes <= self.opens:
            raise ValueError("closes comes after opens; 00:00:00 is the day's end")


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database.

    Raises:
        ValueError: There is none of that name.
    """
    if name == "UTC":  # needs no database
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        raise ValueError("a time zone is written as America/Chicago") from None


def is_open(hours: Iterable[OpenHours], local_at: datetime) -> bool:
    """Whether a moment is within hours of operation; without any hours it always is.

    Args:
        hours: When the flow is open.
        local_at: In the flow's time zone.
    """
    listed = tuple(hours)
    return not listed or any(_holds(one, local_at) for one in listed)


def _holds(hours: OpenHours, local_at: datetime) -> bool:
    if DAYS[local_at.weekday()] not in hours.days:
        return False
    moment = local_at.time()
    return hours.opens <= moment and (hours.closes == _MIDNIGHT or moment < hours.closes)

"""When a command takes no more rows: at a time of day, or after so long. Pure.

A time of day is asked of the wall clock again and again, for that is what it is about: somebody may
set it, and a machine may sleep. A duration is counted by the monotonic clock.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from bulkpost.errors import ConfigError

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DURATION: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?", re.ASCII)
_DAYS_LOOKED_AT: Final = 3  # a day may lack the time


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of a command's working time; whichever of the two comes first.

    Attributes:
        until_at: From this wall time on.
        ends_s: From this reading of the monotonic clock on.
        until_words: How the first was given.
        duration_words: How the second was given.
    """

    until_at: datetime | None = None
    ends_s: float | None = None
    until_words: str = ""
    duration_words: str = ""

    def remaining_s(self, now_s: float, now_at: datetime) -> float:
        """Return how long rows may still be taken, in seconds; zero and less: no more."""
        left_s = []
        if self.until_at is not None:
            left_s.append((self.until_at - now_at).total_seconds())
        if self.ends_s is not None:
            left_s.append(self.ends_s - now_s)
        return min(left_s)

    def reason(self, now_at: datetime) -> str:
        """Say which of the two has come."""
        if self.until_at is not None and now_at >= self.until_at:
            return f"--until {self.until_words} has come"
        return f"--max-duration {self.duration_words} is over"


def deadline_of(
    until: str, max_duration: str, now_s: float, now_at: datetime, zone: tzinfo | None = None
) -> Deadline | None:
    """Return the deadline of a command that begins now; None if it has none.

    Args:
        until: ``06:00``, or empty.
        max_duration: ``2h``, ``1h30m``, ``90m``, ``45s``, or empty.
        now_s: Monotonic seconds.
        now_at: The wall time.
        zone: Whose time of day is meant; this machine's if None.

    Raises:
        ConfigError: A text is neither.
    """
    if not until and not max_duration:
        return None
    return Deadline(
        next_time(parse_time(until), now_at, zone) if until else None,
        now_s + parse_duration_s(max_duration) if max_duration else None,
        until,
        max_duration,
    )


def parse_time(text: str) -> time:
    """Return a time of day.

    Raises:
        ConfigError: The text is none.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"--until: this is no time of day: {text[:20]}", advice="Write it as 06:00 or 22:30."
        )
    return time(int(match[1]), int(match[2]))


def parse_duration_s(text: str) -> int:
    """Return a duration in seconds, at least one.

    Raises:
        ConfigError: The text is none.
    """
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    duration_s = 3600 * hours + 60 * minutes + seconds
    if not duration_s:
        raise ConfigError(
            f"--max-duration: this is no duration: {text[:20]}",
            advice="Write it as 2h, 90m, 1h30m or 45s.",
        )
    return duration_s


def next_time(wanted: time, now_at: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the next moment at which the clocks of a zone show a time of day, UTC.

    Where they show it twice, in the night in which they are set back, both count. Where they leap
    over it, it is the moment of the leap.
    """
    today = now_at.astimezone(zone).date()
    for days in range(_DAYS_LOOKED_AT):
        wall = datetime.combine(today + timedelta(days), wanted)  # of the zone below
        for moment in sorted(_moments(wall, zone)):
            if moment > now_at:
                return moment
    raise AssertionError("a time of day comes every day")


def _moments(wall: datetime, zone: tzinfo | None) -> set[datetime]:
    """Return when clocks show a wall time: once, twice, or at a leap over it."""
    # Not by astimezone: in a gap, a time without a zone takes the offset of the other side by it.
    earlier, later = (
        datetime.fromtimestamp(wall.replace(tzinfo=zone, fold=fold).timestamp(), UTC)
        for fold in (0, 1)
    )
    if earlier <= later:
        return {earlier, later}
    # In a gap the folds swap: what the old offset makes of it lies after the leap.
    before_s, after_s = int(later.timestamp()), int(earlier.timestamp())
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        shown = datetime.fromtimestamp(middle_s, UTC).astimezone(zone).replace(tzinfo=None)
        before_s, after_s = (before_s, middle_s) if shown >= wall else (middle_s, after_s)
    return {datetime.fromtimestamp(after_s, UTC)}

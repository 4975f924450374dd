from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.engine.deadline import Deadline, deadline_of, next_time, parse_duration_s, parse_time
from bulkpost.errors import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, *map(ZoneInfo, ("America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"))]


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "wanted", "expected"),
    [
        pytest.param("2026-05-01T23:00", "06:00", "2026-05-02T06:00", id="tomorrow"),
        pytest.param("2026-05-01T05:59", "06:00", "2026-05-01T06:00", id="today"),
        pytest.param("2026-05-01T06:00", "06:00", "2026-05-02T06:00", id="just now is over"),
        pytest.param("2026-12-31T23:00", "0:30", "2027-01-01T00:30", id="over the year"),
        # In the night of 29 March 2026 the clocks leap from 02:00 to 03:00.
        pytest.param("2026-03-28T22:00", "06:00", "2026-03-29T06:00", id="a short night"),
        pytest.param("2026-03-28T22:00", "02:30", "2026-03-29T03:00", id="leapt over"),
        pytest.param("2026-03-29T03:10", "02:30", "2026-03-30T02:30", id="leapt over before"),
        # In that of 25 October they go back from 03:00 to 02:00.
        pytest.param("2026-10-24T22:00", "06:00", "2026-10-25T06:00", id="a long night"),
        pytest.param("2026-10-24T22:00", "02:30", "2026-10-25T02:30", id="the first of two"),
    ],
)
def test_the_next_time_of_day(now: str, wanted: str, expected: str) -> None:
    """Today or tomorrow, by the clock on the wall, in the nights in which it is set as well."""
    assert at(expected) == next_time(parse_time(wanted), at(now), BERLIN)


def test_the_second_of_two() -> None:
    """Between the two half past two, the next is the second, an hour after the first."""
    first = next_time(time(2, 30), at("2026-10-24T22:00"), BERLIN)

    second = next_time(time(2, 30), first + timedelta(minutes=10), BERLIN)

    assert timedelta(hours=1) == second - first


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis wants it so
    st.times().map(lambda it: it.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES),
)
def test_the_clocks_show_the_time_when_it_comes(
    now_at: datetime, wanted: time, zone: ZoneInfo
) -> None:
    """Soon after it at the latest, where they leap; and never did they between now and then."""
    moment = next_time(wanted, now_at, zone)
    shown, before = (
        it.astimezone(zone).replace(tzinfo=None) for it in (moment, moment - timedelta(seconds=1))
    )
    day = shown.replace(hour=wanted.hour, minute=wanted.minute, second=0, microsecond=0)

    assert now_at < moment <= now_at + timedelta(hours=25)
    assert timedelta(0) <= shown - day < timedelta(hours=1)
    assert before < day


@pytest.mark.parametrize(
    ("text", "expected_s"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45)]
)
def test_durations(text: str, expected_s: int) -> None:
    """Hours, minutes, seconds, and what is made of them."""
    assert expected_s == parse_duration_s(text)


@pytest.mark.parametrize("text", ["", "0s", "2", "2 h", "h", "-1h", "1d", "30m1h", "9" * 20 + "s"])
def test_what_is_no_duration(text: str) -> None:
    """No time at all is none, either."""
    with pytest.raises(ConfigError, match="--max-duration"):
        parse_duration_s(text)


@pytest.mark.parametrize("text", ["", "6", "24:00", "06:60", "06:00:00", "6am", "06.00"])
def test_what_is_no_time_of_day(text: str) -> None:
    """Hours and minutes of one day."""
    with pytest.raises(ConfigError, match="--until"):
        parse_time(text)


def test_whichever_comes_first() -> None:
    """A time of day by the wall clock, a duration by the monotonic one."""
    now_at = at("2026-05-01T05:00")
    deadline = deadline_of("06:00", "2h", 100.0, now_at, BERLIN)
    assert deadline is not None

    assert 3600 == deadline.remaining_s(100.0, now_at)
    assert 60 == deadline.remaining_s(100.0 + 7140, now_at)
    assert 0 >= deadline.remaining_s(100.0, now_at + timedelta(hours=1))
    assert "--until 06:00" in deadline.reason(now_at + timedelta(hours=1))
    assert "--max-duration 2h" in deadline.reason(now_at)
    assert deadline_of("", "", 0.0, now_at) is None


def test_the_zone_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another, the time of day is that of the machine's own clock."""
    import time as clock  # noqa: PLC0415  # the name is taken

    monkeypatch.setenv("TZ", "Europe/Berlin")
    clock.tzset()
    try:
        found = deadline_of("02:30", "", 0.0, at("2026-03-28T22:00"))
    finally:
        monkeypatch.undo()
        clock.tzset()

    assert Deadline(at("2026-03-29T03:00"), None, "02:30", "") == found

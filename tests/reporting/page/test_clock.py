from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.reporting.page.clock import clock_marks

_TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone


@given(_TIMES, st.floats(-1, 8), st.integers(3, 8))
def test_there_are_marks_and_room_for_each(start_at: datetime, power: float, gaps: int) -> None:
    """At least one, within the chart, evenly spaced, and no two that say the same."""
    whole_s = 10**power

    marks = clock_marks(start_at, whole_s, gaps)

    times, texts = zip(*marks, strict=True)
    assert 1 <= len(marks) <= gaps + 1
    slack = timedelta(milliseconds=1)
    assert (
        start_at - slack <= times[0] <= times[-1] <= start_at + timedelta(seconds=whole_s) + slack
    )
    steps = [(late - early).total_seconds() for early, late in pairwise(times)]
    assert all(step >= whole_s / gaps * 0.99 for step in steps)
    assert len(texts) == len(set(texts))
    assert max(map(len, texts)) <= 10


@pytest.mark.parametrize(
    ("whole_s", "texts"),
    [
        (0.4, ["02:14:58.6", "02:14:58.8", "02:14:59.0"]),
        (20, ["02:15:00", "02:15:10"]),
        (7_200, ["03:00", "04:00"]),
        (90_000, ["Sun 12:00", "Mon 00:00"]),
        (700_000, ["23 Nov", "28 Nov"]),
    ],
)
def test_the_clock_is_written_as_long_as_it_must_be(whole_s: float, texts: list[str]) -> None:
    """Tenths of a second of a short run, days of a long one."""
    start_at = datetime(2026, 11, 22, 2, 14, 58, 600_000, tzinfo=UTC)

    assert texts == [text for _, text in clock_marks(start_at, whole_s, 3)]

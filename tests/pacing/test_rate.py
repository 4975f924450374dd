from itertools import accumulate, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.errors import ConfigError
from bulkpost.pacing.rate import RateLimit, format_rate, parse_rate

RATES = st.floats(0.1, 10_000)
BURSTS = st.integers(1, 10)


@pytest.mark.parametrize(
    ("text", "rate_per_s"),
    [
        ("50/s", 50.0),
        ("3000/min", 50.0),
        ("18000/h", 5.0),
        ("1.5/s", 1.5),
        (" 10 / S ", 10.0),
        ("1/h", 1 / 3600),
        ("100000/s", 100_000.0),
    ],
)
def test_a_rate_is_read_per_second(text: str, rate_per_s: float) -> None:
    """A rate is a number per s, min or h, in any case and with blanks."""
    assert rate_per_s == parse_rate(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "50", "/s", "50/", "50/day", "-1/s", "0/s", "1e3/s", "nan/s", "0.5/h", "100001/s"),
        *("5O/s", "1" * 60, f"100001{' ' * 60}/s"),
    ],
)
def test_what_is_no_rate_is_refused_with_examples(text: str) -> None:
    """A text that is no rate, or an absurd one, is named, at most 40 characters of it."""
    with pytest.raises(ConfigError) as caught:
        parse_rate(text)

    assert repr(text[:40]) in caught.value.message
    assert "3000/min" in caught.value.advice


@pytest.mark.parametrize(
    ("rate_per_s", "text"),
    [
        (50.0, "50/s"),
        (1.5, "1.5/s"),
        (0.25, "15/min"),
        (20000 / 3600, "20000/h"),
        (7 / 60, "7/min"),
        (0.123456, "444.441600/h"),
        (None, "unlimited"),
    ],
)
def test_a_rate_is_shown_as_a_person_would_write_it(rate_per_s: float | None, text: str) -> None:
    """The unit is the first in which the number is short."""
    assert text == format_rate(rate_per_s)


@given(st.integers(1, 99_999), st.sampled_from(["s", "min", "h"]))
def test_a_shown_rate_reads_back(count: int, unit: str) -> None:
    """What is shown can be given as --rate and means the same."""
    rate_per_s = parse_rate(f"{count}/{unit}")

    assert rate_per_s == pytest.approx(parse_rate(format_rate(rate_per_s)), rel=1e-6)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=40), RATES, BURSTS)
def test_no_window_holds_more_than_burst_plus_rate(
    gaps_s: list[float], rate_per_s: float, burst: int
) -> None:
    """Between any two sends, at most burst + rate x time sends happen."""
    limit = RateLimit(rate_per_s, burst)

    sends_s = [now_s + limit.reserve(now_s) for now_s in accumulate(gaps_s)]

    for (i, early_s), (j, late_s) in combinations(enumerate(sends_s), 2):
        assert j - i + 1 <= burst + rate_per_s * (late_s - early_s) + 1e-6


@given(st.lists(st.floats(0, 0.99), min_size=200, max_size=200), st.floats(0.1, 1_000))
def test_late_wakers_do_not_lower_the_mean(lateness: list[float], rate_per_s: float) -> None:
    """A caller that oversleeps by less than an interval each time still sends at the rate."""
    limit = RateLimit(rate_per_s)
    interval_s = 1 / rate_per_s
    now_s = due_s = 0.0

    for late in lateness:
        due_s = now_s + limit.reserve(now_s)
        now_s = due_s + late * interval_s

    assert due_s == pytest.approx((len(lateness) - 1) * interval_s, rel=1e-9)


@given(st.integers(1, 50), RATES, BURSTS)
def test_reservations_of_one_moment_are_spread_evenly(
    callers: int, rate_per_s: float, burst: int
) -> None:
    """Callers that ask together get places one interval apart, after the burst."""
    limit = RateLimit(rate_per_s, burst)

    waits_s = [limit.reserve(100.0) for _ in range(callers)]

    expected = [max(0, n - burst + 1) / rate_per_s for n in range(callers)]
    assert expected == pytest.approx(waits_s, abs=1e-9)


def test_without_a_rate_nobody_waits() -> None:
    """An unlimited rate never asks for a wait."""
    limit = RateLimit(None)

    assert {0.0} == {limit.reserve(0.0) for _ in range(1000)}


def test_a_clock_that_starts_anywhere_gives_the_first_send_at_once() -> None:
    """Monotonic clocks may start below zero or far above."""
    assert 0.0 == RateLimit(1.0).reserve(-1e6)


@pytest.mark.parametrize(("rate_per_s", "burst"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
def test_a_rate_that_never_sends_is_a_mistake_of_ours(rate_per_s: float, burst: int) -> None:
    """What ``--rate`` lets through is above zero; anything else would wait for ever."""
    with pytest.raises(AssertionError):
        RateLimit(rate_per_s, burst)

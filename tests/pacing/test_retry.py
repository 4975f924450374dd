from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.pacing.retry import (
    GIVE_UP,
    Backoff,
    RetrySettings,
    after_refusal,
    after_unsent,
    backoff_s,
    retry_after_s,
)

NOW_AT = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
SETTINGS = RetrySettings()
CHANCE = st.floats(0, 1, exclude_max=True)


@given(
    st.integers(1, 10_000),
    st.floats(0.01, 100),
    st.floats(0.01, 3600),
    st.one_of(st.none(), st.floats(0, 900)),
    CHANCE,
)
def test_a_wait_lies_between_retry_after_and_the_ceiling(
    attempt: int, base_s: float, cap_s: float, asked_s: float | None, chance: float
) -> None:
    """Full jitter: from what the server asked for to that plus the capped, doubling ceiling."""
    delay_s = backoff_s(attempt, base_s, cap_s, asked_s, lambda: chance)

    floor_s = asked_s or 0.0
    assert floor_s <= delay_s <= floor_s + min(cap_s, base_s * 2 ** min(attempt - 1, 60))


def test_the_ceiling_doubles_up_to_the_cap() -> None:
    """2, 4, 8, ... 60 seconds."""
    ceilings_s = [backoff_s(attempt, 2.0, 60.0, None, lambda: 1.0) for attempt in range(1, 8)]

    assert [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == ceilings_s


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param(" 7 ", 7.0, id="blanks"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("9" * 5000, float("inf"), id="more-digits-than-an-int-takes"),
        pytest.param("Sun, 22 Nov 2026 02:16:07 GMT", 120.0, id="date"),
        pytest.param("Sun, 22 Nov 2026 02:16:07 -0000", 120.0, id="date-of-unknown-zone"),
        pytest.param("Sat, 21 Nov 2026 02:16:07 GMT", 0.0, id="past-date"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1e9", None, id="exponent"),
        pytest.param("soon", None, id="word"),
        pytest.param("", None, id="empty"),
        pytest.param("120, 60", None, id="two-values"),
        pytest.param("٣", None, id="digits-of-another-script"),
        pytest.param("Sun, 99 Nov 2026 02:16:07 GMT", None, id="no-such-day"),
        pytest.param("Sun, 22 Nov 2026 02:16:07 +99999999999", None, id="no-such-zone"),
        pytest.param("Sun, 22 Nov 2026 02:16:07 +" + "9" * 20, None, id="a-zone-without-end"),
        pytest.param("Sun, 22 Nov " + "9" * 20 + " 02:16:07 GMT", None, id="a-year-without-end"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_s15_retry_after_is_seconds_or_a_date_or_nothing(
    value: str | None, seconds: float | None
) -> None:
    """Retry-After is whole seconds or an HTTP date; anything else leaves the wait to bulkpost."""
    assert seconds == retry_after_s(value, NOW_AT)


@given(st.text())
def test_s15_no_text_is_too_odd(value: str) -> None:
    """Whatever a server writes into Retry-After, the run goes on."""
    seconds = retry_after_s(value, NOW_AT)

    assert seconds is None or seconds >= 0


@given(st.integers(0, 10**6))
def test_s15_a_date_counts_from_now(seconds: int) -> None:
    """A date in Retry-After is as good as the seconds until then."""
    due_at = NOW_AT + timedelta(seconds=seconds)

    assert seconds == retry_after_s(format_datetime(due_at, usegmt=True), NOW_AT)


def test_s15_a_retry_after_beyond_a_quarter_of_an_hour_defers_the_row() -> None:
    """A row waits for a Retry-After of up to 900 s; with more it is deferred."""
    assert not after_refusal(SETTINGS, 1, 900.0, lambda: 0.0).gives_up
    assert GIVE_UP == after_refusal(SETTINGS, 1, 901.0, lambda: 0.0)


def test_s15_a_refused_row_waits_for_what_was_asked_and_its_own_jitter_on_top() -> None:
    """Rows that were told the same Retry-After do not all come back in the same moment."""
    assert Backoff(31.0) == after_refusal(SETTINGS, 1, 30.0, lambda: 0.5)


def test_s16_the_sixth_refusal_gives_up() -> None:
    """After 502, 503 or 504 a row is tried five times more; the sixth such answer defers it."""
    gives_up = [after_refusal(SETTINGS, n, None, lambda: 0.5).gives_up for n in range(1, 8)]

    assert [False, False, False, False, False, True, True] == gives_up


def test_the_waits_after_a_refusal_start_at_two_seconds() -> None:
    """The page says "in a few seconds": 2 s at most, then doubling."""
    delays_s = [after_refusal(SETTINGS, n, None, lambda: 0.5).delay_s for n in (1, 2, 3)]

    assert [1.0, 2.0, 4.0] == delays_s


def test_n2_unsent_requests_have_a_budget_and_a_pace_of_their_own() -> None:
    """A row that could not be sent is tried after up to 0.25 s, doubling, ten times in all."""
    backoffs = [after_unsent(SETTINGS, n, lambda: 0.5) for n in range(1, 11)]

    assert [0.125, 0.25, 0.5] == [backoff.delay_s for backoff in backoffs[:3]]
    assert [False] * 9 + [True] == [backoff.gives_up for backoff in backoffs]

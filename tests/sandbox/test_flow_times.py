"""A sandbox with a flow: how many leads it accepts in a time, and at what times."""

from datetime import UTC, datetime, timedelta

import pytest
from flows import NOON, SetClock, a_flow, served


@pytest.mark.parametrize(
    ("per", "still", "again"),
    [
        ("minute", timedelta(seconds=59), timedelta(minutes=1)),
        ("hour", timedelta(minutes=59), timedelta(hours=1)),
        ("day", timedelta(hours=17), timedelta(hours=18)),
        ("week", timedelta(days=2), timedelta(days=3)),
        ("month", timedelta(days=10), timedelta(days=11)),
    ],
)
async def test_a_cap_counts_accepted_leads_of_a_calendar_period(
    per: str, still: timedelta, again: timedelta
) -> None:
    """Refused leads and duplicates take no room; the period is of the flow's time zone."""
    clock = SetClock()  # noon in UTC is six o'clock in Chicago
    flow = a_flow(
        "email:email",
        caps=[{"count": 2, "per": per}, {"count": 1000, "per": "month"}],
        criteria=[{"field": "email", "operator": "is valid"}],
        time_zone="America/Chicago",
    )

    async with served(flow, clock) as server:
        refused = ["lead.email must be valid", None, "duplicate", None, "Cap reached"]
        leads = [{"email": text} for text in ("x", "a@b.org", "a@b.org", "c@b.org", "d@b.org")]
        assert refused == await server.reasons(*leads)
        clock.at = NOON + still
        assert ["Cap reached"] == await server.reasons({"email": "d@b.org"})
        clock.at = NOON + again
        assert [None] == await server.reasons({"email": "d@b.org"})


async def test_outside_its_hours_a_flow_refuses() -> None:
    """Days and times are of the flow's time zone; the opening minute is in, the closing one out."""
    clock = SetClock()
    flow = a_flow(
        "n",
        time_zone="America/Chicago",
        hours=[
            {"days": ["friday"], "opens": "08:00:00", "closes": "18:00:00"},
            {"days": ["saturday"], "opens": "22:00:00", "closes": "00:00:00"},
        ],
    )
    closed = "Submission Timestamp must be within hours of operation"
    expected = {
        datetime(2026, 11, 20, 13, 59, 59, tzinfo=UTC): closed,
        datetime(2026, 11, 20, 14, tzinfo=UTC): None,
        datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC): None,
        datetime(2026, 11, 21, 0, tzinfo=UTC): closed,
        datetime(2026, 11, 21, 15, tzinfo=UTC): closed,
        datetime(2026, 11, 22, 5, 59, 59, tzinfo=UTC): None,
        datetime(2026, 11, 22, 6, tzinfo=UTC): closed,
    }

    found = {}
    async with served(flow, clock) as server:
        for number, moment in enumerate(expected):
            clock.at = moment
            (found[moment],) = await server.reasons({"n": str(number)})

    assert expected == found

"""Case P7 of the fault catalogue: somebody sets the wall clock while a run goes on.

The clocks of this process are shifted below Python's own ``time`` and ``datetime``; the monotonic
clock goes on as it does when an administrator or NTP sets the time.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from faultserver import fault_server
from submitting import (
    Answerer,
    Seen,
    a_list,
    all_of,
    an_order,
    asked,
    bulkpost,
    endings,
    refusal,
    submitted,
    taken,
)

from bulkpost.reporting.status import ExitStatus

BEGAN_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOUR_S = 3600


@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(timedelta(days=-1), id="a-day-back"),
        pytest.param(timedelta(days=365), id="a-year-forward"),
    ],
)
async def test_p7_a_wall_clock_that_jumps_changes_nothing(jump: timedelta, tmp_path: Path) -> None:
    """If the wall clock is set back a day or forward a year, the run goes on as if it were not.

    Rate, pauses and what a server asks for by ``Retry-After`` are kept, and the durations in the
    ledger are right. Times are those of the clock with which the run began.
    """
    rows, rate_per_s = 30, 50
    leads, ledger = a_list(tmp_path, rows), tmp_path / "l.db"
    answerer = Answerer({5: [refusal(503, ("Retry-After", "1")), taken(5, 2)]})
    with time_machine.travel(BEGAN_AT, tick=True) as clock:

        def set_the_clock(seen: Seen) -> None:
            if seen.row in {5, 20} and seen.nth == 1:
                clock.shift(jump)

        answerer.on_request = set_the_clock
        async with fault_server(answerer.script) as server:
            order = an_order(
                server.url,
                leads,
                ledger=ledger,
                rate=f"{rate_per_s}/s",
                engine__concurrency=1,
            )
            result = await submitted(order)

    assert (ExitStatus.DONE, all_of(rows)) == (result.exit_status, endings(ledger))
    assert {**dict.fromkeys(range(1, rows + 1), 1), 5: 2} == answerer.counts
    times = [seen.at_s for seen in answerer.seen]  # the server's own, monotonic
    refused_s, back_s = (seen.at_s for seen in answerer.seen if seen.row == 5)
    assert back_s - refused_s >= 1.0
    # Only what a stalled machine lets go together may come closer than the rate.
    assert times[-1] - times[0] >= 1.0 + (rows - 2) / rate_per_s / 2
    ((took_ms, longest_ms, slowest_ms),) = asked(
        ledger,
        "SELECT max(ended_at_ms - started_at_ms), max(elapsed_ms), max(latency_ms)"
        " FROM run JOIN outcome",
    )
    assert 1000 <= longest_ms <= took_ms < HOUR_S * 1000
    assert 0 <= slowest_ms < HOUR_S * 1000
    told = await bulkpost("runs", "--ledger", ledger, cwd=tmp_path)
    assert BEGAN_AT.strftime("%Y-%m-%d %H:") in told.stdout.decode()

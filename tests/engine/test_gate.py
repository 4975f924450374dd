"""Where a worker waits before it may send: before the intent, and never past a stop."""

import anyio
import pytest

from bulkpost.clock import SystemClock
from bulkpost.engine.gate import Gate
from bulkpost.engine.tally import Tally
from bulkpost.pacing.breaker import Admission, Breaker, BreakerSettings
from bulkpost.pacing.rate import RateLimit, parse_rate


def _gate(rate: str = "") -> tuple[Gate, Tally]:
    tally = Tally()
    breaker = Breaker(BreakerSettings(failures_max=1, base_s=60.0), lambda: 1.0)
    limit = RateLimit(parse_rate(rate) if rate else None, 1)
    return Gate(SystemClock(), breaker, limit, tally), tally


async def test_an_open_gate_lets_everybody_in_at_once() -> None:
    """Without rate and trouble there is nothing to wait for, and nothing to explain."""
    gate, tally = _gate()

    assert not (await gate.enter()).is_probe  # type: ignore[union-attr]  # it did not stop
    assert "" == tally.held_back


@pytest.mark.parametrize("why", ["rate", "breaker"])
async def test_whoever_waits_goes_home_empty_handed_when_the_run_stops(why: str) -> None:
    """A stop ends both waits at once, and nobody who comes later gets in."""
    gate, tally = _gate("1/h" if why == "rate" else "")
    admission = await gate.enter()
    assert admission is not None
    if why == "breaker":
        gate.breaker.failed(SystemClock().now_s(), admission, 503, None)
    found: list[Admission | None] = []

    async def ask() -> None:
        found.append(await gate.enter())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            assert [] == found
            assert tally.held_back.startswith(
                "waiting: rate" if why == "rate" else "backing off: 503"
            )
            gate.stop()

    assert [None] * 3 == found
    assert await gate.enter() is None

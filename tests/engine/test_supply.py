"""Which row goes next: one that is due again, else a fresh one; and nobody waits for ever."""

from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest

from bulkpost.engine.job import Job, Prepared
from bulkpost.engine.supply import Supply
from bulkpost.lead import Identity


class StillClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.s = 100.0

    def now_s(self) -> float:
        return self.s

    def now_at(self) -> datetime:
        return datetime.fromtimestamp(self.s, UTC)

    async def sleep(self, duration_s: float) -> None:
        self.s += duration_s
        await anyio.lowlevel.checkpoint()


def a_job(row: int) -> Job[str]:
    return Job(row, row, Prepared("item", Identity(row.to_bytes(16, "big")), "here"))


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def _taken(supply: Supply[str]) -> int | None:
    with anyio.fail_after(5):
        job = await supply.take()
    return job.row_number if job is not None else None


async def test_fresh_rows_go_in_order_and_then_there_are_none(clock: StillClock) -> None:
    """The end is told to whoever asks, once every taken row has ended."""
    supply: Supply[str] = Supply(clock, 10)
    await supply.fill([a_job(1), a_job(2)])
    supply.end()
    taken = [await _taken(supply), await _taken(supply)]
    supply.release()
    supply.release()

    assert [1, 2, None] == [*taken, await _taken(supply)]


async def test_a_row_that_is_due_again_goes_before_fresh_ones(clock: StillClock) -> None:
    """And one that is not due yet does not hold up the others."""
    supply: Supply[str] = Supply(clock, 10)
    supply.postpone(a_job(7), 100.0)
    supply.postpone(a_job(8), 200.0)
    await supply.fill([a_job(1)])

    assert [7, 1] == [await _taken(supply), await _taken(supply)]
    assert 1 == supply.waiting_count


async def test_rows_in_back_off_keep_the_supply_open(clock: StillClock) -> None:
    """A worker that finds nothing waits while another's row may come back."""
    supply: Supply[str] = Supply(clock, 10)
    await supply.fill([a_job(1)])
    supply.end()
    found: list[int | None] = []

    async def second() -> None:
        found.append(await _taken(supply))

    first = await supply.take()
    assert first is not None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        assert [] == found
        supply.postpone(first, 100.0)
        supply.release()

    assert [1] == found


async def test_no_fresh_row_goes_while_too_many_wait(clock: StillClock) -> None:
    """A list that comes back row by row does not pile up in memory."""
    supply: Supply[str] = Supply(clock, 2)
    supply.postpone(a_job(8), 100.05)
    supply.postpone(a_job(9), 100.06)
    await supply.fill([a_job(1)])
    found: list[int | None] = []

    async def ask() -> None:
        found.append(await _taken(supply))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert [] == found
        clock.s = 100.055
        supply.release()  # any change makes it look again

    assert [8] == found


async def test_the_feed_waits_while_enough_is_ready_and_is_woken_by_a_stop(
    clock: StillClock,
) -> None:
    """Reading stops where sending does; a stopped supply lets everybody go."""
    supply: Supply[str] = Supply(clock, 10)
    is_back = anyio.Event()

    async def fill() -> None:
        await supply.fill([a_job(row) for row in range(1, 400)])
        is_back.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fill)
        await anyio.wait_all_tasks_blocked()
        assert not is_back.is_set()
        assert 1 == await _taken(supply)
        supply.stop()
        with anyio.fail_after(5):
            await is_back.wait()

    assert await _taken(supply) is None


async def test_p6_the_feed_waits_while_two_batches_are_ready(clock: StillClock) -> None:
    """However long rows are, no more than two batches of them are kept ready at a time.

    A batch holds 4 MiB, or one row.
    """
    supply: Supply[str] = Supply(clock, 10)
    filled = 0

    async def fill() -> None:
        nonlocal filled
        for row in range(1, 10):
            await supply.fill([])  # a batch of rows that were sent before takes no room
            await supply.fill([a_job(row)])
            filled += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fill)
        counts = []
        for _ in range(3):
            await anyio.wait_all_tasks_blocked()
            counts.append(filled)
            await _taken(supply)
        supply.stop()

    assert [1, 2, 3] == counts


async def test_what_waits_at_the_end_is_still_known(clock: StillClock) -> None:
    """A stopped run can say which rows it leaves for later, and when they are due."""
    supply: Supply[str] = Supply(clock, 10)
    supply.postpone(a_job(8), 150.0)
    supply.stop()

    assert [(150.0, 8)] == [(due_s, job.row_number) for due_s, job in supply.remaining()]

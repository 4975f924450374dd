"""What bounds a command that nobody watches; the server's own count is the judge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest
from faultserver import fault_server
from submitting import (
    Answerer,
    Recorder,
    Seen,
    a_list,
    all_of,
    an_order,
    asked,
    endings,
    refusal,
    submitted,
)

from bulkpost.app import commands
from bulkpost.app.order import Order, SubmitResult
from bulkpost.clock import SystemClock
from bulkpost.errors import ConfigError, UnexpectedPlanError
from bulkpost.reporting.status import ExitStatus


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "bulkpost.db"


async def test_a_portion_is_sent_and_the_rest_is_left_for_the_next_time(
    tmp_path: Path, ledger: Path
) -> None:
    """--limit asks for a portion: status 6, and the same command goes on."""
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(served.url, a_list(tmp_path, 8), ledger=ledger, limit=3)
        statuses = [(await submitted(order)).exit_status for _ in range(3)]

    assert [6, 6, 0] == statuses
    assert dict.fromkeys(range(1, 9), 1) == server.counts


async def test_one_row_more_than_the_ceiling_stops_the_command(
    tmp_path: Path, ledger: Path
) -> None:
    """--max-submit is a guard: status 4, and no more than so many leads went out."""
    server = Answerer()
    async with fault_server(server.script) as served:
        result = await submitted(
            an_order(served.url, a_list(tmp_path, 8), ledger=ledger, night__max_submit=5)
        )

    assert (ExitStatus.STOPPED, 5) == (result.exit_status, len(server.seen))
    halt = result.runs[0].halt
    assert halt is not None
    assert "--max-submit 5 is reached" in halt.reason


async def test_exactly_the_ceiling_is_no_alarm(tmp_path: Path, ledger: Path) -> None:
    """As many rows as it allows, over several lists, with one that is done with behind them."""
    lists = [a_list(tmp_path, rows, f"{rows[-1]}.csv") for rows in ([1, 2, 3], [4, 5], [1, 2])]
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(served.url, *lists, ledger=ledger, night__max_submit=5, key=["row"])
        result = await submitted(order)

    assert (ExitStatus.DONE, 3, 5) == (result.exit_status, len(result.runs), len(server.seen))


async def test_the_ceiling_counts_over_all_lists(tmp_path: Path, ledger: Path) -> None:
    """The second list is stopped by what the first has used up."""
    lists = [a_list(tmp_path, rows, f"{rows[0]}.csv") for rows in ([1, 2, 3], [4, 5, 6])]
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(served.url, *lists, ledger=ledger, night__max_submit=3)
        result = await submitted(order)

    assert (ExitStatus.STOPPED, [1, 2, 3]) == (result.exit_status, sorted(server.rows))


@pytest.mark.parametrize("expected", ["1..7", "9..", "0"])
async def test_nothing_is_sent_unless_the_list_holds_what_was_expected(
    expected: str, tmp_path: Path, ledger: Path
) -> None:
    """The lists are looked through first; with another number of new rows no run is begun."""
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(served.url, a_list(tmp_path, 8), ledger=ledger, night__expect_new=expected)
        with pytest.raises(UnexpectedPlanError, match="8 rows are new") as refused:
            await submitted(order)

    assert (4, []) == (refused.value.exit_status, server.seen)
    assert [(0,)] == asked(ledger, "SELECT count(*) FROM run")


async def test_rows_that_were_sent_before_are_not_new(tmp_path: Path, ledger: Path) -> None:
    """Another list with the same leads, re-sorted, holds none; one with two more holds two."""
    server = Answerer()
    async with fault_server(server.script) as served:
        await submitted(an_order(served.url, a_list(tmp_path, 8), ledger=ledger))
        again = a_list(tmp_path, [8, 9, 1, 2, 10], "again.csv")
        result = await submitted(
            an_order(served.url, again, ledger=ledger, night__expect_new="2..2")
        )

    assert (ExitStatus.DONE, 10) == (result.exit_status, len(server.seen))


@pytest.mark.parametrize(
    "wrong",
    [{"night__until": "6"}, {"night__max_duration": "soon"}, {"night__expect_new": "few"}],
    ids=str,
)
async def test_a_bound_that_is_none_is_refused_before_anything_is_made(
    wrong: dict[str, str], tmp_path: Path, ledger: Path
) -> None:
    """Usage, with status 2: not even a ledger is made."""
    with pytest.raises(ConfigError):
        await submitted(an_order("http://127.0.0.1:9", a_list(tmp_path, 2), ledger=ledger, **wrong))

    assert not await anyio.Path(ledger).exists()


@dataclass
class Wall(SystemClock):
    """A clock on whose wall somebody moves the hands; whoever waits long for it looks up often."""

    moved: timedelta = field(default_factory=timedelta)

    def now_at(self) -> datetime:
        return super().now_at() + self.moved

    async def sleep(self, duration_s: float) -> None:
        await super().sleep(0.01 if duration_s > 5.0 else duration_s)


def in_an_hour(clock: Wall) -> str:
    """A time of day, one to two hours ahead."""
    return f"{(clock.now_at().astimezone() + timedelta(hours=1, minutes=5)):%H:%M}"


class Slow(Recorder):
    """Somebody for whom a list is read for two hours."""

    def __init__(self, clock: Wall) -> None:
        super().__init__()
        self._clock = clock

    def noted(self, text: str) -> None:
        if "CSV" in text:
            self._clock.moved = timedelta(hours=2)


async def bounded(order: Order, clock: Wall) -> SubmitResult:
    with anyio.fail_after(30):
        return await commands.submit(order, Recorder(), clock)


def after(rows: int, act: Callable[[], None]) -> Callable[[Seen], None]:
    """Do something when so many requests have come."""
    left = rows

    def count(_: Seen) -> None:
        nonlocal left
        left -= 1
        if not left:
            act()

    return count


async def test_when_the_time_has_come_no_row_is_taken_any_more(
    tmp_path: Path, ledger: Path
) -> None:
    """What is under way is awaited, what waits for its next attempt is deferred, none is in doubt.

    The status is 6, and the same command sends the rest, once.
    """
    clock = Wall()

    def strike() -> None:
        clock.moved = timedelta(hours=2)

    busy = {row: [refusal(503, ("Retry-After", "600"))] for row in (1, 2)}
    server = Answerer(busy, on_request=after(2, strike))
    async with fault_server(server.script) as served:
        order = an_order(
            served.url, a_list(tmp_path, 300), ledger=ledger, night__until=in_an_hour(clock)
        )
        first = await bounded(order, clock)
        states = asked(ledger, "SELECT outcome, count(*) FROM rows GROUP BY outcome")
        server.plan = {}
        asked_first = len(server.seen)
        again = an_order(served.url, tmp_path / "leads.csv", ledger=ledger)
        clock.moved += timedelta(hours=1)
        last = await bounded(again, clock)

    assert ExitStatus.RESUMABLE == first.exit_status
    assert "--until" in (first.runs[0].halt.reason if first.runs[0].halt else "")
    assert {"deferred"} <= {state for state, _ in states} <= {"deferred", "success"}
    assert asked_first < 300
    assert ExitStatus.DONE == last.exit_status
    assert all_of(300) == endings(ledger)
    assert {1: 2, 2: 2} == {row: count for row, count in server.counts.items() if count > 1}


async def test_a_command_that_begins_too_late_sends_nothing(tmp_path: Path, ledger: Path) -> None:
    """Reading the lists has taken until the deadline: the run ends before its first row."""
    clock = Wall()
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(
            served.url, a_list(tmp_path, 4), ledger=ledger, night__until=in_an_hour(clock)
        )
        with anyio.fail_after(30):
            result = await commands.submit(order, Slow(clock), clock)

    assert (ExitStatus.RESUMABLE, []) == (result.exit_status, server.seen)


async def test_a_deadline_stops_every_list_behind_it(tmp_path: Path, ledger: Path) -> None:
    """The lists after the one at hand are left for the next command."""
    lists = [a_list(tmp_path, range(1, 200), "a.csv"), a_list(tmp_path, range(200, 205), "b.csv")]
    server = Answerer()
    async with fault_server(server.script) as served:
        order = an_order(served.url, *lists, ledger=ledger, night__max_duration="1s", rate="50/s")
        result = await submitted(order)

    assert (ExitStatus.RESUMABLE, 1) == (result.exit_status, len(result.runs))
    assert set(server.rows) < set(range(1, 200))


async def test_a_list_that_is_finished_in_time_is_finished(tmp_path: Path, ledger: Path) -> None:
    """A deadline that did not come, or came with the last answer, changes nothing."""
    clock = Wall()

    def strike() -> None:
        clock.moved = timedelta(hours=2)

    server = Answerer(on_request=after(4, strike))
    async with fault_server(server.script) as served:
        order = an_order(
            served.url, a_list(tmp_path, 4), ledger=ledger, night__until=in_an_hour(clock)
        )
        result = await bounded(order, clock)

    assert ExitStatus.DONE == result.exit_status
    assert all_of(4) == endings(ledger)

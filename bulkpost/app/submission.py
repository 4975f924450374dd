"""The runs of one command: one after another, with one transport and one pace."""

import signal
from dataclasses import replace
from random import Random
from typing import Final, Generic

import anyio
import anyio.to_thread

from bulkpost.app.inputs import called, parts_of
from bulkpost.app.items import History, Items
from bulkpost.app.order import (
    SIGNAL_STATUS,
    Batch,
    Observer,
    Order,
    RunResult,
    SubmitResult,
    Watched,
    heeded_signals,
)
from bulkpost.app.steady import Condition, SteadySource
from bulkpost.destination import Destination
from bulkpost.engine.allowance import Allowance
from bulkpost.engine.deadline import Deadline
from bulkpost.engine.feed import Feed, FeedLimits
from bulkpost.engine.gate import Gate
from bulkpost.engine.halt import Halt
from bulkpost.engine.job import ItemT
from bulkpost.engine.pipeline import Pipeline
from bulkpost.engine.sorter import Sorter
from bulkpost.engine.supply import Supply
from bulkpost.engine.tally import Tally
from bulkpost.engine.waterline import Waterline
from bulkpost.engine.worker import Machines
from bulkpost.errors import BulkpostError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.reader import InputRecord
from bulkpost.ledger.states import State
from bulkpost.log import get_logger
from bulkpost.pacing.breaker import Breaker
from bulkpost.pacing.rate import RateLimit, parse_rate
from bulkpost.reporting.status import status_of
from bulkpost.run import Run, RunEnding
from bulkpost.transport.http import HttpTransport

_CHANGED: Final = Halt(
    RunEnding.FAILED,
    "the input was changed while it was submitted; what was sent is what stood in it before, and "
    "nothing of what stands in it now",
    "Let nobody write to a list that is being submitted. `bulkpost check` says what would be sent "
    "of the list as it is now: leads that were sent are recognised.",
)
# How often a deadline is looked at: the wall clock may be set, and the machine may sleep.
_LOOK_S: Final = 20.0


async def _condition(source: SteadySource) -> Condition:
    return await anyio.to_thread.run_sync(source.look)


async def _check_unchanged(batch: Batch[ItemT], source: SteadySource) -> None:
    if await _condition(source) is Condition.CHANGED:
        raise BulkpostError(
            f"{called(batch.reader.path)} was changed after it was read; none of its rows was sent",
            advice="Wait until it is written completely, then run the same command again.",
        )


class Submission(Generic[ItemT]):
    """The runs of one command: one after another, with one transport and one pace.

    Attributes:
        is_over: No further run is to be started.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # everything that one run needs
        self,
        items: Items[ItemT],
        order: Order,
        destination: Destination,
        ledger: Ledger,
        transport: HttpTransport,
        observer: Observer,
        deadline: Deadline | None,
        result: SubmitResult,
    ) -> None:
        self.is_over = False
        self._deadline = deadline
        self._result = result
        self._items = items
        self._order = order
        self._settings = order.settings
        self._destination = destination
        self._ledger = ledger
        self._transport = transport
        self._observer = observer
        self._clock = transport.clock
        self._allowance = Allowance(order.limit, order.settings.night.max_submit or None)
        self._signal: signal.Signals | None = None
        self._random = Random()  # noqa: S311  # jitter
        rate = order.settings.rate
        self._rate = RateLimit(parse_rate(rate) if rate else None, order.settings.burst)
        # What the host asked for holds for the next input, too.
        self._breaker = Breaker(order.settings.breaker, self._random.random)

    async def run(self, batch: Batch[ItemT]) -> RunResult:
        """Submit one input; return when everything that happened is in the ledger."""
        intake = batch.intake
        source = SteadySource(batch)
        await _check_unchanged(batch, source)
        # New rules take effect in the ledger once every row was looked at under them; until then
        # no run may believe that its own were in force.
        stored = intake.record
        if intake.known is not None and intake.rules_changed:
            stored = stored.changing_from(intake.known)
        record = await self._ledger.store_input(stored, intake.marks)
        parts, rows_todo = await parts_of(self._ledger.reader, record, intake)
        run_id = await self._ledger.begin_run(
            Run(record.id, self._order.command, record.low_water, self._history())
        )
        self._result.begun.append(run_id)
        fault_point("run.begin")
        if not rows_todo:
            self._observer.noted(f"{called(batch.reader.path)}: nothing is left to submit")
        get_logger().info("run_started", run=run_id, rows=rows_todo, input=record.path)
        tally = Tally(rows_todo=rows_todo)
        feed, pipeline = await self._machines(batch, record, tally)
        watched = Watched(batch.reader.path, rows_todo, tally)
        self._ledger.writer.reopen()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, watched)
            tasks.start_soon(self._obey_signals, pipeline)
            tasks.start_soon(self._watch_deadline, pipeline)
            await pipeline.run(source, parts)
            tasks.cancel_scope.cancel()
        if await _condition(source) is Condition.CHANGED:
            pipeline.halt(_CHANGED)
        if pipeline.halted is None and not pipeline.refused and not feed.reached_limit:
            await self._ledger.store_input(replace(intake.record, id=record.id))
        return await self._end(run_id, source, record.id, feed, pipeline)

    async def _end(
        self,
        run_id: int,
        source: SteadySource,
        input_id: int,
        feed: Feed[ItemT],
        pipeline: Pipeline[ItemT],
    ) -> RunResult:
        path, rows = source.reader.path, source.record.rows
        source.reader.close()
        ledger = self._ledger
        if ledger.writer.failure is not None:
            raise ledger.writer.failure
        ending = self._ending(pipeline, feed)
        self._allowance.take(feed.jobs_fed)
        counts = await ledger.reader.state_counts(input_id, rows)
        pending = rows - sum(counts.values())
        if source.condition is Condition.GROWN:
            pending += 1  # or more: they were not read
            self._observer.noted(
                f"{path.name}: rows were added while it was submitted; the same command sends them"
            )
        if ending is RunEnding.LIMIT and not (pending or counts.get(State.DEFERRED)):
            ending = RunEnding.FINISHED  # the deadline came with the last answer
        interrupted_by = SIGNAL_STATUS[self._signal] if self._signal is not None else None
        status = status_of(
            ending,
            {state.kind: count for state, count in counts.items()},
            pending,
            interrupted_by,
        )
        await ledger.end_run(run_id, ending, status, pipeline.found)
        fault_point("run.closed")
        get_logger().info("run_ended", run=run_id, state=ending.value, count=int(status))
        halt = self._ceiling() if ending is RunEnding.CEILING else pipeline.halted
        self.is_over = halt is not None or self._allowance.is_used_up
        result = RunResult(run_id, path, ending, status, halt, pipeline.changed)
        await self._observer.ended(ledger.reader, result)
        if isinstance(pipeline.error, BulkpostError):
            # Leads were sent: this is no longer the caller's mistake alone, exit status 1.
            raise BulkpostError(pipeline.error.message, advice=pipeline.error.advice) from None
        if pipeline.error is not None:
            raise pipeline.error
        return result

    async def _machines(
        self, batch: Batch[ItemT], record: InputRecord, tally: Tally
    ) -> tuple[Feed[ItemT], Pipeline[ItemT]]:
        settings, ledger, clock = self._settings, self._ledger, self._clock
        supply: Supply[ItemT] = Supply(clock, settings.engine.waiting_max)
        waterline = Waterline()
        machines = Machines(
            ledger=ledger,
            transport=self._transport,
            endpoint=self._items.endpoint(settings),
            gate=Gate(clock, self._breaker, self._rate, tally),
            supply=supply,
            waterline=waterline,
            tally=tally,
            clock=clock,
            random=self._random,
            input_id=record.id,
            retry=settings.retry,
            budget=settings.budget,
            is_routed=self._destination.is_routed,
        )
        sorter = Sorter(
            ledger.reader,
            batch.fit.preparation(ledger.key_salt, ledger.ledger_id, record.id),
            record.id,
            last_known_row=await ledger.reader.last_row(record.id),
            submit_duplicates=settings.duplicates == "submit",
        )
        limits = FeedLimits(self._allowance.rows_max, settings.engine.due_s_max)
        feed = Feed(sorter, supply, ledger.writer, waterline, tally, clock, limits)
        return feed, Pipeline(machines, feed, settings.engine)

    def _history(self) -> History:
        settings = self._settings
        return {
            "rate": settings.rate or None,
            "concurrency": settings.engine.concurrency,
            "limit": self._order.limit,
            "max_submit": settings.night.max_submit or None,
            "until": settings.night.until or None,
            "max_duration": settings.night.max_duration or None,
            **self._items.history(settings),
        }

    async def _watch(self, watched: Watched) -> None:
        try:
            await self._observer.watch(watched)
        except Exception as error:  # noqa: BLE001  # a broken display must not stop a run
            get_logger().warning("display_failed", error_type=type(error).__name__)

    async def _watch_deadline(self, pipeline: Pipeline[ItemT]) -> None:
        while (left_s := self._left_s()) is not None and left_s > 0:
            await self._clock.sleep(min(left_s, _LOOK_S))
        self._heed_deadline(pipeline)

    def _heed_deadline(self, pipeline: Pipeline[ItemT]) -> None:
        """Take no more rows once the time is over."""
        left_s = self._left_s()
        if self._deadline is None or left_s is None or left_s > 0 or pipeline.halted is not None:
            return
        reason = self._deadline.reason(self._clock.now_at())
        pipeline.halt(Halt(RunEnding.LIMIT, reason, "The same command goes on where it stood."))

    def _left_s(self) -> float | None:
        if self._deadline is None:
            return None
        return self._deadline.remaining_s(self._clock.now_s(), self._clock.now_at())

    def _ceiling(self) -> Halt:
        return Halt(
            RunEnding.CEILING,
            f"--max-submit {self._settings.night.max_submit} is reached, and there are more rows",
            "Find out why: `bulkpost check` says what is left. If all of it is meant to be sent, "
            "run the command again with a higher number.",
        )

    def _ending(self, pipeline: Pipeline[ItemT], feed: Feed[ItemT]) -> RunEnding:
        if pipeline.halted is not None:
            return pipeline.halted.ending
        if pipeline.refused:
            return RunEnding.REFUSED
        return self._allowance.ending if feed.reached_limit else RunEnding.FINISHED

    async def _obey_signals(self, pipeline: Pipeline[ItemT]) -> None:
        """The first Ctrl-C or SIGTERM drains, the second aborts."""
        if not self._order.heeds_signals:
            return
        with anyio.open_signal_receiver(*heeded_signals()) as signals:
            async for received in signals:
                name = signal.Signals(received).name
                if self._signal is None:
                    self._signal = signal.Signals(received)
                    pipeline.halt(Halt(RunEnding.DRAINED, f"{name} received"))
                    self._observer.noted(
                        f"{name}: no new row is sent; waiting up to "
                        f"{self._settings.engine.drain_s:.0f} s for {pipeline.in_flight} answers. "
                        "Once more to record them in doubt at once."
                    )
                else:
                    self._observer.noted(f"{name}: aborting; what is in flight is in doubt")
                    pipeline.abort(f"{name} received twice")

"""feed -> workers -> writer, in one task group, from the first row to the last ending.

Stopping is a state, not an exception: ``halt`` lets nothing new out and everybody come home. Only
an abort cancels, and then each worker records its row as in doubt before it goes. The writer
outlives them all and is shielded: an ending in hand is never dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Generic

import anyio

from bulkpost.engine.feed import Feed, Source, Span
from bulkpost.engine.halt import Halt
from bulkpost.engine.job import ItemT
from bulkpost.engine.settings import EngineSettings
from bulkpost.engine.worker import Machines, Worker
from bulkpost.errors import BulkpostError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import Settlement
from bulkpost.log import get_logger
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.run import RunEnding


class Pipeline(Generic[ItemT]):
    """One run's machines, joined.

    Attributes:
        halted: Why the run stopped early; None if it did not.
        error: What broke the feed, for the caller to raise once everything is recorded.
    """

    def __init__(
        self, machines: Machines[ItemT], feed: Feed[ItemT], settings: EngineSettings
    ) -> None:
        self.halted: Halt | None = None
        self.error: BaseException | None = None
        self._machines = machines
        self._feed = feed
        self._settings = settings
        self._draining = anyio.Event()
        self._crew = anyio.CancelScope()

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return self._machines.tally.in_flight

    @property
    def changed(self) -> Mapping[str, int]:
        """In how many leads a field was sent otherwise than it stands in the input."""
        return self._machines.tally.changed

    @property
    def found(self) -> Mapping[tuple[str, str], int]:
        """Leads of this run by (field name, code) of what was found in their values."""
        return self._machines.tally.found

    @property
    def refused(self) -> Mapping[str, str]:
        """Destinations that refused during the run, and why."""
        return self._machines.refused

    def halt(self, halt: Halt) -> None:
        """Let nothing new out. The first reason counts."""
        if self.halted is None:
            self.halted = halt
            self._machines.tally.held_back = f"stopping: {halt.reason}"
            get_logger().info("run_stopping", why=halt.reason)
        self._machines.supply.stop()
        self._machines.gate.stop()
        self._draining.set()

    def abort(self, reason: str) -> None:
        """Wait for nothing any more: what is in flight is recorded in doubt at once."""
        self.halt(Halt(RunEnding.ABORTED, reason))
        self.halted = Halt(RunEnding.ABORTED, reason)
        self._machines.is_aborting = True
        self._crew.cancel()

    async def run(self, source: Source, parts: Sequence[Span]) -> None:
        """Send what is to be sent. Returns when the last ending is in the ledger, or rescued.

        What broke the feed is in ``error`` then, for the caller to raise.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write)
            try:
                await self._run_crew(source, parts)
            finally:
                self._defer_waiting()
                self._machines.ledger.writer.close()
        fault_point("run.end")

    async def _run_crew(self, source: Source, parts: Sequence[Span]) -> None:
        async with anyio.create_task_group() as guard:
            guard.start_soon(self._watch_drain)
            with self._crew:
                async with anyio.create_task_group() as crew:
                    crew.start_soon(self._run_feed, source, parts)
                    for number in range(self._settings.concurrency):
                        worker = Worker(self._machines, self.halt)
                        crew.start_soon(worker.run, name=f"worker-{number + 1}")
            guard.cancel_scope.cancel()

    async def _run_feed(self, source: Source, parts: Sequence[Span]) -> None:
        try:
            await self._feed.run(source, parts, self._machines.input_id)
        except Exception as error:  # noqa: BLE001  # raised by the caller, after the drain
            self.error = error
            message = error.message if isinstance(error, BulkpostError) else type(error).__name__
            self.halt(Halt(RunEnding.FAILED, f"reading stopped: {message}"))
        finally:
            self._machines.supply.end()

    async def _write(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._machines.ledger.writer.run()

    async def _watch_drain(self) -> None:
        await self._draining.wait()
        await self._machines.clock.sleep(self._settings.drain_s)
        get_logger().info("drain_ended", delay_s=self._settings.drain_s)
        self.abort(f"no answer within {self._settings.drain_s:.0f} s of being asked to stop")

    def _defer_waiting(self) -> None:
        """Rows that still wait for their next attempt were surely not taken."""
        machines = self._machines
        now_s, now_at_s = machines.clock.now_s(), machines.clock.now_at().timestamp()
        for due_s, job in machines.supply.remaining():
            if not job.is_open:
                continue
            outcome = Outcome(OutcomeKind.DEFERRED, "the run ended before its next attempt")
            due_at_ms = round((now_at_s + due_s - now_s) * 1000)
            machines.ledger.writer.put(
                Settlement(job.row_id, outcome, job.attempt, job.ambiguous, None, due_at_ms)
            )
            machines.tally.ended(outcome)

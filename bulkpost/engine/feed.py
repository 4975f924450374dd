"""Reads rows and hands them to the workers: first those that were deferred, then new ones.

What the ledger accounts for already is skipped by seeking, not by reading.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol

import anyio.to_thread

from bulkpost.clock import Clock
from bulkpost.engine.job import ItemT, Job
from bulkpost.engine.sorter import Sorted, Sorter
from bulkpost.engine.supply import Supply
from bulkpost.engine.tally import Tally
from bulkpost.engine.waterline import Waterline
from bulkpost.errors import BulkpostError, place_of
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import row_number_of
from bulkpost.ledger.writer import LedgerWriter
from bulkpost.outcome import Outcome
from bulkpost.row import Position, Row


class Source(Protocol):
    """Where rows come from; every reader is one."""

    @property
    def path(self) -> Path:
        """The file, for messages."""
        ...

    def batches(self, start: Position | None = None) -> Iterator[Sequence[Row]]:
        """Yield rows from a position on, in order; blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an input to read.

    Attributes:
        start: Where to begin reading; None for the first row.
        first: The first row that is wanted.
        last: The last row that is wanted; None for the end of the input.
        only: The rows that are wanted; None for all of them.
    """

    start: Position | None
    first: int
    last: int | None
    only: frozenset[int] | None


def spans(marks: Sequence[Position], low_water: int, open_rows: Sequence[int]) -> list[Span]:
    """Return what is to be read: the open rows up to the low-water mark, then all after it.

    Args:
        marks: Positions from which reading can begin, in order.
        low_water: Every row up to it is accounted for.
        open_rows: Those of them that are looked at again, in order.
    """
    numbers = [mark.row_number for mark in marks]

    def start_of(row_number: int) -> Position | None:
        index = bisect_right(numbers, row_number)
        return marks[index - 1] if index else None

    by_start: dict[Position | None, list[int]] = {}
    for row_number in open_rows:
        by_start.setdefault(start_of(row_number), []).append(row_number)
    reread = [Span(start, rows[0], rows[-1], frozenset(rows)) for start, rows in by_start.items()]
    return [*reread, Span(start_of(low_water + 1), low_water + 1, None, None)]


class RowStream:
    """The wanted rows of a span, a batch at a time, read in a thread."""

    def __init__(self, source: Source, span: Span) -> None:
        self._path = source.path
        self._batches = source.batches(span.start)
        self._span = span
        self._last_row = span.start.row_number - 1 if span.start is not None else 0
        self._is_done = False

    async def next(self) -> list[Row] | None:
        """Return the next wanted rows, or None at the end of the span.

        Raises:
            InputError: The input is no longer what it was when it was taken in.
            BulkpostError: It could not be read on; the file and the row are named.
        """
        while not self._is_done:
            batch = await anyio.to_thread.run_sync(self._read)
            if batch is None:
                self._is_done = True
                break
            span = self._span
            if span.last is not None and batch and batch[-1].number >= span.last:
                self._is_done = True
            rows = [
                row
                for row in batch
                if row.number >= span.first
                and (span.last is None or row.number <= span.last)
                and (span.only is None or row.number in span.only)
            ]
            if rows:
                return rows
        return None

    def _read(self) -> Sequence[Row] | None:
        try:
            fault_point("reader.batch")
            batch = next(self._batches, None)
        except BulkpostError:
            raise
        except Exception as error:  # noqa: BLE001  # a reader that dies must say where
            why = error.strerror if isinstance(error, OSError) else None
            raise BulkpostError(
                f"{self._path.name} could not be read on after row {self._last_row:,}: "
                f"{why or f'{type(error).__name__} at {place_of(error)}'}",
                advice="What was sent is in the ledger. Run the same command again: it goes on "
                "where it stood.",
            ) from None
        if batch:
            self._last_row = batch[-1].number
        return batch


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """How much to feed.

    Attributes:
        jobs_max: Rows to send at most; None for all.
        due_s_max: Deferred rows due later than this from now are left for a later run.
    """

    jobs_max: int | None
    due_s_max: float


class Feed(Generic[ItemT]):
    """Feeds one input into a supply.

    Attributes:
        reached_limit: It stopped at ``jobs_max`` with rows left.
        jobs_fed: Rows handed to the workers.
        left_for_later: Deferred rows whose time is too far off.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # the joint of six machines
        self,
        sorter: Sorter[ItemT],
        supply: Supply[ItemT],
        writer: LedgerWriter,
        waterline: Waterline,
        tally: Tally,
        clock: Clock,
        limits: FeedLimits,
    ) -> None:
        self.reached_limit = False
        self.jobs_fed = 0
        self.left_for_later = 0
        self._sorter = sorter
        self._supply = supply
        self._writer = writer
        self._waterline = waterline
        self._tally = tally
        self._clock = clock
        self._limits = limits

    async def run(self, source: Source, parts: Sequence[Span], input_id: int) -> None:
        """Feed the given parts, until the end, the limit, or the stop of the supply."""
        for part in parts:
            stream = RowStream(source, part)
            while not self._supply.is_stopped and (rows := await stream.next()) is not None:
                await self._feed(rows, input_id, is_new=part.only is None)
                if self.reached_limit:
                    return

    async def _feed(self, rows: list[Row], input_id: int, *, is_new: bool) -> None:
        placed = await self._sorter.sort(rows)
        fault_point("feed.batch")
        self._refuse(placed)
        jobs = self._within_limit(placed.jobs)
        if is_new:
            batch = self._waterline.open(rows[-1].number, len(placed.jobs))
            for job in jobs:
                job.batch = batch
            mark = self._waterline.rise()
            if mark is not None:
                fault_point("mark.queued")
                self._writer.advance(input_id, mark)
        self._tally.rows_known += len(placed.settled)
        if placed.refused:
            await self._writer.flush()  # a file of nothing but bad rows must not pile up in memory
        await self._supply.fill(self._ready(jobs, placed))

    def _refuse(self, placed: Sorted[ItemT]) -> None:
        for refused in placed.refused:
            earlier = placed.earlier.get(row_number_of(refused.row_id))
            if earlier is not None and earlier.state is refused.state:
                self._tally.rows_known += 1
                continue
            self._writer.put(refused)
            self._tally.ended(Outcome(refused.state.kind, refused.reason))

    def _within_limit(self, jobs: list[Job[ItemT]]) -> list[Job[ItemT]]:
        jobs_max = self._limits.jobs_max
        if jobs_max is not None and len(jobs) > jobs_max - self.jobs_fed:
            self.reached_limit = True
            jobs = jobs[: jobs_max - self.jobs_fed]
        self.jobs_fed += len(jobs)
        return jobs

    def _ready(self, jobs: list[Job[ItemT]], placed: Sorted[ItemT]) -> list[Job[ItemT]]:
        """Return the jobs that may go now; those that are due later are put to wait."""
        if not placed.due_at_ms:
            return jobs
        ready = []
        now_at_s = self._clock.now_at().timestamp()
        for job in jobs:
            delay_s = placed.due_at_ms.get(job.row_number, 0) / 1000 - now_at_s
            if delay_s <= 0:
                ready.append(job)
            elif delay_s <= self._limits.due_s_max:
                self._supply.postpone(job, self._clock.now_s() + delay_s)
            else:
                self.left_for_later += 1
                if job.batch is not None:
                    self._waterline.accounted(job.batch)
        return ready

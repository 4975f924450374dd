"""All that is told of a run, on a page or on a terminal: one read model, so that both agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkpost.ledger.reader import LedgerReader
from bulkpost.reporting.counts import ReasonCount
from bulkpost.reporting.course import Course, run_course
from bulkpost.reporting.doubts import Doubt, doubt_count, doubts
from bulkpost.reporting.history import (
    PastRun,
    RunFilter,
    ending_of,
    past_runs,
)
from bulkpost.reporting.summary import RunRecord, RunSummary, summarise
from bulkpost.reporting.wording import price_text

DOUBTS_MAX: Final = 20
EARLIER_MAX: Final = 10
RARER: Final = "rarer reasons"


@dataclass(frozen=True, slots=True)
class RankedReason(ReasonCount):
    """A reason, or what stands for those that came without one and for the rarer ones.

    Attributes:
        share: Of the run's rows, from 0 to 1.
    """

    share: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**ReasonCount.to_dict(self), "share": round(self.share, 6)}


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, all of it.

    Attributes:
        summary: Its rows and its input's, counted.
        is_running: It is going on.
        course: How it went over time.
        doubts: Its first rows in doubt.
        doubt_count: All of its rows in doubt; those that it left under way when it died, too.
        itself: The run as it stands in a table of runs.
        earlier: The runs before it to the same destination, newest first.
    """

    summary: RunSummary
    is_running: bool
    course: Course
    doubts: tuple[Doubt, ...]
    doubt_count: int
    itself: PastRun
    earlier: tuple[PastRun, ...]

    @property
    def record(self) -> RunRecord:
        """The run."""
        return self.summary.record

    @property
    def ending(self) -> str:
        """How it stands: its ending, "running" or "died"."""
        return ending_of(self.record, is_running=self.is_running)

    @property
    def reasons(self) -> tuple[RankedReason, ...]:
        """Every row of the run under a reason, the most frequent first.

        Counts and prices add up to the run's.
        """
        summary = self.summary
        named = [*summary.reasons, *summary.reasonless, *_rarer(summary)]
        rows = summary.rows or 1
        ranked = [
            RankedReason(
                entry.kind, entry.reason, entry.count, entry.price_micros, entry.count / rows
            )
            for entry in named
        ]
        return tuple(sorted(ranked, key=lambda entry: -entry.count))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        prices = self.summary.prices
        return {
            **self.summary.to_dict(),
            "ending": self.ending,
            "prices": {kind.value: price_text(micros) for kind, micros in prices.items()},
            "ranked_reasons": [entry.to_dict() for entry in self.reasons],
            "course": self.course.to_dict(),
            "doubts": [doubt.to_dict() for doubt in self.doubts],
            "doubts_of_run": self.doubt_count,
            "earlier_runs": [run.to_dict() for run in self.earlier],
        }


async def run_report(reader: LedgerReader, run_id: int, *, is_busy: bool) -> RunReport:
    """Return all that is told of a run.

    Args:
        reader: The ledger.
        run_id: The run.
        is_busy: A process holds the ledger: the newest run, if it has no end, is going on.

    Raises:
        UsageError: There is no such run.
    """
    summary = await summarise(reader, run_id)
    itself, *earlier = await past_runs(
        reader, EARLIER_MAX + 1, is_busy=is_busy, wanted=RunFilter(up_to=run_id)
    )
    return RunReport(
        summary=summary,
        is_running=itself.is_running,
        course=await run_course(reader, summary.record),
        doubts=tuple(await doubts(reader, DOUBTS_MAX, run_id=run_id, is_busy=is_busy)),
        doubt_count=await doubt_count(reader, run_id=run_id, is_busy=is_busy),
        itself=itself,
        earlier=tuple(earlier),
    )


def _rarer(summary: RunSummary) -> Sequence[ReasonCount]:
    """Return what is left of each outcome once its frequent reasons are told."""
    rest = []
    for kind, count in summary.counts.items():
        told = [entry for entry in (*summary.reasons, *summary.reasonless) if entry.kind is kind]
        left = count - sum(entry.count for entry in told)
        if left > 0:
            paid = summary.prices.get(kind)
            micros = sum(entry.price_micros or 0 for entry in told)
            rest.append(ReasonCount(kind, RARER, left, None if paid is None else paid - micros))
    return rest

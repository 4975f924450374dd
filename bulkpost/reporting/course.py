"""How a run went over time: its requests, their latencies, what was repeated.

The ledger counts; what comes back has a limit, however long the run was and however many its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.reporting.summary import RunRecord
from bulkpost.reporting.wording import iso_text

SPANS_MAX: Final = 60
_SECOND_MS: Final = 1_000
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_NICE_MS: Final = (
    *(100, 200, 500),
    *(seconds * _SECOND_MS for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(hours * _HOUR_MS for hours in (1, 2, 3, 6, 12)),
)
_PERCENTS: Final = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies that half, 95 and 99 of a hundred answers were not slower than, in milliseconds.

    They are exact below one second, and at most one per cent too low above.
    """

    p50_ms: int
    p95_ms: int
    p99_ms: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"p50_ms": self.p50_ms, "p95_ms": self.p95_ms, "p99_ms": self.p99_ms}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a run.

    Attributes:
        start_ms: When it begins, from the start of the run.
        length_ms: How long it is; the last one ends with the run.
        succeeded: Requests that LeadConduit answered with success.
        refused: Requests that it answered with failure or error.
        unanswered: Requests that brought no verdict of its.
        retries: Requests of these that the run repeated.
        server_errors: Answers with a status from 500 to 599.
        latency: None if no answer came.
    """

    start_ms: int
    length_ms: int
    succeeded: int = 0
    refused: int = 0
    unanswered: int = 0
    retries: int = 0
    server_errors: int = 0
    latency: Percentiles | None = None

    @property
    def requests(self) -> int:
        """Requests that ended in it, whatever they brought."""
        return self.succeeded + self.refused + self.unanswered

    @property
    def requests_per_s(self) -> float:
        """Requests that ended, a second."""
        return self.requests * 1_000 / self.length_ms


@dataclass(frozen=True, slots=True)
class Course:
    """A run over time.

    Attributes:
        started_at_ms: Its start, milliseconds since 1970.
        span_ms: Length of a stretch of it.
        spans: Its stretches, at most ``SPANS_MAX``; those without a request, too. None if there
            was no request.
        latency: Of the whole run; None if no answer came.
    """

    started_at_ms: int
    span_ms: int
    spans: tuple[Span, ...]
    latency: Percentiles | None

    def at_ms(self, span: Span) -> int:
        """Return when a stretch begins, milliseconds since 1970."""
        return self.started_at_ms + span.start_ms

    @property
    def server_errors(self) -> int:
        """Answers with a status from 500 to 599."""
        return sum(span.server_errors for span in self.spans)

    @property
    def retries(self) -> int:
        """Requests that were repeated."""
        return sum(span.retries for span in self.spans)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "span_s": self.span_ms / 1_000,
            "latency": None if self.latency is None else self.latency.to_dict(),
            "server_errors": self.server_errors,
            "spans": [self._span_dict(span) for span in self.spans],
        }

    def _span_dict(self, span: Span) -> dict[str, Any]:
        return {
            "start": iso_text(self.at_ms(span)),
            "requests": span.requests,
            "requests_per_s": round(span.requests_per_s, 2),
            "success": span.succeeded,
            "failure_or_error": span.refused,
            "no_verdict": span.unanswered,
            "retries": span.retries,
            "server_errors": span.server_errors,
            "latency": None if span.latency is None else span.latency.to_dict(),
        }


async def run_course(reader: LedgerReader, record: RunRecord) -> Course:
    """Return how a run went over time; nothing of a run whose times were pruned."""
    of_run = {**record.row_ids, "run_id": record.run}
    last_ms = (await reader.fetch(sql("run_last"), of_run))[0][0]
    if last_ms is None or record.pruned_at_ms is not None:
        return Course(record.started_at_ms, _NICE_MS[0], (), None)
    ended_ms = (record.ended_at_ms or 0) - record.started_at_ms
    whole_ms = max(1, last_ms + 1, ended_ms)
    span_ms = span_for(whole_ms)
    rows = await reader.fetch(
        sql("run_course"), {**of_run, "span_ms": span_ms, "spans_max": SPANS_MAX}
    )
    every: dict[int, int] = {}
    spans = {}
    for place, group in groupby(rows, key=lambda row: row[0]):
        counted = list(group)
        spans[place] = _span(counted, place * span_ms, _length_ms(place, span_ms, whole_ms))
        for row in counted:
            if row[1] is not None:
                every[row[1]] = every.get(row[1], 0) + row[2]
    count = min(SPANS_MAX, -(-whole_ms // span_ms))
    empty = (Span(place * span_ms, _length_ms(place, span_ms, whole_ms)) for place in range(count))
    return Course(
        record.started_at_ms,
        span_ms,
        tuple(spans.get(place) or span for place, span in enumerate(empty)),
        percentiles(every),
    )


def span_for(whole_ms: int) -> int:
    """Return the length of a stretch that cuts a time into at most ``SPANS_MAX`` of them."""
    for span_ms in _NICE_MS:
        if whole_ms <= span_ms * SPANS_MAX:
            return span_ms
    return -(-whole_ms // (SPANS_MAX * _DAY_MS)) * _DAY_MS


def percentiles(counts: Mapping[int, int]) -> Percentiles | None:
    """Return the percentiles of latencies that are counted by their class, by nearest rank."""
    whole = sum(counts.values())
    if not whole:
        return None
    found: list[int] = []
    passed = 0
    for latency_ms in sorted(counts):
        passed += counts[latency_ms]
        while len(found) < len(_PERCENTS) and passed * 100 >= _PERCENTS[len(found)] * whole:
            found.append(latency_ms)
    return Percentiles(*found)


def _length_ms(place: int, span_ms: int, whole_ms: int) -> int:
    return max(1, min(span_ms, whole_ms - place * span_ms))


def _span(rows: Sequence[tuple[Any, ...]], start_ms: int, length_ms: int) -> Span:
    requests, succeeded, refused, retries, server_errors = (
        sum(row[place] for row in rows) for place in range(2, 7)
    )
    return Span(
        start_ms=start_ms,
        length_ms=length_ms,
        succeeded=succeeded,
        refused=refused,
        unanswered=requests - succeeded - refused,
        retries=retries,
        server_errors=server_errors,
        latency=percentiles({row[1]: row[2] for row in rows if row[1] is not None}),
    )

"""A run in full, as a terminal shows it: the numbers of the page, in lines and tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.course import Course, Percentiles
from bulkpost.reporting.history import PastRun
from bulkpost.reporting.next_steps import doubt_steps
from bulkpost.reporting.render import (
    print_command,
    print_on,
    render_counts,
    render_details,
    render_doubts,
    render_findings,
)
from bulkpost.reporting.run_report import RankedReason, RunReport
from bulkpost.reporting.summary import next_command
from bulkpost.reporting.tables import ENDING_STYLES, OUTCOME_STYLES, plain, table_of
from bulkpost.reporting.wording import (
    counted,
    duration_text,
    outcome_words,
    share_text,
    time_text,
)

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SERIES_CHARS_MAX: Final = 48


def print_report(target: Console, report: RunReport, ledger_path: Path) -> None:
    """Print a run in full, and the command that a person needs next."""
    print_on(target, render_details(report.summary))
    target.print()
    print_on(target, render_counts(report.summary, report.ending))
    for part in _parts(report):
        print_on(target, part)
    for number, step in enumerate(doubt_steps(report, ledger_path), start=1):
        print_on(target, Text(f"{number}. {step.words}"))
        if step.command:
            print_command(target, step.command, " ")
    target.print()
    print_command(target, next_command(report.summary, ledger_path))


def series_text(values: Sequence[float]) -> str:
    """Return values as blocks of that height, at most forty-eight; the highest fills its line.

    Neighbours are drawn as one, as high as the higher of them, where there are too many.
    """
    width = _neighbours(len(values))
    tops = [max(values[start : start + width]) for start in range(0, len(values), width)]
    top = max(tops, default=0) or 1
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(value / top * last)] if value else " " for value in tops)


def _neighbours(count: int) -> int:
    """Return how many values share a block."""
    return -(-count // _SERIES_CHARS_MAX) or 1


def _parts(report: RunReport) -> Iterable[RenderableType]:
    if report.reasons:
        yield Text("")
        yield _reasons(report.reasons, report.summary.rows)
    yield from render_findings(report.summary)
    if report.course.spans:
        yield Text("")
        yield _course(report.course)
    if report.earlier:
        yield Text("")
        yield Text("This run, and those before it to the same destination:", "bold")
        yield _earlier((report.itself, *report.earlier))
    if report.doubts:
        yield Text("")
        yield Text("In doubt:", "bold magenta")
        yield render_doubts(report.doubts)
        more = report.doubt_count - len(report.doubts)
        if more:
            yield Text(f"and {counted(more, 'row')} more", "dim")
        yield Text("")


def _reasons(reasons: Sequence[RankedReason], rows: int) -> Table:
    table = table_of("rows", "share", "price", "outcome", "reason", right=(0, 1, 2))
    for entry in reasons:
        table.add_row(
            f"{entry.count:,}",
            share_text(entry.count, rows),
            entry.price or "-",
            Text(outcome_words(entry.kind), OUTCOME_STYLES[entry.kind]),
            plain(entry.reason),
        )
    return table


def _course(course: Course) -> RenderableType:
    spans, whole = course.spans, course.latency
    block_s = course.span_ms * _neighbours(len(spans)) / 1_000
    each = f"over time, {duration_text(block_s)} a block"
    table = table_of("", "whole run", "most", each, right=(1, 2))
    rate = [span.requests_per_s for span in spans]
    mean = sum(span.requests for span in spans) * 1_000 / sum(span.length_ms for span in spans)
    table.add_row("requests/s", f"{mean:,.1f}", f"{max(rate):,.1f}", series_text(rate))
    for name in ("p50", "p95", "p99") if whole is not None else ():
        slow = [_latency_s(span.latency, name) for span in spans]
        told = (f"{_latency_s(whole, name):,.2f} s", f"{max(slow):,.2f} s")
        table.add_row(f"answer {name}", *told, series_text(slow))
    for name, counts in (
        ("retries", [span.retries for span in spans]),
        ("answers 5xx", [span.server_errors for span in spans]),
    ):
        table.add_row(name, f"{sum(counts):,}", f"{max(counts):,}", series_text(counts))
    return table


def _latency_s(found: Percentiles | None, name: str) -> float:
    return 0.0 if found is None else float(getattr(found, f"{name}_ms")) / 1_000


def _earlier(runs: Sequence[PastRun]) -> Table:
    headers = ("run", "started", "ending", "sent", "success", "rows/s", "mean", "price")
    table = table_of(*headers, right=(3, 4, 5, 6, 7))
    for run in runs:
        mean_ms = run.latency_mean_ms
        table.add_row(
            str(run.record.run),
            time_text(run.record.started_at_ms),
            Text(run.ending, ENDING_STYLES.get(run.ending, "yellow")),
            f"{run.sent:,}",
            share_text(run.counts.get(OutcomeKind.SUCCESS, 0), run.sent) or "-",
            "-" if run.rows_per_s is None else f"{run.rows_per_s:,.1f}",
            "-" if mean_ms is None else f"{mean_ms / 1_000:,.2f} s",
            run.price,
        )
    return table

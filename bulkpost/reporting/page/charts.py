"""The charts of a report: what they show, in words and in numbers, too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.course import Course, Percentiles, Span
from bulkpost.reporting.history import PastRun
from bulkpost.reporting.page.drawing import (
    SIZES,
    Frame,
    Line,
    Times,
    over_time,
    piled_over_time,
    shares,
)
from bulkpost.reporting.page.svg import StyleSheet, inlined
from bulkpost.reporting.run_report import RunReport
from bulkpost.reporting.wording import counted, duration_text, time_at

_DAY_MS: Final = 86_400_000
_GROUPS: Final = (
    ("success", "good", (OutcomeKind.SUCCESS,)),
    ("failure, error", "bad", (OutcomeKind.FAILURE, OutcomeKind.ERROR)),
    (
        "no verdict",
        "none",
        (OutcomeKind.IN_DOUBT, OutcomeKind.HTTP_ERROR, OutcomeKind.DEFERRED),
    ),
    ("not sent", "quiet", (OutcomeKind.INVALID, OutcomeKind.DUPLICATE, OutcomeKind.CONFLICT)),
)

Draw = Callable[[Frame], str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart at one size: its box, and SVG that needs no escaping, for it is ours."""

    size: str
    width: int
    view_box: str
    body: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and its text equivalents.

    Attributes:
        name: Its id on the page.
        title: What it shows.
        told: What is to be seen in it, in a sentence or two.
        drawn: At each size.
        headers: Of the table that says the same.
        rows: Its cells, as text.
    """

    name: str
    title: str
    told: str
    drawn: tuple[Drawn, ...]
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def charts_of(report: RunReport, sheet: StyleSheet) -> list[Chart]:
    """Return the charts of a run; those without anything to show are left out.

    Args:
        report: The run.
        sheet: Takes the rules that they need.
    """
    course = report.course
    run = f"run-{report.record.run}"
    charts = []
    if course.spans:
        charts.append(_rate(course, f"{run}-rate", sheet))
    if course.latency is not None:
        charts.append(_latency(course, course.latency, f"{run}-latency", sheet))
    if course.retries or course.server_errors:
        charts.append(_troubles(course, f"{run}-troubles", sheet))
    return charts


def earlier_chart(report: RunReport, sheet: StyleSheet) -> Chart | None:
    """Return a run's shares of outcomes beside those of earlier runs; None if there are none."""
    runs = [run for run in (report.itself, *report.earlier) if run.counts]
    if not report.earlier or not runs:
        return None
    parts = {run.record.run: _parts(run) for run in runs}
    lines = [
        Line(name, ink, [parts[run.record.run][place] for run in runs])
        for place, (name, ink, _) in enumerate(_GROUPS)
    ]
    names = [f"run {run.record.run}" for run in runs]
    name = f"run-{report.record.run}-earlier"
    return Chart(
        name=name,
        title="What became of the rows of each run",
        told=f"Shares of {counted(len(runs), 'run')} to this destination, this one on top. "
        f"Success: {', '.join(f'{run} {_percent(part)}' for run, part in _first(parts))}.",
        drawn=_drawn(lambda frame: shares(names, lines, frame), name, "", sheet),
        headers=("run", *(group for group, _, _ in _GROUPS)),
        rows=tuple((str(run), *map(_percent, part)) for run, part in parts.items()),
    )


def _rate(course: Course, name: str, sheet: StyleSheet) -> Chart:
    spans = course.spans
    lines = [
        Line("success", "good", [_per_s(span.succeeded, span) for span in spans]),
        Line("failure, error", "bad", [_per_s(span.refused, span) for span in spans]),
        Line("no verdict", "none", [_per_s(span.unanswered, span) for span in spans]),
    ]
    top = max(spans, key=lambda span: span.requests_per_s)
    requests = sum(span.requests for span in spans)
    return Chart(
        name=name,
        title="Requests per second",
        told=f"{counted(requests, 'request')}, counted every {_length(course)}. Most: "
        f"{top.requests_per_s:,.1f} a second at {_clock(course, top)} UTC.",
        drawn=_drawn(
            lambda frame: piled_over_time(_times(course), lines, frame), name, "per second", sheet
        ),
        headers=("from (UTC)", "per second", "success", "failure, error", "no verdict"),
        rows=tuple(
            (
                _clock(course, span),
                f"{span.requests_per_s:,.1f}",
                *map(_count, (span.succeeded, span.refused, span.unanswered)),
            )
            for span in spans
        ),
    )


def _latency(course: Course, whole: Percentiles, name: str, sheet: StyleSheet) -> Chart:
    found = [span.latency for span in course.spans]
    mark = "o" if sum(entry is not None for entry in found) < len(found) or len(found) < 3 else ""
    lines = [
        Line("p99", "top", _in_s(found, "p99_ms"), ":", mark),
        Line("p95", "high", _in_s(found, "p95_ms"), "--", mark),
        Line("p50", "low", _in_s(found, "p50_ms"), "-", mark),
    ]
    return Chart(
        name=name,
        title="How long an answer took",
        told=f"Of all answers, half came within {_seconds(whole.p50_ms)}, 95 % within "
        f"{_seconds(whole.p95_ms)}, 99 % within {_seconds(whole.p99_ms)}.",
        drawn=_drawn(lambda frame: over_time(_times(course), lines, frame), name, "seconds", sheet),
        headers=("from (UTC)", "p50", "p95", "p99"),
        rows=tuple((_clock(course, span), *_latencies(span.latency)) for span in course.spans),
    )


def _troubles(course: Course, name: str, sheet: StyleSheet) -> Chart:
    spans = course.spans
    lines = [
        Line("answers 5xx", "top", [span.server_errors for span in spans], ":", "s"),
        Line("retries", "low", [span.retries for span in spans], "-", "o"),
    ]
    return Chart(
        name=name,
        title="Retries and answers 5xx",
        told=f"{counted(course.retries, 'request')} of this run had to be repeated, and "
        f"{counted(course.server_errors, 'answer')} had a status of 500 to 599. Counted every "
        f"{_length(course)}.",
        drawn=_drawn(
            lambda frame: over_time(_times(course), lines, replace(frame, is_whole=True)),
            name,
            f"in {_length(course)}",
            sheet,
        ),
        headers=("from (UTC)", "retries", "answers 5xx"),
        rows=tuple(
            (_clock(course, span), _count(span.retries), _count(span.server_errors))
            for span in spans
        ),
    )


def _drawn(draw: Draw, name: str, unit: str, sheet: StyleSheet) -> tuple[Drawn, ...]:
    found = []
    for size in SIZES:
        view_box, body = inlined(draw(Frame(name, unit, size)), sheet)
        found.append(Drawn(size.name, size.width, view_box, body))
    return tuple(found)


def _times(course: Course) -> Times:
    return Times([time_at(course.at_ms(span)) for span in course.spans], course.span_ms / 1_000)


def _clock(course: Course, span: Span) -> str:
    """Return when a stretch begins, no longer than it has to be to be told from the others."""
    at = time_at(course.at_ms(span))
    if course.span_ms < 1_000:
        return f"{at:%H:%M:%S}.{at.microsecond // 100_000}"
    if course.span_ms * len(course.spans) > _DAY_MS:
        return f"{at:%m-%d %H:%M}"
    return f"{at:%H:%M:%S}"


def _length(course: Course) -> str:
    return duration_text(course.span_ms / 1_000)


def _parts(run: PastRun) -> list[float]:
    rows = sum(run.counts.values()) or 1
    return [sum(run.counts.get(kind, 0) for kind in kinds) / rows for _, _, kinds in _GROUPS]


def _first(parts: dict[int, list[float]]) -> Sequence[tuple[str, float]]:
    return [(f"run {run}", part[0]) for run, part in parts.items()]


def _per_s(count: int, span: Span) -> float:
    return count * 1_000 / span.length_ms


def _in_s(found: Sequence[Percentiles | None], name: str) -> list[float | None]:
    return [None if entry is None else getattr(entry, name) / 1_000 for entry in found]


def _latencies(found: Percentiles | None) -> tuple[str, ...]:
    if found is None:
        return ("-", "-", "-")
    return (_seconds(found.p50_ms), _seconds(found.p95_ms), _seconds(found.p99_ms))


def _seconds(latency_ms: int) -> str:
    return f"{latency_ms / 1_000:,.2f} s"


def _count(count: int) -> str:
    return f"{count:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

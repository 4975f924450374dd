"""A run as the page shows it: every cell as text, nothing left to compute. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from bulkpost.destination import Kind
from bulkpost.outcome import OutcomeKind
from bulkpost.redact import scrub
from bulkpost.reporting.history import DIED, RUNNING, PastRun
from bulkpost.reporting.next_steps import EXIT_WORDS, Step, doubt_steps, next_step
from bulkpost.reporting.page.charts import Chart, charts_of, earlier_chart
from bulkpost.reporting.page.svg import StyleSheet
from bulkpost.reporting.run_report import RunReport
from bulkpost.reporting.summary import SPOOLED, is_embedded_sandbox
from bulkpost.reporting.wording import (
    counted,
    duration_text,
    masked_destination,
    outcome_words,
    share_text,
    time_text,
)

_INKS: Final = {
    OutcomeKind.SUCCESS: "good",
    OutcomeKind.FAILURE: "bad",
    OutcomeKind.ERROR: "bad",
    OutcomeKind.IN_DOUBT: "none",
    OutcomeKind.HTTP_ERROR: "none",
    OutcomeKind.DEFERRED: "none",
}
_ENDING_INKS: Final = {"finished": "good", RUNNING: ""}

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """A line of the table of outcomes."""

    name: str
    ink: str
    count: str
    share: str
    percent: str
    price: str
    of_list: str


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, in the order of the page."""

    name: str
    heading: str
    ending: str
    ending_class: str
    is_sandbox: bool
    notices: Sequence[str]
    figures: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    outcomes: Sequence[OutcomeLine]
    rows: str
    price: str
    list_rows: str
    reasons: Sequence[Cells]
    findings: Sequence[Cells]
    charts: Sequence[Chart]
    has_troubles: bool
    doubts: Sequence[Cells]
    doubt_words: str
    doubt_caption: str
    steps: Sequence[Step]
    earlier: Sequence[Cells]
    earlier_chart: Chart | None
    next: Step


def run_view(report: RunReport, ledger_path: Path, sheet: StyleSheet) -> RunView:
    """Return a run as the page shows it.

    Args:
        report: The run.
        ledger_path: Its ledger, for commands.
        sheet: Takes the rules that its charts need.
    """
    summary, record, course = report.summary, report.record, report.course
    charts = charts_of(report, sheet)
    return RunView(
        name=f"run-{record.run}",
        heading=f"Run {record.run}: {record.command} {input_name(report)}",
        ending=report.ending,
        ending_class=_ENDING_INKS.get(report.ending, "bad"),
        is_sandbox=is_embedded_sandbox(record.destination),
        notices=_notices(report),
        figures=_figures(report),
        facts=_facts(report),
        outcomes=_outcomes(report),
        rows=f"{summary.rows:,}",
        price=summary.price,
        list_rows=f"{record.input_rows:,}",
        reasons=_reasons(report),
        findings=_findings(report),
        charts=charts,
        has_troubles=bool(course.retries or course.server_errors),
        doubts=_doubts(report),
        doubt_words=_doubt_words(report.doubt_count),
        doubt_caption=f"The first {len(report.doubts)} of {report.doubt_count:,}"
        if report.doubt_count > len(report.doubts)
        else "All of them",
        steps=doubt_steps(report, ledger_path),
        earlier=[_past(run) for run in (report.itself, *report.earlier)] if report.earlier else [],
        earlier_chart=earlier_chart(report, sheet),
        next=next_step(report, ledger_path),
    )


def input_name(report: RunReport) -> str:
    """Return what a run's list is called."""
    name = PurePath(report.record.input_path).name
    return "standard input" if SPOOLED.match(name) else name


def _notices(report: RunReport) -> list[str]:
    summary = report.summary
    notices = []
    if report.ending == DIED:
        notices.append(
            "This run died: it was killed, or the machine stopped. What it had under way may have "
            "been taken and is in doubt. The same command goes on where it stood."
        )
    elif report.is_running:
        notices.append("This run is going on: all numbers are those of the moment.")
    if report.record.pruned_at_ms is not None:
        notices.append(
            f"Pruned at {time_text(report.record.pruned_at_ms)}: outcomes, reasons and prices are "
            "whole; how it went over time was let go."
        )
    if report.doubt_count:
        notices.append(_doubt_words(report.doubt_count))
    words = (summary.ambiguous_words, summary.received_before_words)
    return notices + [f"{text}." for text in words if text]


def _doubt_words(count: int) -> str:
    are = "row of this run is" if count == 1 else "rows of this run are"
    return f"{count:,} {are} in doubt: taken by LeadConduit or not, nobody knows yet."


def _figures(report: RunReport) -> list[tuple[str, str]]:
    summary, itself = report.summary, report.itself
    accepted = summary.counts.get(OutcomeKind.SUCCESS, 0)
    return [
        ("rows sent", f"{itself.sent:,}"),
        ("with success", f"{accepted:,}"),
        ("of those sent", share_text(accepted, itself.sent) or "-"),
        ("price", summary.price),
        ("in doubt", f"{report.doubt_count:,}"),
    ]


def _facts(report: RunReport) -> list[tuple[str, str]]:
    summary, record = report.summary, report.record
    exit_status = record.exit_status
    requests = f"{summary.attempts:,} ({counted(summary.retries, 'retry')})"
    facts = [
        (
            "list",
            f"{input_name(report)}: {record.input_format}, {counted(record.input_rows, 'row')}",
        ),
        ("what", "feedback" if record.kind == Kind.FEEDBACK else "leads"),
        ("sent to", masked_destination(record.destination)),
        ("started", time_text(record.started_at_ms)),
        ("ended", f"{time_text(record.ended_at_ms)}, after {duration_text(record.duration_s)}"),
        ("requests", requests),
        ("pace", f"{summary.rows_per_s:,.1f} rows a second" if summary.rows_per_s else "-"),
        ("exit status", f"{exit_status}: {EXIT_WORDS.get(exit_status or 0, '')}"),
        ("SHA-256 of the list", record.input_sha256),
        ("by", f"bulkpost {record.version}"),
    ]
    if record.ended_at_ms is None:
        facts = [fact for fact in facts if fact[0] not in {"ended", "exit status", "pace"}]
    return facts


def _outcomes(report: RunReport) -> list[OutcomeLine]:
    summary = report.summary
    lines = []
    for kind in OutcomeKind:
        here, there = summary.counts.get(kind, 0), summary.input_counts.get(kind, 0)
        if not here and not there and kind is not OutcomeKind.SUCCESS:
            continue
        share = here / summary.rows if summary.rows else 0
        micros = summary.prices.get(kind)
        lines.append(
            OutcomeLine(
                name=outcome_words(kind),
                ink=_INKS.get(kind, "quiet"),
                count=f"{here:,}",
                share=share_text(here, summary.rows),
                percent=f"{100 * share:.2f}" if share else "",
                price="" if micros is None else summary.price_of(kind),
                of_list=f"{there:,}",
            )
        )
    left = summary.unended(is_dead=report.ending == DIED)
    lines += [
        OutcomeLine(name, "quiet", "", "", "", "", f"{count:,}") for name, count in left if count
    ]
    return lines


def _reasons(report: RunReport) -> list[Cells]:
    return [
        (
            entry.reason,
            outcome_words(entry.kind),
            f"{entry.count:,}",
            share_text(entry.count, report.summary.rows),
            entry.price or "-",
        )
        for entry in report.reasons
    ]


def _findings(report: RunReport) -> list[Cells]:
    return [
        (scrub(found.field), f"{found.leads:,}", f"{found.code}: {found.message}", found.advice)
        for found in report.summary.findings
    ]


def _doubts(report: RunReport) -> list[Cells]:
    rows: list[Cells] = []
    for doubt in report.doubts:
        known = [doubt.reason or "no reason known"]
        known += [f"lead id {doubt.lead_id}"] if doubt.lead_id else []
        known += [f"reference in {doubt.reference_field}"] if doubt.reference_field else []
        status = "-" if doubt.http_status is None else str(doubt.http_status)
        since = time_text(doubt.since_ms)
        rows.append((doubt.name, since, f"{doubt.attempts:,}", status, "; ".join(known)))
    return rows


def _past(run: PastRun) -> Cells:
    accepted = run.counts.get(OutcomeKind.SUCCESS, 0)
    mean_ms = run.latency_mean_ms
    return (
        str(run.record.run),
        time_text(run.record.started_at_ms),
        run.ending,
        f"{run.sent:,}",
        share_text(accepted, run.sent) or "-",
        "-" if run.rows_per_s is None else f"{run.rows_per_s:,.1f}",
        "-" if mean_ms is None else f"{mean_ms / 1_000:,.2f} s",
        run.price,
    )

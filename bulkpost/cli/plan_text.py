"""A plan, in words and as a document."""

from datetime import timedelta
from typing import Any, Final

from bulkpost.app.inputs import called
from bulkpost.app.order import Batch, Preview
from bulkpost.checking.against_flow import FlowNews
from bulkpost.checking.examination import ValueReport
from bulkpost.config import Settings
from bulkpost.destination import Kind
from bulkpost.engine.plan import Plan
from bulkpost.finding import Finding
from bulkpost.pacing.rate import parse_rate
from bulkpost.redact import printable
from bulkpost.reporting.values import columns_document, totals_document

LATENCY_GUESS_S: Final = 1.0  # "typically only a second or two"
_COLUMNS_SHOWN_MAX: Final = 40
_REASONS_MAX: Final = 5
_ROWS: Final = (
    ("new", "would be submitted"),
    ("deferred", "surely not taken earlier; would be submitted again"),
    ("done", "have LeadConduit's verdict"),
    ("held", "were answered outside the protocol; `bulkpost retry` sends them again"),
    ("in_doubt", "may have been taken; `bulkpost doubt list` shows them"),
    ("duplicate", "repeat {item} that is submitted already or stands earlier; skipped"),
    ("invalid", "cannot be sent as they are"),
    ("conflict", "have the key of another row and other content; held"),
)


def plan_lines(preview: Preview, settings: Settings | None = None) -> list[str]:
    """Return a plan as lines of text."""
    plan = preview.plan
    lines = [
        f"to  {preview.destination.name}" + ("  (never used before)" if preview.is_first else "")
    ]
    lines += _flow_lines(preview.flow)
    for batch in preview.batches:
        lines += _input_lines(batch)
    lines.append("")
    for name, meaning in _ROWS:
        count = getattr(plan, name)
        if count or name == "new":
            told = meaning.format(item=_item(preview))
            lines.append(f"{count:>12,}  {name.replace('_', ' '):<10} {told}")
    if plan.resubmitted:
        lines.append(
            f"{plan.resubmitted:>12,}  of the new repeat another row (--duplicates submit)"
        )
    lines += _example_lines(plan)
    if settings is not None and plan.to_send:
        seconds, basis = expected_s(preview, settings)
        lines += ["", f"A submission would take about {_span(seconds)} ({basis})."]
    return lines


def plan_document(preview: Preview, settings: Settings) -> dict[str, Any]:
    """Return a plan as one JSON document."""
    plan = preview.plan
    seconds, basis = expected_s(preview, settings)
    values = preview.values or (None,) * len(preview.batches)
    return {
        "message_type": "check",
        "destination": preview.destination.name,
        "is_first_submission": preview.is_first,
        "flow": _flow_document(preview.flow),
        "inputs": [
            _input_document(batch, report)
            for batch, report in zip(preview.batches, values, strict=True)
        ],
        "plan": {name: getattr(plan, name) for name, _ in _ROWS},
        "to_send": plan.to_send,
        "resubmitted": plan.resubmitted,
        "expected_duration_s": round(seconds, 1) if plan.to_send else 0,
        "expected_duration_basis": basis,
        "reasons": [
            {"reason": reason, "rows": count} for reason, count in plan.reasons.most_common()
        ],
        "examples": [
            {
                "row": example.row_number,
                "line": example.line_number,
                "outcome": example.state.name.lower(),
                "reason": example.reason,
                "same_as_row": example.same_as,
            }
            for example in plan.examples
        ],
        "exit_status": plan_status(preview),
    }


def plan_status(preview: Preview) -> int:
    """Return the exit status of ``check``."""
    plan = preview.plan
    if plan.in_doubt:
        return 5
    return 3 if plan.invalid or plan.conflict else 0


def expected_s(preview: Preview, settings: Settings) -> tuple[float, str]:
    """Return how long a submission would take, in seconds, and what that is based on."""
    latency_s = preview.latency_s or LATENCY_GUESS_S
    concurrency = settings.engine.concurrency
    by_latency_s = preview.plan.to_send * latency_s / concurrency
    by_rate_s = preview.plan.to_send / parse_rate(settings.rate) if settings.rate else 0.0
    if by_rate_s >= by_latency_s and settings.rate:
        return by_rate_s, f"at the rate {settings.rate}"
    known = "as measured in earlier runs" if preview.latency_s else "a guess"
    each = "a lead" if preview.destination.kind is Kind.SUBMISSION else "a row"
    how = f"at {latency_s:.2g} s {each}, {known}, and concurrency {concurrency}"
    return by_latency_s, how


def _item(preview: Preview) -> str:
    return "a lead" if preview.destination.kind is Kind.SUBMISSION else "feedback"


def _flow_lines(news: FlowNews | None) -> list[str]:
    if news is None:
        return []
    names = ", ".join(filter(None, (news.flow.name, news.flow.source)))
    told = "just now" if news.is_fresh else f"as of {news.read_at}"
    lines = [f"by  {printable(names) or 'its metadata'}: {len(news.flow.fields)} fields, {told}"]
    return lines + [
        f"  !   {printable(finding.message)}. {printable(finding.advice)}".rstrip()
        for finding in news.findings
    ]


def _flow_document(news: FlowNews | None) -> dict[str, Any] | None:
    if news is None:
        return None
    return {
        "name": news.flow.name,
        "source": news.flow.source,
        "enabled": news.flow.is_enabled,
        "updated_at": news.flow.updated_at or None,
        "read_at": news.read_at,
        "is_fresh": news.is_fresh,
        "warnings": [_warning(finding) for finding in news.findings],
    }


def _warning(finding: Finding) -> dict[str, str]:
    return {"code": finding.code, "message": finding.message, "advice": finding.advice}


def _input_lines(batch: Batch[Any]) -> list[str]:
    column_map, intake = batch.fit.columns, batch.intake
    state = "known, and grown" if intake.has_grown else "known" if intake.known else "new"
    how = f"{intake.record.rows:,} rows, {batch.reader.format.description}"
    lines = [f"of  {called(batch.reader.path)}: {how} ({state} to the ledger)"]
    width = max((len(name) for name in column_map.columns), default=0)
    for index, name in column_map.fields[:_COLUMNS_SHOWN_MAX]:
        header = column_map.columns[index]
        arrow = "" if header == name else f" -> {printable(name)}"
        secret = "  (ssn: in no digest, log or report)" if name in column_map.ssn_fields else ""
        lines.append(f"      {printable(header):<{width if arrow else 0}}{arrow}{secret}")
    if len(column_map.fields) > _COLUMNS_SHOWN_MAX:
        lines.append(f"      and {len(column_map.fields) - _COLUMNS_SHOWN_MAX} more columns")
    lines += [f"      {printable(name)} = a constant" for name, _ in column_map.constants]
    if column_map.reference:
        lines.append(f"      {printable(column_map.reference)} = a reference made for each lead")
    lines += [f"      {printable(name)}: dropped" for name in column_map.dropped]
    lines += [
        f"  !   {printable(finding.message)} {printable(finding.advice)}".rstrip()
        for finding in column_map.warnings
    ]
    return lines


def _input_document(batch: Batch[Any], values: ValueReport | None) -> dict[str, Any]:
    column_map, intake = batch.fit.columns, batch.intake
    found = columns_document(values) if values is not None else [{}] * len(column_map.fields)
    return {
        "path": str(batch.reader.path),
        "format": batch.reader.format.description,
        "sha256": intake.record.digest,
        "rows": intake.record.rows,
        "is_known": intake.known is not None,
        "has_grown": intake.has_grown,
        "columns": [
            {
                "column": column_map.columns[index],
                "field": name,
                "ssn": name in column_map.ssn_fields,
                **more,
            }
            for (index, name), more in zip(column_map.fields, found, strict=True)
        ],
        **({} if values is None else {"values": totals_document(values)}),
        "constants": [name for name, _ in column_map.constants],
        "reference": column_map.reference or None,
        "dropped": list(column_map.dropped),
        "warnings": [_warning(finding) for finding in column_map.warnings],
    }


def _example_lines(plan: Plan) -> list[str]:
    if not plan.examples:
        return []
    lines = ["", "Rows that would not be sent:"]
    for reason, count in plan.reasons.most_common(_REASONS_MAX):
        lines.append(f"{count:>12,}  {printable(reason)}")
    lines.append("The first of them:")
    for example in plan.examples:
        place = f"row {example.row_number} (line {example.line_number})"
        same = f": row {example.same_as}" if example.same_as is not None else ""
        lines += [f"  {place}: {example.state.name.lower()}: {printable(example.reason)}{same}"]
    return lines


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))

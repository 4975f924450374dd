"""What was found in the values of an input, as JSON values. No text of a cell is in them."""

from typing import Any

from bulkpost.checking.examination import ColumnReport, FindingCount, ValueReport


def columns_document(report: ValueReport) -> list[dict[str, Any]]:
    """Return what is known of each column, in the order of the columns."""
    return [
        {
            "type": entry.column.type.value,
            "type_from": entry.column.origin.value,
            "empty": entry.empty,
            "understood": entry.understood,
            "doubtful": entry.doubtful,
            "not_understood": entry.not_understood,
            **_changed(report, entry),
            "findings": [_finding(count) for count in entry.findings],
        }
        for entry in report.columns
    ]


def totals_document(report: ValueReport) -> dict[str, Any]:
    """Return what is known of the rows."""
    return {
        "rows": report.rows,
        "rows_unread": report.rows_unread,
        "rows_doubtful": report.rows_doubtful,
        "rows_not_understood": report.rows_not_understood,
    }


def _changed(report: ValueReport, entry: ColumnReport) -> dict[str, int]:
    return {"changed": entry.changed} if report.normalise else {}


def _finding(count: FindingCount) -> dict[str, Any]:
    finding = count.finding
    return {
        "code": finding.code,
        "message": finding.message,
        "advice": finding.advice,
        "values": count.values,
        "examples": [{"row": row, "line": line} for row, line in count.examples],
    }

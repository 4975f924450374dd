"""How LeadConduit will read the values of an input, as a terminal of 80 columns shows it."""

from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bulkpost.checking.examination import ColumnReport, FindingCount, ValueReport
from bulkpost.redact import printable
from bulkpost.reporting.wording import counted

_COLUMNS_SHOWN_MAX: Final = 40
_FINDINGS_SHOWN_MAX: Final = 3
_NAME_CHARS_MIN: Final = 14


def render_values(name: str, report: ValueReport) -> RenderableType:
    """Return the table of an input's columns, and what was found in them.

    Args:
        name: What the input is called.
        report: What was counted.
    """
    shown = report.columns[:_COLUMNS_SHOWN_MAX]
    parts: list[RenderableType] = [
        Text(""),
        Text(f"How LeadConduit will read {printable(name)}:", "bold"),
        _table(shown, is_changing=report.normalise),
    ]
    if len(report.columns) > len(shown):
        parts.append(Text(f"and {len(report.columns) - len(shown)} more columns"))
    parts += [Text(""), _totals(report)]
    found = [entry for entry in shown if entry.findings]
    for entry in found:
        parts += [Text(""), Text(_called(entry), "bold"), _findings(entry)]
    return Group(*parts)


def _table(shown: tuple[ColumnReport, ...], *, is_changing: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("column", overflow="fold", min_width=_NAME_CHARS_MIN)
    table.add_column("type", no_wrap=True)
    table.add_column("from", no_wrap=True)
    numbers = ["empty", "under-\nstood", "doubt-\nful", "not un-\nderstood"]
    for header in (*numbers, *(["changed"] if is_changing else [])):
        table.add_column(header, justify="right", no_wrap=True)
    for entry in shown:
        counts = [entry.empty, entry.understood, entry.doubtful, entry.not_understood]
        styles = ["", "", "yellow" if entry.doubtful else "", "red" if entry.not_understood else ""]
        cells = [Text(f"{count:,}", style) for count, style in zip(counts, styles, strict=True)]
        cells += [Text(f"{entry.changed:,}")] if is_changing else []
        column = entry.column
        table.add_row(Text(_called(entry)), column.type.value, column.origin.value, *cells)
    return table


def _totals(report: ValueReport) -> Text:
    clear = report.rows - report.rows_unread - report.rows_doubtful - report.rows_not_understood
    parts = [f"{counted(clear, 'row')} without a finding"]
    if report.rows_doubtful:
        parts.append(f"{report.rows_doubtful:,} with a doubtful value")
    if report.rows_not_understood:
        parts.append(f"{report.rows_not_understood:,} with one that is not understood")
    if report.rows_unread:
        parts.append(f"{report.rows_unread:,} whose cells cannot be told apart")
    return Text(", ".join(parts) + ".")


def _findings(entry: ColumnReport) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    shown = entry.findings[:_FINDINGS_SHOWN_MAX]
    for count in shown:
        table.add_row(f"{count.values:,}", _finding(count))
    hidden = len(entry.findings) - len(shown)
    if hidden:
        table.add_row("", f"and {counted(hidden, 'rarer finding')}")
    return Padding(table, (0, 0, 0, 2))


def _finding(count: FindingCount) -> Text:
    finding = count.finding
    rows = [str(row) for row, _ in count.examples]
    more = ", ..." if count.values > len(rows) else ""
    word = "rows" if len(rows) > 1 else "row"
    return Text.assemble(
        (finding.code, "yellow"),
        f" ({word} {', '.join(rows)}{more}): {finding.message}. {finding.advice}",
    )


def _called(entry: ColumnReport) -> str:
    column = entry.column
    header = printable(column.header)
    return header if column.header == column.field else f"{header} -> {printable(column.field)}"

"""Results as a terminal shows them, with colour or as plain text.

Markup is off everywhere, and the console itself shows control characters instead of passing them
on. Texts from outside go through ``printable`` beforehand all the same, so that tables know how
wide they are. ``rich`` takes its time to load, so only commands that print tables import this
module, and late.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final, TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bulkpost.ledger.entries import row_number_of
from bulkpost.outcome import OutcomeKind
from bulkpost.redact import printable
from bulkpost.reporting.doubts import Doubt
from bulkpost.reporting.history import DIED, PastRun
from bulkpost.reporting.row_life import Attempt, Resolved, RowLife, state_words
from bulkpost.reporting.summary import RunSummary
from bulkpost.reporting.support import ErrorKind, Exchange
from bulkpost.reporting.tables import (
    ENDING_STYLES,
    OUTCOME_STYLES,
    lines_of,
    pairs_of,
    plain,
    table_of,
)
from bulkpost.reporting.wording import (
    counted,
    duration_text,
    iso_text,
    masked_destination,
    outcome_words,
    price_text,
    share_text,
    time_text,
)

_BODY_CHARS_MAX: Final = 4_000
_FINDINGS_SHOWN: Final = 5


class WaryConsole(Console):
    """Obeys nothing but us: whatever is printed on it, no text reaches the terminal's ear."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is to be written; only rich's own controls stay controls."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(lines, segment.style)


def console(file: TextIO | None = None, *, color: bool) -> Console:
    """Return a console for results: no markup, no highlighting, no emoji."""
    return WaryConsole(
        file=file,
        color_system="auto" if color else None,
        no_color=not color,
        force_terminal=None if color else False,
        markup=False,
        highlight=False,
        emoji=False,
    )


def print_on(target: Console, renderable: RenderableType) -> None:
    """Print without cutting lines off: a command must stay whole to be copied.

    Where nobody sees colours, lines end with their text and not with the padding of a table.
    """
    if not target.no_color:
        target.print(renderable, crop=False)
        return
    with target.capture() as captured:
        target.print(renderable, crop=False)
    target.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_summary(
    summary: RunSummary, command: str, *, file: TextIO | None = None, color: bool
) -> None:
    """Print a run's summary and the command that a person needs next."""
    target = console(file, color=color)
    print_on(target, render_summary(summary))
    print_command(target, command)


def print_command(target: Console, command: str, name: str = "Next:") -> None:
    """Print a command, never wrapped: with a line break in it, it cannot be pasted."""
    target.print(_command(command, name), soft_wrap=True)


def render_summary(summary: RunSummary) -> RenderableType:
    """Return a run's summary."""
    parts: list[RenderableType] = [render_counts(summary)]
    if summary.reasons:
        parts += [Text(""), _reasons(summary)]
    return Group(*parts, *render_findings(summary), Text(""))


def render_counts(summary: RunSummary, ending: str | None = None) -> RenderableType:
    """Return what became of a run's rows, under a title.

    Args:
        summary: The run.
        ending: How it stands, if that is known better than its summary can.
    """
    title = _title(summary, ending or summary.record.ending or "not ended")
    return Group(title, _counts(summary, is_dead=ending == DIED), _facts(summary))


def render_findings(summary: RunSummary) -> list[RenderableType]:
    """Return what was found in the values that were sent; nothing if nothing was."""
    return [Text(""), _findings(summary)] if summary.findings else []


def render_details(summary: RunSummary) -> RenderableType:
    """Return what a run was: input, destination, times."""
    record = summary.record
    return pairs_of(
        [
            ("input", plain(record.input_path)),
            ("", plain(f"{record.input_format}, {record.input_rows:,} rows")),
            ("sha256", Text(record.input_sha256, overflow="fold")),
            ("destination", Text(printable(record.destination), overflow="fold")),
            ("started", Text(time_text(record.started_at_ms))),
            ("ended", Text(time_text(record.ended_at_ms))),
            ("exit status", Text("-" if record.exit_status is None else str(record.exit_status))),
            ("bulkpost", plain(f"{record.version}, process {record.pid} on {record.host}")),
            *_pruned(record.pruned_at_ms),
        ]
    )


def render_runs(runs: Sequence[PastRun]) -> RenderableType:
    """Return a table of runs."""
    table = table_of("run", "command", "started", "took", "ending", "exit", "rows")
    for entry in runs:
        record = entry.record
        counts = ", ".join(
            f"{count:,} {outcome_words(kind)}"
            for kind in OutcomeKind
            if (count := entry.counts.get(kind))
        )
        table.add_row(
            str(record.run),
            plain(record.command),
            time_text(record.started_at_ms),
            duration_text(record.duration_s),
            Text(entry.ending, ENDING_STYLES.get(entry.ending, "yellow")),
            "-" if record.exit_status is None else str(record.exit_status),
            lines_of(
                [
                    PurePath(record.input_path).name,
                    masked_destination(record.destination),
                    counts or "none",
                    *(["pruned"] if record.pruned_at_ms is not None else []),
                ]
            ),
        )
    return table


def render_row(life: RowLife) -> RenderableType:
    """Return the whole life of a row."""
    now = life.now
    parts: list[RenderableType] = [
        Text.assemble((f"Row {life.row_number}", "bold"), f" of {printable(life.input_path)}"),
        pairs_of(
            [
                ("state", Text(state_words(now.state), "bold")),
                ("reason", plain(now.reason or "-")),
                *([("", Text(life.remark, "yellow", overflow="fold"))] if life.remark else []),
                ("lead id", Text(now.lead_id or "-")),
                ("price", Text("-" if now.price_micros is None else price_text(now.price_micros))),
                ("http status", Text("-" if now.http_status is None else str(now.http_status))),
                ("attempts", Text(f"{now.attempts} ({now.ambiguous} ambiguous)")),
                ("at", Text(time_text(now.at_ms))),
                ("run", Text("-" if now.run is None else str(now.run))),
            ]
            + ([("due", Text(time_text(now.due_at_ms)))] if now.due_at_ms else [])
            + _pruned(life.pruned_at_ms)
        ),
    ]
    if life.attempts:
        parts += [Text(""), _attempts(life.attempts)]
    if life.resolutions:
        parts += [Text(""), _resolutions(life.resolutions)]
    if life.exchange is not None:
        parts += [Text(""), Text("For LeadConduit's support:", "bold"), _exchange(life.exchange)]
    return Group(*parts)


def render_support(run: int, kinds: Sequence[ErrorKind]) -> RenderableType:
    """Return the exchange of each kind of http_error once."""
    parts: list[RenderableType] = []
    for kind in kinds:
        status = "-" if kind.http_status is None else str(kind.http_status)
        rows = counted(kind.count, "row")
        head = f"{rows} of run {run}: status {status}, {kind.reason or 'no reason'}"
        first = f"The first is row {row_number_of(kind.row_id)}, at {iso_text(kind.at_ms)}."
        parts += [plain(head, "bold"), Text(first), Text("")]
        if kind.exchange is not None:
            parts.append(_exchange(kind.exchange))
        parts.append(Text(""))
    return Group(*parts)


def render_doubts(found: Iterable[Doubt]) -> RenderableType:
    """Return a table of rows in doubt."""
    table = table_of("row", "run", "since", "tries", "status", "what is known")
    for doubt in found:
        known = [doubt.reason or "no reason known", doubt.input_path]
        if doubt.lead_id:
            known.append(f"lead id {doubt.lead_id}")
        if doubt.reference_field:
            known.append(f"sent with a reference in {doubt.reference_field}")
        table.add_row(
            Text(doubt.name, "bold"),
            str(doubt.run),
            time_text(doubt.since_ms),
            str(doubt.attempts),
            "-" if doubt.http_status is None else str(doubt.http_status),
            lines_of(known),
        )
    return table


def _title(summary: RunSummary, ending: str) -> Text:
    record = summary.record
    text = Text.assemble(
        (f"Run {record.run}", "bold"),
        f"  {printable(record.command)} {printable(record.input_path)}: ",
        (ending, ENDING_STYLES.get(ending, "yellow")),
    )
    if record.duration_s is not None:
        text.append(f" in {duration_text(record.duration_s)}")
    if summary.rows_per_s:
        text.append(f", {summary.rows_per_s:,.1f} rows/s")
    return text


def _counts(summary: RunSummary, *, is_dead: bool) -> Table:
    table = table_of("", "this run", "whole input", "", right=(1, 2, 3))
    rows = summary.record.input_rows
    for kind in OutcomeKind:
        here, there = summary.counts.get(kind, 0), summary.input_counts.get(kind, 0)
        if here or there or kind is OutcomeKind.SUCCESS:
            style = OUTCOME_STYLES[kind] if here or there else ""
            table.add_row(
                Text(outcome_words(kind), style), f"{here:,}", f"{there:,}", share_text(there, rows)
            )
    for name, count in summary.unended(is_dead=is_dead):
        if count:
            table.add_row(name, "", f"{count:,}", share_text(count, rows))
    table.add_row(Text("rows", "bold"), f"{summary.rows:,}", f"{rows:,}", "")
    return table


def _facts(summary: RunSummary) -> RenderableType:
    retries = f" ({counted(summary.retries, 'retry')})" if summary.retries else ""
    pairs = [
        ("price", Text(summary.price)),
        ("attempts", Text(f"{summary.attempts:,}{retries}")),
    ]
    if summary.ambiguous_words:
        pairs.append(("note", Text(summary.ambiguous_words, "yellow")))
    if summary.received_before_words:
        pairs.append(("", Text(summary.received_before_words, "yellow")))
    if summary.in_doubt:
        words = "1 row is" if summary.in_doubt == 1 else f"{summary.in_doubt:,} rows are"
        pairs.append(("in doubt", Text(f"{words} in doubt: taken or not, nobody knows", "magenta")))
    return pairs_of(pairs)


def _reasons(summary: RunSummary) -> Table:
    table = table_of("reasons", "", "", right=(1,))
    shown: OutcomeKind | None = None
    for entry in summary.reasons:
        name = "" if entry.kind is shown else outcome_words(entry.kind)
        shown = entry.kind
        table.add_row(
            Text(name, OUTCOME_STYLES[entry.kind]), f"{entry.count:,}", plain(entry.reason)
        )
    return table


def _findings(summary: RunSummary) -> Table:
    table = table_of("found in what was sent", "", "", right=(1,))
    for entry in summary.findings[:_FINDINGS_SHOWN]:
        words = f"{entry.code}: {entry.message}" if entry.message else entry.code
        table.add_row(plain(entry.field), f"{entry.leads:,}", plain(words))
    hidden = len(summary.findings) - _FINDINGS_SHOWN
    if hidden > 0:
        table.add_row("", "", Text(f"and {hidden} more: bulkpost check shows all", "dim"))
    return table


def _attempts(attempts: Sequence[Attempt]) -> Table:
    table = table_of("attempt", "run", "at", "took", "status", "outcome", "reason")
    for entry in attempts:
        table.add_row(
            str(entry.number),
            str(entry.run),
            time_text(entry.at_ms),
            "-" if entry.latency_ms is None else f"{entry.latency_ms / 1000:.2f} s",
            "-" if entry.http_status is None else str(entry.http_status),
            state_words(entry.state),
            plain(entry.reason or "-"),
        )
    return table


def _resolutions(resolutions: Sequence[Resolved]) -> Table:
    table = table_of("decided at", "how", "who", "from", "to", "lead id and note")
    for entry in resolutions:
        table.add_row(
            time_text(entry.at_ms),
            plain(entry.how),
            plain(entry.who),
            state_words(entry.before),
            state_words(entry.after),
            lines_of([text for text in (entry.lead_id, entry.note) if text] or ["-"]),
        )
    return table


def _exchange(exchange: Exchange) -> Text:
    text = "\n".join(f"  {printable(line)[:_BODY_CHARS_MAX]}" for line in exchange.lines())
    return Text(text, no_wrap=True, overflow="ignore")


def _command(command: str, name: str) -> Text:
    return Text.assemble(
        f"{name}  ", (printable(command), "bold"), no_wrap=True, overflow="ignore", end="\n"
    )


def _pruned(at_ms: int | None) -> list[tuple[str, Text]]:
    if at_ms is None:
        return []
    words = f"on {time_text(at_ms)}: times, statuses, earlier attempts and exchanges are gone"
    return [("pruned", Text(words, overflow="fold"))]

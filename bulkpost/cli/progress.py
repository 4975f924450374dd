"""What a person sees while a run goes on, and what a log file gets instead."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import click

from bulkpost.app.order import Preview, RunResult, Watched
from bulkpost.cli.options import Output, use_color
from bulkpost.destination import Kind
from bulkpost.engine.tally import Tally
from bulkpost.ledger.reader import LedgerReader
from bulkpost.log import get_logger
from bulkpost.outcome import MICROS_PER_UNIT, OutcomeKind
from bulkpost.redact import printable

_REFRESH_S = 0.2
_QUIET_LINE_S = 30.0
_RATE_WINDOW_S = 10.0


class Pace:
    """Rows a second, over the last few seconds and over the whole run."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._samples: list[tuple[float, int]] = []

    @property
    def duration_s(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began_s

    def rows_per_s(self, rows: int) -> float:
        """Add a reading and return the present pace."""
        now_s = time.monotonic()
        self._samples.append((now_s, rows))
        while len(self._samples) > 2 and now_s - self._samples[0][0] > _RATE_WINDOW_S:
            self._samples.pop(0)
        since_s, rows_then = self._samples[0]
        if now_s - since_s < _REFRESH_S:
            return 0.0
        return (rows - rows_then) / (now_s - since_s)


class TerminalObserver:
    """A bar where there is a terminal, a line every half minute where there is none."""

    def __init__(
        self, output: Output, ledger_path: Path, *, is_asking: bool, again: str | None = None
    ) -> None:
        """Prepare to watch.

        Args:
            output: How to speak.
            ledger_path: The ledger, for the commands that are suggested.
            is_asking: There is a person who can be asked.
            again: The command to give again after an interruption; None to have it rebuilt.
        """
        self._again = again
        self._console: Any = None  # rich's, while its display is up
        self._is_line_open = False
        self._output = output
        self._ledger_path = ledger_path
        self._is_asking = is_asking
        self._is_live = sys.stderr.isatty() and output.verbosity >= 0 and not output.is_json
        self._surveyed_at_s = time.monotonic()

    @property
    def is_asking(self) -> bool:
        """Whether there is a person who can be asked."""
        return self._is_asking

    def noted(self, text: str) -> None:
        """Print a line to standard error, above the progress display if there is one."""
        if self._output.is_json:
            return
        if self._output.log_format == "json":
            get_logger().warning("noted", why=text)
            return
        self.close_line()
        if self._console is not None:
            self._console.print(printable(text), soft_wrap=True)
        else:
            self._output.say(printable(text))

    def surveyed(self, path: Path, rows: int) -> None:
        """Show that a large new input is being read."""
        if self._is_live and time.monotonic() - self._surveyed_at_s > _REFRESH_S:
            self._surveyed_at_s = time.monotonic()
            self._is_line_open = True
            click.echo(f"\r\x1b[Kreading {printable(path.name)}: {rows:,} rows", nl=False, err=True)

    async def approves(self, preview: Preview) -> bool:
        """Show the plan and ask."""
        from bulkpost.cli.plan_text import plan_lines  # noqa: PLC0415  # only for a first submission

        for line in plan_lines(preview):
            self._output.say(line)
        what = "these leads" if preview.destination.kind is Kind.SUBMISSION else "this feedback"
        answer = await self.confirms(f"Submit {what}?")
        if not answer:
            self._output.say("Nothing was sent.")
        return answer

    async def confirms(self, question: str) -> bool:
        """Ask on the terminal; no is the default."""
        return await anyio.to_thread.run_sync(
            lambda: click.confirm(printable(question), default=False, err=True)
        )

    async def watch(self, watched: Watched) -> None:
        """Show progress until cancelled."""
        self.close_line()
        if self._output.is_json:
            await self._watch_json(watched)
        elif self._is_live:
            await self._watch_live(watched)
        else:
            await self._watch_lines(watched)

    async def ended(self, reader: LedgerReader, result: RunResult) -> None:
        """Print the summary."""
        from bulkpost.reporting.render import print_summary  # noqa: PLC0415  # rich is slow to load
        from bulkpost.reporting.summary import next_command, summarise  # noqa: PLC0415

        summary = await summarise(reader, result.run_id)
        command = next_command(summary, self._ledger_path, self._again)
        if self._output.is_json:
            halted = result.halt.reason if result.halt is not None else None
            document = {"message_type": "summary", **summary.to_dict(), "stopped_because": halted}
            more = {"next_command": command, "changed": dict(result.changed)}
            self._output.document({**document, **more})
            return
        if result.halt is not None:
            click.echo(f"stopped: {printable(result.halt.reason)}", err=True)
            if result.halt.advice:
                click.echo(f"  {printable(result.halt.advice)}", err=True)
        print_summary(summary, command, color=use_color())
        if result.changed:
            fields = ", ".join(
                f"{printable(name)} {count:,}" for name, count in sorted(result.changed.items())
            )
            self._output.say(f"Sent as LeadConduit reads them (leads by field): {fields}")

    def close_line(self) -> None:
        """Take away what is shown of the reading, before anything else is printed."""
        if self._is_line_open:
            self._is_line_open = False
            click.echo("\r\x1b[K", nl=False, err=True)

    async def _watch_json(self, watched: Watched) -> None:
        pace = Pace()
        while True:
            await anyio.sleep(_QUIET_LINE_S)
            self._output.document({"message_type": "status", **_reading(watched, pace)})

    async def _watch_lines(self, watched: Watched) -> None:
        pace = Pace()
        while True:
            await anyio.sleep(_QUIET_LINE_S)
            reading = _reading(watched, pace)
            if self._output.log_format == "json":
                get_logger().info(
                    "progress",
                    rows=reading["rows_done"],
                    count=reading["rows_todo"],
                    why=reading["held_back"],
                    state=json.dumps(reading["outcomes"]),
                )
            else:
                self._output.say(_line(reading))

    async def _watch_live(self, watched: Watched) -> None:
        from rich.live import Live  # noqa: PLC0415  # rich is slow to load
        from rich.text import Text  # noqa: PLC0415

        from bulkpost.reporting.render import WaryConsole  # noqa: PLC0415  # as above

        pace = Pace()
        console = WaryConsole(stderr=True, markup=False, highlight=False)
        with Live(console=console, transient=True, auto_refresh=False) as live:
            self._console = console
            try:
                while True:
                    lines = _picture(_reading(watched, pace), max(40, console.width))
                    live.update(Text("\n".join(lines)), refresh=True)
                    await anyio.sleep(_REFRESH_S)
            finally:
                self._console = None


def _reading(watched: Watched, pace: Pace) -> dict[str, Any]:
    """Return the state of a run as plain values."""
    tally = watched.tally
    done = tally.rows_ended + tally.rows_known
    rows_per_s = pace.rows_per_s(tally.rows_ended)
    left = max(0, watched.rows - done)
    return {
        "rows_done": done,
        "rows_todo": watched.rows,
        "rows_per_s": round(rows_per_s, 1),
        "eta_s": round(left / rows_per_s) if rows_per_s > 0 else None,
        "duration_s": round(pace.duration_s, 1),
        "in_flight": tally.in_flight,
        "waiting": tally.waiting,
        "retries": tally.retries,
        "price": tally.price_micros / MICROS_PER_UNIT,
        "outcomes": {
            kind.value: tally.outcomes[kind] for kind in OutcomeKind if tally.outcomes[kind]
        },
        "held_back": _held_back(tally),
    }


def _held_back(tally: Tally) -> str:
    """Say why nothing goes out; where all rows wait for their next attempt, it is not the rate."""
    is_rate = tally.held_back.startswith("waiting: rate")
    if tally.waiting and not tally.in_flight and (is_rate or not tally.held_back):
        return f"waiting: {tally.waiting:,} rows for their next attempt"
    return tally.held_back


def _line(reading: dict[str, Any]) -> str:
    """Return progress as one line of text."""
    outcomes = ", ".join(f"{name} {count:,}" for name, count in reading["outcomes"].items())
    parts = [
        f"{reading['rows_done']:,} of {reading['rows_todo']:,} rows",
        f"{reading['rows_per_s']:,.1f}/s",
        f"{_eta(reading)} left",
        outcomes,
        f"in flight {reading['in_flight']}",
        reading["held_back"],
    ]
    return " | ".join(part for part in parts if part)


def _picture(reading: dict[str, Any], width: int) -> list[str]:
    """Return progress as a few lines of at most ``width`` characters."""
    todo = max(1, reading["rows_todo"])
    share = min(1.0, reading["rows_done"] / todo)
    bar_width = max(10, min(40, width - 44))
    filled = round(share * bar_width)
    bar = "━" * filled + "╌" * (bar_width - filled)
    first = (
        f"{bar} {share:4.0%}  {reading['rows_done']:,}/{reading['rows_todo']:,}  "
        f"{reading['rows_per_s']:,.0f}/s  {_eta(reading)}"
    )
    outcomes = "  ".join(f"{name} {count:,}" for name, count in reading["outcomes"].items())
    flying = f"in flight {reading['in_flight']}"
    if reading["waiting"]:
        flying += f"  waiting to retry {reading['waiting']:,}"
    lines = [first, f"{outcomes}  {flying}".strip()]
    if reading["held_back"]:
        lines.append(reading["held_back"])
    return [line[:width] for line in lines]


def _eta(reading: dict[str, Any]) -> str:
    seconds = reading["eta_s"]
    return "?" if seconds is None else str(timedelta(seconds=seconds))

"""``bulkpost doubt reconcile``."""

import shlex
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bulkpost.cli.options import Output, ledger_option, output_options, user

_IN_DOUBT: Final = 5
_SETTLE_DEFAULT: Final = "15m"
_NAMED_MAX: Final = 100
_EPILOG: Final = """\b
Examples:
  bulkpost doubt reconcile
  bulkpost doubt reconcile --dry-run --since 7d
  bulkpost doubt reconcile --run 12 --settle 1h --http-errors

\b
Exit status:
  0  no row is in doubt any more
  2  an option is wrong, or there is no API key, or LeadConduit does not accept it
  4  LeadConduit did not answer; what was found out before is kept
  5  rows in doubt remain
  7  there is no ledger, or it is busy or damaged
  130/143  interrupted; what was found out before is kept
"""


@click.command(epilog=_EPILOG)
@click.option("--run", "run_id", type=click.IntRange(min=1), help="Rows of this run only.")
@click.option(
    "--settle",
    metavar="DURATION",
    default=_SETTLE_DEFAULT,
    show_default=True,
    help="A row that is not found, and whose last attempt is younger, may still be on its way: "
    "LeadConduit may take 6 minutes for a lead.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Rows tried at or after this time only: 2026-11-20, 2026-11-20T18:00Z, 36h, 7d.",
)
@click.option(
    "--http-errors",
    "with_http_errors",
    is_flag=True,
    help="Ask about rows that are held as http_error, too.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Ask, and write nothing.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="BULKPOST_CONFIG",
    help="Config file with the table [api].  [default: bulkpost.toml, if there]",
)
@ledger_option
@output_options
def reconcile(*, ledger_path: Path, output: Output, **given: Any) -> int:
    """Ask LeadConduit what became of the rows in doubt.

    A row whose lead is found, by its reference or its lead id, is settled: outcome, reason, price
    and lead id as LeadConduit has them, and in its history the event that says so. A row that is
    not found stays in doubt. Once its last attempt is old enough, and a lead of the same run that
    must be there was found, it is listed with the command that releases it: whether it was received
    is for you to decide.

    That needs the API key of the account that owns the flow: key_file under [api] in the config, or
    BULKPOST_API_KEY. Rows are found by the reference that `submit --reference FIELD` sends, if the
    flow has that field. LeadConduit keeps events for 90 days. Feedback is decided by hand.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.event_loop import run  # noqa: PLC0415
    from bulkpost.config import load  # noqa: PLC0415

    settings = load(given["config"])
    report = _Report(output, ledger_path, is_dry=given["is_dry"])
    result, next_command = run(partial(_reconcile, ledger_path, settings, given, report))
    report.end(result, next_command)
    return _IN_DOUBT if result.rows_left else 0


async def _reconcile(
    ledger_path: Path, settings: Any, given: dict[str, Any], report: "_Report"
) -> tuple[Any, str]:
    from bulkpost.app.reconciling import Inquiry, reconcile  # noqa: PLC0415  # as above
    from bulkpost.cli.spans import parse_moment_ms, parse_span_ms  # noqa: PLC0415  # as above
    from bulkpost.clock import SystemClock  # noqa: PLC0415  # as above
    from bulkpost.ledger.reader import open_reader  # noqa: PLC0415  # as above
    from bulkpost.reporting.sought import Choice  # noqa: PLC0415  # as above
    from bulkpost.reporting.summary import next_after_decision  # noqa: PLC0415  # as above

    clock = SystemClock()
    since, now_at = given["since"], clock.now_at()
    choice = Choice(
        given["run_id"],
        parse_moment_ms(since, "--since", now_at) if since else None,
        with_http_errors=given["with_http_errors"],
    )
    settle_ms = parse_span_ms(given["settle"], "--settle")
    inquiry = Inquiry(choice, settle_ms, user(), is_dry=given["is_dry"])
    result = await reconcile(ledger_path, settings, inquiry, report.add, clock)
    async with open_reader(ledger_path) as reader:
        return result, await next_after_decision(reader, ledger_path)


class _Report:
    """Tells each row as it is known, and in the end what to do."""

    def __init__(self, output: Output, ledger_path: Path, *, is_dry: bool) -> None:
        self._output = output
        self._ledger = f"--ledger {shlex.quote(str(ledger_path))}"
        self._is_dry = is_dry
        self._rows: list[dict[str, Any]] = []
        self._not_received: list[str] = []
        self._errors_not_found: set[int] = set()
        self._paid_twice = 0

    def add(self, found: Any) -> None:
        """Tell of one row."""
        from bulkpost.ledger.states import State  # noqa: PLC0415  # as above
        from bulkpost.reporting.reconciled import Finding  # noqa: PLC0415  # as above

        if self._output.is_json:
            self._rows.append(found.to_dict())
        else:
            click.echo(self._line(found))
        if found.finding is Finding.NOT_FOUND:
            if found.row.state is State.IN_DOUBT:
                self._not_received.append(found.row.name)
            else:
                self._errors_not_found.add(found.row.run)
        self._paid_twice += found.accepted > 1

    def end(self, result: Any, next_command: str) -> None:
        """Tell what came of it, and what can be done about the rest."""
        if self._output.is_json:
            self._output.document(
                {
                    "message_type": "reconciliation",
                    "is_dry_run": self._is_dry,
                    "resolved": result.resolved,
                    "counts": {finding.value: count for finding, count in result.counts.items()},
                    "accepted_more_than_once": self._paid_twice,
                    "in_doubt_left": result.rows_left,
                    "rows": self._rows,
                    "commands": self._commands(),
                    "next_command": next_command,
                }
            )
            return
        if not result.counts:
            click.echo("No row to ask about.")
        else:
            click.echo(f"{_rows_text(result.resolved)} resolved, {result.rows_left:,} in doubt.")
        if self._paid_twice:
            self._output.say(
                f"{_rows_text(self._paid_twice)} accepted more than once: such a lead is there, "
                "and paid, as often as the list above says."
            )
        for words, commands in self._advice(result).items():
            self._output.say(f"\n{words}")
            for command in commands:
                self._output.say(f"  $ {command}")
        if result.resolved:
            self._output.say(f"Next:  {next_command}")

    def _line(self, found: Any) -> str:
        from bulkpost.redact import printable  # noqa: PLC0415  # as above
        from bulkpost.reporting.wording import price_text  # noqa: PLC0415  # as above

        verdict = None if found.resolution is None else found.resolution.verdict
        if verdict is None:
            return f"{found.row.name}  {found.words}"
        parts = [verdict.kind.value + (f" ({verdict.reason})" if verdict.reason else "")]
        if verdict.lead_id:
            parts.append(f"lead id {verdict.lead_id}")
        if verdict.price_micros is not None:
            parts.append(f"price {price_text(verdict.price_micros)}")
        mark = "would be " if self._is_dry else ""
        return printable(f"{found.row.name}  {mark}{', '.join(parts)}; {found.words}")

    def _commands(self) -> list[str]:
        rows = self._not_received
        resolving = [
            f"bulkpost doubt resolve {' '.join(rows[at : at + _NAMED_MAX])} --as not-received "
            f"--note 'not found by reconcile' {self._ledger}"
            for at in range(0, len(rows), _NAMED_MAX)
        ]
        retrying = [
            f"bulkpost retry {run} --outcome http_error {self._ledger}"
            for run in sorted(self._errors_not_found)
        ]
        return resolving + retrying

    def _advice(self, result: Any) -> dict[str, list[str]]:
        from bulkpost.reporting.reconciled import Finding  # noqa: PLC0415  # as above

        counts = result.counts
        advice: dict[str, list[str]] = {}
        if Finding.NOT_FOUND in counts:
            advice[
                f"{_rows_text(counts[Finding.NOT_FOUND])} not found, where other leads of the run "
                "are. If you decide that LeadConduit did not receive them, the next submit sends "
                "them:"
            ] = self._commands()
        if Finding.NO_REFERENCE in counts:
            advice[
                f"{_rows_text(counts[Finding.NO_REFERENCE])} cannot be found by anything. Decide "
                "by hand, and send references next time, in a field that the flow has:"
            ] = ["bulkpost submit LIST --reference reference"]
        by_hand = (Finding.HELD, Finding.UNPROVEN, Finding.EXPIRED, Finding.FEEDBACK)
        if any(finding in counts for finding in (*by_hand, Finding.FORGOTTEN)):
            advice["What the lines above leave open is decided by hand:"] = [
                f"bulkpost doubt list {self._ledger}"
            ]
        return advice


def _rows_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

"""``bulkpost runs``: the history of a ledger."""

from pathlib import Path
from typing import Any

import click

from bulkpost.cli.options import Output, ledger_option, output_options, use_color

_RUNS_DEFAULT = 20
# bulkpost.reporting.history.RUN_STATES; a help must not import it.
STATES = [
    *("running", "finished", "limit", "ceiling", "drained", "aborted", "refused", "budget"),
    *("failed", "died"),
]
_EPILOG = """\b
Examples:
  bulkpost runs --since 7d --state died --state aborted
  bulkpost runs --since 2026-11-01 --destination 5f3a1c0000000000000000aa --json

\b
States:
  running   going on now
  finished  every row was looked at
  limit     stopped at --limit or a deadline
  ceiling   stopped at --max-submit
  drained   asked to stop; the answers under way were awaited
  aborted   asked twice; what was under way is in doubt
  refused   the destination refused, or could not be reached
  budget    too many wrong answers
  failed    the ledger or bulkpost itself failed
  died      killed, or the machine stopped: nobody wrote down an end

\b
Exit status:
  0  listed, even if there are none
  2  an option is wrong
  7  there is no ledger, or it cannot be read
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=_RUNS_DEFAULT,
    show_default=True,
    help="List at most this many.",
)
@click.option(
    "--destination",
    metavar="TEXT",
    help="Only runs to a destination whose address holds this: a host, a flow's or source's id.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only runs that started then or later: 2026-11-20, 2026-11-20T18:00Z, 36h, 7d.",
)
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    metavar="STATE",
    multiple=True,
    help="Only runs that stand so, see below. May be repeated.",
)
@ledger_option
@output_options
def runs(*, limit: int, ledger_path: Path, output: Output, **given: Any) -> None:
    """List the runs of a ledger, the newest first.

    A run that ended by itself says how; "died" is one that was killed before it could. A row is
    counted with the run that brought its latest ending. Options that choose runs all hold at once;
    --limit counts what they leave.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.history import (  # noqa: PLC0415
        PastRun,
        RunFilter,
        is_run_going_on,
        past_runs,
    )

    wanted = RunFilter(given["destination"], _since_ms(given["since"]), given["states"])

    async def question(reader: LedgerReader) -> list[PastRun]:
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        return await past_runs(reader, limit, is_busy=is_busy, wanted=wanted)

    found = observe(ledger_path, question)
    if output.is_json:
        output.document({"message_type": "runs", "runs": [entry.to_dict() for entry in found]})
    elif not found:
        output.say("No run yet." if wanted == RunFilter() else "No such run.")
    else:
        from bulkpost.reporting import render  # noqa: PLC0415  # rich is slow to load

        render.print_on(render.console(color=use_color()), render.render_runs(found))


def _since_ms(text: str | None) -> int | None:
    from bulkpost.cli.spans import parse_moment_ms  # noqa: PLC0415  # as above
    from bulkpost.clock import SystemClock  # noqa: PLC0415

    return parse_moment_ms(text, "--since", SystemClock().now_at()) if text else None

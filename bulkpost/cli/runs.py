"""``bulkpost runs``: the history of a ledger."""

from pathlib import Path

import click

from bulkpost.cli.options import Output, ledger_option, output_options, use_color

_RUNS_DEFAULT = 20
_EPILOG = """\b
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
@ledger_option
@output_options
def runs(*, limit: int, ledger_path: Path, output: Output) -> None:
    """List the runs of a ledger, the newest first.

    A run that ended by itself says how; "died" is one that was killed before it could. A row is
    counted with the run that brought its latest ending.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.history import PastRun, is_run_going_on, past_runs  # noqa: PLC0415

    async def question(reader: LedgerReader) -> list[PastRun]:
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        return await past_runs(reader, limit, is_busy=is_busy)

    found = observe(ledger_path, question)
    if output.is_json:
        output.document({"message_type": "runs", "runs": [entry.to_dict() for entry in found]})
    elif not found:
        output.say("No run yet.")
    else:
        from bulkpost.reporting import render  # noqa: PLC0415  # rich is slow to load

        render.print_on(render.console(color=use_color()), render.render_runs(found))

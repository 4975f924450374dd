"""``bulkpost show``: one run, or one row, in full."""

from pathlib import Path

import click

from bulkpost.cli.options import Output, ledger_option, output_options, use_color
from bulkpost.errors import UsageError

_EPILOG = """\b
Examples:
  bulkpost show
  bulkpost show 3 --row 1041
  bulkpost show 3 --support

\b
Exit status:
  0  shown
  2  there is no such run or row, or an option is wrong
  7  there is no ledger, or it cannot be read
"""


@click.command(epilog=_EPILOG)
@click.argument("run_id", metavar="[RUN]", required=False, type=click.IntRange(min=1))
@click.option(
    "--row",
    "row_number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show the whole life of row N of the run's input; the first data row is 1.",
)
@click.option(
    "--support",
    "is_support",
    is_flag=True,
    help="Show request and answer of each kind of http_error, ready for LeadConduit's support.",
)
@ledger_option
@output_options
def show(
    *,
    run_id: int | None,
    row_number: int | None,
    is_support: bool,
    ledger_path: Path,
    output: Output,
) -> None:
    """Show RUN in full, the latest if none is named.

    What is shown for support has the names of the lead's fields, never their values.
    """
    if row_number is not None and is_support:
        raise UsageError("--row and --support exclude each other", advice="Give one of them.")
    if row_number is not None:
        _show_row(run_id, row_number, ledger_path, output)
    elif is_support:
        _show_support(run_id, ledger_path, output)
    else:
        _show_run(run_id, ledger_path, output)


def _show_run(run_id: int | None, ledger_path: Path, output: Output) -> None:
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.run_report import RunReport, run_report  # noqa: PLC0415
    from bulkpost.reporting.summary import next_command, run_record  # noqa: PLC0415

    async def question(reader: LedgerReader) -> RunReport:
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        record = await run_record(reader, run_id)
        return await run_report(reader, record.run, is_busy=is_busy)

    report = observe(ledger_path, question)
    if output.is_json:
        command = next_command(report.summary, ledger_path)
        output.document({"message_type": "run", **report.to_dict(), "next_command": command})
        return
    from bulkpost.reporting import render, render_report  # noqa: PLC0415  # rich is slow to load

    render_report.print_report(render.console(color=use_color()), report, ledger_path)


def _show_row(run_id: int | None, row_number: int, ledger_path: Path, output: Output) -> None:
    from bulkpost.cli.observe import observe  # noqa: PLC0415  # as above
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.row_life import RowLife, row_life  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    async def question(reader: LedgerReader) -> RowLife:
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        record = await run_record(reader, run_id)
        return await row_life(reader, record, row_number, is_busy=is_busy)

    life = observe(ledger_path, question)
    if output.is_json:
        output.document({"message_type": "row", **life.to_dict()})
        return
    from bulkpost.reporting import render  # noqa: PLC0415  # rich is slow to load

    render.print_on(render.console(color=use_color()), render.render_row(life))


def _show_support(run_id: int | None, ledger_path: Path, output: Output) -> None:
    from bulkpost.cli.observe import observe  # noqa: PLC0415  # as above
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415
    from bulkpost.reporting.support import ErrorKind, error_kinds  # noqa: PLC0415

    async def question(reader: LedgerReader) -> tuple[int, list[ErrorKind]]:
        run = (await run_record(reader, run_id)).run
        return run, await error_kinds(reader, run)

    run, kinds = observe(ledger_path, question)
    if output.is_json:
        documents = [kind.to_dict() for kind in kinds]
        output.document({"message_type": "support", "run": run, "kinds": documents})
    elif not kinds:
        output.say(f"Run {run} has no http_error.")
    else:
        from bulkpost.reporting import render  # noqa: PLC0415  # rich is slow to load

        render.print_on(render.console(color=use_color()), render.render_support(run, kinds))

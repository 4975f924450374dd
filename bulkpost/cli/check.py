"""``bulkpost check``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options, use_color
from bulkpost.cli.order_options import order_options

EPILOG = (
    "Exit statuses: 0 every row can be sent, was sent or is a duplicate; 1 internal error; 2 usage "
    "or config: a submission would be refused; 3 some rows are invalid or in conflict; 5 rows in "
    "doubt are waiting for a decision; 7 ledger damaged. What is found in values changes none of "
    "them, unless --refuse makes rows invalid by it."
)


@click.command(epilog=EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@output_options
@order_options
@click.option(
    "--findings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write every finding to a file, .csv or .parquet: input, row, line, column, field, type, "
    "code, message, advice. No value of a cell is in it.",
)
@click.option("--force", is_flag=True, help="Replace an existing file of findings.")
def check(order: Any, output: Output, *, findings: Path | None, force: bool) -> int:
    """Send nothing; say what `submit` would do with INPUT, and how LeadConduit will read it.

    Reads every row, maps it and looks it up in the ledger: how many are new, done, in doubt,
    duplicate, invalid or in conflict, and how long a submission would take. Then reads every value
    by LeadConduit's rules for its type: which it will understand, which not, and which perhaps
    otherwise than they were meant.
    """
    from bulkpost.app import commands  # noqa: PLC0415  # heavy
    from bulkpost.app.examining import FindingsTarget  # noqa: PLC0415
    from bulkpost.app.inputs import called  # noqa: PLC0415
    from bulkpost.cli.plan_text import plan_document, plan_lines, plan_status  # noqa: PLC0415
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415

    observer = TerminalObserver(output, order.ledger_path, is_asking=False)
    target = FindingsTarget(findings, force) if findings is not None else None
    preview = run(partial(commands.check, order, observer, target))
    observer.close_line()
    if output.is_json:
        path = str(findings) if findings is not None else None
        output.document({**plan_document(preview, order.settings), "findings_file": path})
        return plan_status(preview)
    from bulkpost.redact import printable  # noqa: PLC0415  # as above
    from bulkpost.reporting.render import console, print_on  # noqa: PLC0415  # rich is slow to load
    from bulkpost.reporting.render_values import render_values  # noqa: PLC0415

    for line in plan_lines(preview, order.settings):
        click.echo(line)
    screen = console(color=use_color())
    for batch, report in zip(preview.batches, preview.values, strict=True):
        print_on(screen, render_values(called(batch.reader.path), report))
    if findings is not None:
        output.say(f"Every finding: {printable(str(findings))}")
    return plan_status(preview)

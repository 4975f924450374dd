"""``bulkpost check``."""

from functools import partial
from typing import Any

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import order_options

EPILOG = (
    "Exit statuses: 0 every row can be sent, was sent or is a duplicate; 1 internal error; 2 usage "
    "or config: a submission would be refused; 3 some rows are invalid or in conflict; 5 rows in "
    "doubt are waiting for a decision; 7 ledger damaged."
)


@click.command(epilog=EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@output_options
@order_options
def check(order: Any, output: Output) -> int:
    """Send nothing; say what `submit` would do with INPUT.

    Reads every row, maps it and looks it up in the ledger: how many are new, done, in doubt,
    duplicate, invalid or in conflict, and how long a submission would take.
    """
    from bulkpost.app import commands  # noqa: PLC0415  # heavy
    from bulkpost.cli.plan_text import plan_document, plan_lines, plan_status  # noqa: PLC0415
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415

    observer = TerminalObserver(output, order.ledger_path, is_asking=False)
    preview = run(partial(commands.check, order, observer))
    if output.is_json:
        output.document(plan_document(preview, order.settings))
    else:
        for line in plan_lines(preview, order.settings):
            click.echo(line)
    return plan_status(preview)

"""``bulkpost submit``."""

import shlex
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import order_options

EPILOG = (
    "Exit statuses: 0 every row has LeadConduit's verdict or is a duplicate, or nothing was left; "
    "1 internal error, or the list was changed meanwhile; 2 usage or config, nothing was sent; "
    "3 some rows invalid, conflict, error or http_error; 4 stopped early (destination refused, "
    "error budget); 5 rows in doubt remain; 6 stopped at a limit, or deferred or added rows "
    "remain, run it again; 7 ledger busy, damaged or outdated; 130/143 interrupted, run it again."
)


@click.command(epilog=EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@output_options
@order_options
@click.option(
    "--accept-rollback",
    is_flag=True,
    help="Use a ledger that is older than what this machine wrote to it. Leads sent since then are "
    "unknown to it and may be sent, and paid, again.",
)
@click.option(
    "--new-ledger",
    "is_new_ledger",
    is_flag=True,
    help="Use a ledger that does not know what another ledger of this machine submitted to the "
    "same destination.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the first submission.")
def submit(
    order: Any, output: Output, *, accept_rollback: bool, is_new_ledger: bool, yes: bool
) -> int:
    """Submit each row of INPUT as a lead, once.

    INPUT is a CSV, TSV, JSON Lines or Parquet file, packed or not, a glob, or - for standard input.
    Run the same command again after any interruption: it goes on where it stood, or says that
    nothing is left.

    Ctrl-C once waits for the answers under way; twice records them in doubt and stops at once.
    """
    from bulkpost.app import commands  # noqa: PLC0415  # heavy
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415

    order = replace(order, accept_rollback=accept_rollback, is_new_ledger=is_new_ledger)
    observer = TerminalObserver(
        output,
        order.ledger_path,
        is_asking=output.is_terminal and not yes,
        again=_again(order.inputs),
    )
    result = run(partial(commands.submit, order, observer))
    return int(result.exit_status)


def _again(inputs: tuple[str, ...]) -> str | None:
    """Return the command as it was given; None if its input came through a pipe and is gone."""
    if "-" in inputs:
        return None
    once = {"--accept-rollback", "--new-ledger"}  # consents to this one run
    return shlex.join(["bulkpost", *(word for word in sys.argv[1:] if word not in once)])

"""``bulkpost submit``."""

from typing import Any

import click

from bulkpost.cli.night_options import night_options
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import order_options
from bulkpost.cli.sending import send, sending_options

EPILOG = (
    "Exit statuses: 0 every row has LeadConduit's verdict or is a duplicate, or nothing was left; "
    "1 internal error, or the list was changed meanwhile; 2 usage or config, nothing was sent; "
    "3 some rows invalid, conflict, error or http_error; 4 stopped early (destination refused, "
    "error budget) or held by a guard (--max-submit, --expect-new); 5 rows in doubt remain; "
    "6 stopped at a limit or deadline, or deferred or added rows remain, run it again; "
    "7 ledger busy, damaged or outdated; 130/143 interrupted, run it again."
)


@click.command(epilog=EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@output_options
@night_options
@order_options
@sending_options
def submit(order: Any, output: Output, *, night: Any, yes: bool) -> int:
    """Submit each row of INPUT as a lead, once.

    INPUT is a CSV, TSV, JSON Lines or Parquet file, packed or not, a glob, or - for standard input.
    A file of `bulkpost export` is read as the list that it came from.
    Run the same command again after any interruption: it goes on where it stood, or says that
    nothing is left.

    Ctrl-C once waits for the answers under way; twice records them in doubt and stops at once.
    """
    return send(order, output, night, yes=yes)

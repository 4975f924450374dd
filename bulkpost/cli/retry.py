"""``bulkpost retry``."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import order_options

EPILOG = """\b
Examples:
  bulkpost retry --outcome http_error
  bulkpost retry 7 --outcome failure --outcome error --rate 5/s

\b
Exit statuses, as after `bulkpost submit`:
  0  every row has LeadConduit's verdict or is a duplicate, or there were no such rows
  1  internal error
  2  usage, config or input; nothing was sent
  3  some rows are invalid, in conflict, in error or http_error
  4  stopped early: destination refused, or error budget
  5  rows in doubt remain
  6  stopped at a limit, or deferred rows remain
  7  ledger busy, damaged or outdated
  130/143  interrupted
"""


@click.command(epilog=EPILOG)
@click.argument("run_id", metavar="[RUN]", required=False, type=click.IntRange(min=1))
@click.option(
    "--outcome",
    "outcomes",
    type=click.Choice(["http_error", "failure", "error"]),
    multiple=True,
    required=True,
    help="Which rows; may be given several times.",
)
@click.option(
    "--input",
    "input_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the input lies now.  [default: where it lay]",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_options
@order_options
def retry(  # noqa: PLR0913  # an argument for each option
    order: Any,
    output: Output,
    *,
    run_id: int | None,
    outcomes: tuple[str, ...],
    input_path: Path | None,
    yes: bool,
) -> int:
    """Submit again the rows of the outcomes you name.

    Rows of RUN, or of all runs over the latest input if no RUN is named. LeadConduit bills every
    submission, whatever its outcome, so each of these leads is paid again. Rows in doubt are
    decided with `bulkpost doubt`; deferred rows are sent by `bulkpost submit` without being asked.
    """
    from bulkpost.app import retrying  # noqa: PLC0415  # heavy
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415
    from bulkpost.outcome import OutcomeKind  # noqa: PLC0415

    inputs = (str(input_path),) if input_path is not None else ()
    order = replace(order, inputs=inputs, command="retry")
    observer = TerminalObserver(output, order.ledger_path, is_asking=output.is_terminal and not yes)
    kinds = frozenset(OutcomeKind(outcome) for outcome in outcomes)
    result = run(partial(retrying.retry, order, run_id, kinds, observer))
    return int(result.exit_status)

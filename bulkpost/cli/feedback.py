"""``bulkpost feedback``."""

from functools import partial
from typing import Any

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.night_options import night_options
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import feedback_order_options
from bulkpost.cli.sending import send, sending_options
from bulkpost.cli.submit import EPILOG

_EPILOG = f"""\b
Examples:
  bulkpost feedback returns.csv --type return --check
  bulkpost feedback returns.csv --type return
  bulkpost feedback feedback.csv --event-id-column "Event ID" --rate 5/s

{EPILOG}
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Send nothing; say what would be sent, and which rows would not be. Exit statuses as of "
    "`bulkpost check`.",
)
@output_options
@night_options
@feedback_order_options
@sending_options
def feedback(order: Any, output: Output, *, night: Any, is_check: bool, yes: bool) -> int:
    """Send each row of INPUT to LeadConduit as feedback, once: a return or a conversion.

    INPUT is a list as for `bulkpost submit`, with a column `event_id`, and if you like `type` and
    `reason`. The event is the recipient's: its id came with the lead when it was delivered, and
    stands in an export of events. It is not the lead id that `bulkpost submit` keeps.

    LeadConduit keeps events for 90 days, and a recipient's returns may have a maximum age. It takes
    the same feedback as often as it comes and bills each, so the same event and type is sent once,
    whatever its reason and whichever list it stands in; a row with another reason is a conflict.

    Everything else is as with `submit`: run the same command again after any interruption, and it
    goes on where it stood.
    """
    if not is_check:
        return send(order, output, night, yes=yes)
    from bulkpost.app import commands  # noqa: PLC0415  # heavy
    from bulkpost.cli.plan_text import plan_document, plan_lines, plan_status  # noqa: PLC0415
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415

    observer = TerminalObserver(output, order.ledger_path, is_asking=False)
    preview = run(partial(commands.check, order, observer))
    observer.close_line()
    if output.is_json:
        output.document(plan_document(preview, order.settings))
    else:
        for line in plan_lines(preview, order.settings):
            click.echo(line)
    return plan_status(preview)

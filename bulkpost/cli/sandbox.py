"""``bulkpost sandbox``: LeadConduit on loopback, with faults on order."""

from pathlib import Path
from typing import Any

import click

_PORT_DEFAULT = 8765
_FILE = click.Path(path_type=Path, dir_okay=False)
_EPILOG = """\b
Examples:
  bulkpost sandbox
  bulkpost sandbox --fault 503:0.05,retry_after=2 --latency 200ms --jitter 50ms
  bulkpost sandbox --fault 503:burst=5,after=100 --fault reset_after:0.01 --seed 7
  bulkpost sandbox --faults sandbox.toml --log taken.jsonl --json
  bulkpost sandbox --flow flow.toml --price 12.5

\b
Exit status:
  0  stopped by Ctrl-C or SIGTERM
  1  internal error
  2  an option, the TOML file, the log file or the port is not usable
"""


@click.command(short_help="Run LeadConduit's imitation on loopback.", epilog=_EPILOG)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT_DEFAULT,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes any free one.",
)
@click.option("--flow-id", metavar="HEX24", help="Serve this flow only; others are 404.")
@click.option("--source-id", metavar="HEX24", help="Serve this source only; others are 404.")
@click.option("--price", type=float, help="Price of a successful lead.  [default: 0]")
@click.option(
    "--duplicates/--no-duplicates",
    default=None,
    help="Answer failure, duplicate to a lead the flow already took.  [default: --duplicates]",
)
@click.option(
    "--fault",
    "rules",
    metavar="KIND[:OPTION,...]",
    multiple=True,
    help="Misbehave: a status (503), hang_before, hang_after, reset_before, reset_after, "
    "close_before, close_after, cut, cut_late, garbage, empty, odd, mislabelled, drip, disabled. "
    "A name ending in _after takes the lead first (503_after too). Options: a share of the "
    "requests (0.05), burst=N, after=N, retry_after=VALUE (last). May be repeated; the first that "
    "hits wins.",
)
@click.option(
    "--faults",
    "file",
    metavar="FILE",
    type=_FILE,
    help="Settings and faults from a TOML file; an option given here wins over it.",
)
@click.option(
    "--flow",
    metavar="FILE",
    type=_FILE,
    help="An account's flow from a TOML file with a table [flow]: fields and their types, rules, "
    "caps, hours, source authentication. It is told at /meta. Without it any name is a field and "
    "every lead but a duplicate succeeds.",
)
@click.option("--latency", metavar="DURATION", help="Wait before each answer, like 200ms.")
@click.option("--jitter", metavar="DURATION", help="Add up to this much to the wait, like 50ms.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    help="Repeat a run's random choices and lead ids.  [default: drawn, told at the start]",
)
@click.option(
    "--log",
    "log_path",
    metavar="FILE",
    type=_FILE,
    help="Append a JSON line for each lead, the moment it is taken. It holds the lead's data.",
)
@click.option(
    "--keep",
    "keep_max",
    type=click.IntRange(min=1),
    help="Leads and requests kept in memory, oldest forgotten first.  [default: 1000000]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines instead of the URL.")
def sandbox(
    *, port: int, file: Path | None, log_path: Path | None, as_json: bool, **given: Any
) -> None:
    """Run LeadConduit's imitation on 127.0.0.1 until Ctrl-C or SIGTERM.

    Prints the posting URL on standard output. Leads are posted to it as to LeadConduit; nothing
    leaves this machine and nothing is billed. What was taken stands at /sandbox/leads, what was
    received at /sandbox/requests, and the counts at /sandbox/stats. A lead that was accepted has an
    event_id there: feedback about it is posted to /feedback, and stands at /sandbox/feedback. What
    becomes of feedback is set under [feedback] in the file of --faults.

    A lead orders a fault for itself with a field sandbox_fault (503, 503x2, hang_after), an answer
    with sandbox_outcome (failure:reason), a wait with sandbox_latency and a price with
    sandbox_price; these fields are not part of the lead as taken.

    With a flow the sandbox types the fields, accepts or refuses by the flow's rules, and shows
    social security numbers and credentials as asterisks. docs/sandbox.md lists every setting.
    """
    # Imported late: aiohttp would cost the help of every command its speed.
    from bulkpost.process import seal  # noqa: PLC0415
    from bulkpost.sandbox.run import options_over, run_until_stopped  # noqa: PLC0415

    seal()
    settings = options_over(file, given)
    run_until_stopped(settings, port, log_path, as_json=as_json)

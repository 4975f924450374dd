"""``bulkpost init``."""

import shlex
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options, use_color
from bulkpost.cli.order_options import reading_options

EPILOG: Final = (
    "Exit statuses: 0 done; 1 internal error, or the disk refused; 2 usage, config or input: "
    "nothing was written; 130 interrupted: nothing was written."
)
_STDOUT: Final = "-"


@click.command(epilog=EPILOG)
@click.argument("list_path", metavar="INPUT", type=click.Path(path_type=Path, dir_okay=False))
@output_options
@click.option("--url", envvar="BULKPOST_URL", default="", help="The source's posting URL, whole.")
@click.option(
    "--output",
    "target",
    default="bulkpost.toml",
    show_default=True,
    metavar="FILE",
    help="Where the config is written; - for standard output.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask about columns that are uncertain.")
@reading_options
def init(  # noqa: PLR0913  # one for each option
    list_path: Path,
    output: Output,
    reading: dict[str, Any],
    *,
    url: str,
    target: str,
    force: bool,
    yes: bool,
) -> int:
    """Write a config for lists like INPUT: which column feeds which field.

    Reads the list and matches its columns by name, and by what their values look like. What is
    certain is mapped. On a terminal you are asked about the rest; Enter leaves a column out. In the
    config, it is left out with the fields that it may be meant for beside it.

    No value of a cell is shown or written.
    """
    from bulkpost.app import initial  # noqa: PLC0415  # heavy
    from bulkpost.clock import SystemClock  # noqa: PLC0415

    order = initial.InitOrder(
        list_path,
        initial.settings_of(url, reading, ""),
        None if target == _STDOUT else Path(target),
        force,
        SystemClock().now_at(),
    )
    proposal = run(partial(_proposed, order))
    if output.is_terminal and not yes:
        from bulkpost.cli.init_questions import asked  # noqa: PLC0415  # only for a person

        proposal = proposal.with_matches(asked(proposal, output))
    text = initial.draft_of(order, proposal)
    if order.target is not None:
        run(partial(initial.write_config, order, text))
    _tell(order, proposal, text, output)
    return 0


async def _proposed(order: Any) -> Any:
    from bulkpost.app import initial  # noqa: PLC0415  # heavy

    destination = initial.check_order(order)
    return await initial.propose(order, destination, lambda _path, _rows: None)


def _tell(order: Any, proposal: Any, text: str, output: Output) -> None:
    from bulkpost.reporting.render import console, print_on  # noqa: PLC0415  # rich is slow to load
    from bulkpost.reporting.render_matches import (  # noqa: PLC0415  # as above
        matches_document,
        render_matches,
    )

    following = _next(order)
    if output.is_json:
        output.document(
            {
                "message_type": "init",
                "config": str(order.target) if order.target is not None else None,
                "config_text": text if order.target is None else None,
                "input": str(order.list_path),
                "format": proposal.description,
                "columns": matches_document(proposal.matches),
                "missing": list(proposal.missing),
                "next": following,
            }
        )
        return
    if order.target is None:
        click.echo(text, nl=False)
    else:
        print_on(console(color=use_color()), render_matches(proposal.matches))
        output.say(f"Written: {order.target}")
    for name in proposal.missing:
        output.say(f"No column feeds {name}, which the flow requires.")
    output.say(f"Next:  {following}")


def _next(order: Any) -> str:
    words = ["bulkpost", "check", str(order.list_path)]
    if order.target is not None and order.target != Path("bulkpost.toml"):
        words += ["--config", str(order.target)]
    return shlex.join(words)

"""``bulkpost init``."""

import shlex
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output, output_options, use_color
from bulkpost.cli.order_options import reading_options
from bulkpost.errors import UsageError

EPILOG: Final = (
    "Exit statuses: 0 done; 1 internal error, or the disk refused; 2 usage, config or input, or no "
    "accepted API key; 4 LeadConduit did not answer; 130 interrupted. Nothing is written unless it "
    "is 0."
)
_STDOUT: Final = "-"
_DEFAULT: Final = "bulkpost.toml"


@click.command(epilog=EPILOG)
@click.argument(
    "list_path", metavar="[INPUT]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@output_options
@click.option("--url", envvar="BULKPOST_URL", default="", help="The source's posting URL, whole.")
@click.option(
    "--output",
    "target",
    default=_DEFAULT,
    show_default=True,
    metavar="FILE",
    help="Where the config is written; - for standard output.",
)
@click.option("--force", is_flag=True, help="Replace an existing config.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask about columns that are uncertain.")
@click.option(
    "--from-flow",
    is_flag=True,
    help="Ask LeadConduit for the flow's own fields and match the columns to them. They are kept "
    "beside the config, and later runs warn when the flow has changed. Without INPUT, only they "
    "are written.",
)
@click.option(
    "--key-file",
    default="",
    metavar="FILE",
    help="File with the API key for --from-flow, if one is needed; else BULKPOST_API_KEY, or what "
    "the config says.",
)
@reading_options
def init(  # noqa: PLR0913  # one for each option
    list_path: Path | None,
    output: Output,
    reading: dict[str, Any],
    *,
    url: str,
    target: str,
    force: bool,
    yes: bool,
    from_flow: bool,
    key_file: str,
) -> int:
    """Write a config for lists like INPUT: which column feeds which field.

    Reads the list and matches its columns by name, and by what their values look like. What is
    certain is mapped. On a terminal you are asked about the rest; Enter leaves a column out. In the
    config, it is left out with the fields that it may be meant for beside it.

    No value of a cell is shown or written.
    """
    from bulkpost.app import initial, kept_flow  # noqa: PLC0415  # heavy
    from bulkpost.clock import SystemClock  # noqa: PLC0415

    path = None if target == _STDOUT else Path(target)
    if list_path is None:
        return _keep_flow_alone(path, url, key_file, output, is_wanted=from_flow)
    settings = initial.settings_of(url, reading, key_file)
    order = initial.InitOrder(list_path, settings, path, force, SystemClock().now_at())
    proposal, kept = run(partial(_proposed, order, from_flow=from_flow))
    if output.is_terminal and not yes:
        from bulkpost.cli.init_questions import asked  # noqa: PLC0415  # only for a person

        proposal = proposal.with_matches(asked(proposal, output))
    text = initial.draft_of(order, proposal)
    if path is not None:
        run(partial(initial.write_all, order, text, kept))
    flow_path = None if path is None or kept is None else kept_flow.path_beside(path)
    if path is None and kept is not None:
        output.say("The flow is not kept: the config is not written to a file.")
    _tell(order, proposal, text, flow_path, output)
    return 0


async def _proposed(order: Any, *, from_flow: bool) -> Any:
    from bulkpost.app import initial, kept_flow  # noqa: PLC0415  # heavy

    destination = initial.check_order(order)
    kept = None
    if from_flow:
        _check_url(order.settings.url)
        kept = await kept_flow.ask_flow(order.settings, destination)
    proposal = await initial.propose(
        order, destination, lambda _path, _rows: None, kept.flow if kept is not None else None
    )
    return proposal, kept


def _check_url(url: str) -> None:
    if not url:
        raise UsageError(
            "--from-flow needs the posting URL: it names the flow",
            advice="Give it with --url, as the source's Submission Docs page shows it.",
        )


def _keep_flow_alone(
    path: Path | None, url: str, key_file: str, output: Output, *, is_wanted: bool
) -> int:
    """Read the flow of an existing config anew."""
    from bulkpost.app import kept_flow  # noqa: PLC0415  # heavy
    from bulkpost.config import changed, destination_of, load  # noqa: PLC0415  # as above

    if not is_wanted or path is None:
        raise UsageError(
            "no list is named",
            advice="Name the list whose columns are to be matched; --from-flow alone, with a "
            "config, reads the flow anew.",
        )
    settings = load(path if path.exists() and path != Path(_DEFAULT) else None)
    if url:
        settings = changed(settings, {"url": url, "flow_id": "", "source_id": ""})
    if key_file:
        settings = changed(settings, {"api.key_file": key_file})
    destination = destination_of(settings)
    if destination.is_routed:
        raise UsageError("each row names its own flow: there is none to ask")
    kept = run(partial(kept_flow.ask_flow, settings, destination))
    beside = kept_flow.path_beside(path)
    run(partial(kept_flow.keep_flow, beside, kept))
    if output.is_json:
        output.document({"message_type": "init", "flow_file": str(beside), "config": None})
    else:
        output.say(f"Written: {beside} ({len(kept.flow.fields)} fields)")
    return 0


def _tell(order: Any, proposal: Any, text: str, flow_path: Path | None, output: Output) -> None:
    from bulkpost.mapping.assignment import shown  # noqa: PLC0415  # heavy
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
                "flow_file": str(flow_path) if flow_path is not None else None,
                "config_text": text if order.target is None else None,
                "input": str(order.list_path),
                "format": proposal.description,
                "fields_from": proposal.origin,
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
        for written in filter(None, (flow_path, order.target)):
            output.say(f"Written: {written}")
    for name in proposal.missing:
        output.say(f"No column feeds {shown(name)}, which the flow requires.")
    output.say(f"Next:  {following}")


def _next(order: Any) -> str:
    words = ["bulkpost", "check", str(order.list_path)]
    if order.target is not None and order.target != Path(_DEFAULT):
        words += ["--config", str(order.target)]
    return shlex.join(words)

"""Options that say what is sent, where to and how; shared by the commands that submit or check.

A flag wins over the environment, the environment over the config file, that over the default. So
no flag has a default of its own: what was not given is not laid over the config.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from bulkpost.cli.options import Output
from bulkpost.errors import ConfigError
from bulkpost.ledger.paths import LEDGER_DEFAULT, SANDBOX_LEDGER_DEFAULT

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

# option name -> the setting that it is laid over
_SETTINGS: Final = {
    "url": "url",
    "flow_id": "flow_id",
    "source_id": "source_id",
    "ledger": "ledger",
    "rate": "rate",
    "concurrency": "engine.concurrency",
    "key": "key",
    "duplicates": "duplicates",
    "strict": "endpoint.strict",
    "reference": "map.reference",
    "refuse": "check.refuse",
    "normalise": "check.normalise",
    "format_": "input.format",
    "encoding": "input.encoding",
    "delimiter": "input.delimiter",
}


def order_options(command: CommandT) -> CommandT:
    """Add the options; the command gets ``order: Order``, with its argument ``inputs`` if any."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="BULKPOST_CONFIG",
        help="Config file.  [default: bulkpost.toml, if there]",
    )
    @click.option("--url", envvar="BULKPOST_URL", help="The source's posting URL, whole.")
    @click.option("--flow-id", envvar="BULKPOST_FLOW_ID", help="Flow id, instead of --url.")
    @click.option("--source-id", envvar="BULKPOST_SOURCE_ID", help="Source id, instead of --url.")
    @click.option(
        "--ledger",
        envvar="BULKPOST_LEDGER",
        metavar="PATH",
        help=f"Ledger file.  [default: {LEDGER_DEFAULT}]",
    )
    @click.option(
        "--rate",
        envvar="BULKPOST_RATE",
        metavar="N/s|N/min|N/h",
        help="At most so many leads a time.  [default: no limit]",
    )
    @click.option(
        "--concurrency",
        type=int,
        envvar="BULKPOST_CONCURRENCY",
        metavar="N",
        help="Requests in flight at once.  [default: 16]",
    )
    @click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send at most so many rows in this run.",
    )
    @click.option(
        "--key",
        envvar="BULKPOST_KEY",
        metavar="COL[,COL]",
        help="Columns that tell rows apart.  [default: the whole content]",
    )
    @click.option(
        "--duplicates",
        type=click.Choice(["skip", "submit"]),
        envvar="BULKPOST_DUPLICATES",
        help="What to do with a row whose lead was submitted before.  [default: skip]",
    )
    @click.option(
        "--strict",
        is_flag=True,
        default=None,
        envvar="BULKPOST_STRICT",
        help="Hold 502 and 504 in doubt instead of retrying.",
    )
    @click.option(
        "--reference",
        envvar="BULKPOST_REFERENCE",
        metavar="FIELD",
        help="Send a unique reference with each lead, in this field.",
    )
    @click.option(
        "--refuse",
        multiple=True,
        envvar="BULKPOST_REFUSE",
        metavar="CODE|invalid|doubtful",
        help="Do not send rows with such a value: a code that `bulkpost check` shows, `invalid` "
        "for what LeadConduit does not understand, `doubtful` for that and whatever else has a "
        "finding. May be repeated.  [default: all are sent]",
    )
    @click.option(
        "--normalise",
        is_flag=True,
        default=None,
        envvar="BULKPOST_NORMALISE",
        help="Send telephone numbers, dates, states and postal codes as LeadConduit reads them, "
        "where that is safe.",
    )
    @click.option(
        "--format",
        "format_",
        type=click.Choice(["auto", "csv", "tsv", "jsonl", "parquet"]),
        envvar="BULKPOST_FORMAT",
        help="Input format.  [default: auto]",
    )
    @click.option(
        "--encoding",
        envvar="BULKPOST_ENCODING",
        metavar="NAME",
        help="Text encoding.  [default: detected]",
    )
    @click.option(
        "--delimiter",
        envvar="BULKPOST_DELIMITER",
        metavar="CHAR",
        help="Column delimiter.  [default: detected]",
    )
    @click.option(
        "--no-header",
        is_flag=True,
        default=None,
        envvar="BULKPOST_NO_HEADER",
        help="The first line of the CSV is a row. The columns are column_1, column_2, ...; the "
        "config says which field each feeds.",
    )
    @click.option(
        "--sandbox",
        is_flag=True,
        help="Submit to an imitation of LeadConduit on this machine, with a ledger of "
        f"its own ({SANDBOX_LEDGER_DEFAULT}).",
    )
    @click.option(
        "--sandbox-config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="TOML file for --sandbox: faults, latency, outcomes.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, output: Output, **kwargs: Any) -> Any:
        from bulkpost.app.order import Order  # noqa: PLC0415  # heavy
        from bulkpost.config import changed, load  # noqa: PLC0415

        config = kwargs.pop("config")
        given = {name: kwargs.pop(name) for name in _SETTINGS}
        changes = {
            _SETTINGS[name]: value for name, value in given.items() if value not in {None, ()}
        }
        without_header = kwargs.pop("no_header")
        if without_header is not None:
            changes["input.header"] = not without_header
        if "key" in changes:
            changes["key"] = [part.strip() for part in changes["key"].split(",") if part.strip()]
        if "input.delimiter" in changes:
            changes["input.delimiter"] = _delimiter(changes["input.delimiter"])
        settings = load(config)
        if changes.get("url"):
            changes.setdefault("flow_id", "")
            changes.setdefault("source_id", "")
        elif "flow_id" in changes or "source_id" in changes:
            changes["url"] = ""
        order = Order(
            inputs=kwargs.pop("inputs", ()),
            settings=changed(settings, changes),
            limit=kwargs.pop("limit"),
            is_sandbox=kwargs.pop("sandbox"),
            sandbox_config=kwargs.pop("sandbox_config"),
        )
        if order.sandbox_config is not None and not order.is_sandbox:
            raise ConfigError("--sandbox-config is given without --sandbox")
        return command(*args, output=output, order=order, **kwargs)

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps what click needs


def _delimiter(text: str) -> str:
    named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    return named.get(text.lower(), text)

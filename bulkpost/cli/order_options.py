"""Options that say what is sent, where to and how; shared by the commands that send or check.

A flag wins over the environment, the environment over the config file, that over the default. So
no flag has a default of its own: what was not given is not laid over the config.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from bulkpost.cli.options import Output
from bulkpost.errors import ConfigError, UsageError
from bulkpost.ledger.paths import LEDGER_DEFAULT, SANDBOX_LEDGER_DEFAULT

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

# option name -> the setting that it is laid over
_SETTINGS: Final = {
    "ledger": "ledger",
    "rate": "rate",
    "concurrency": "engine.concurrency",
    "strict": "endpoint.strict",
    "format_": "input.format",
    "encoding": "input.encoding",
    "delimiter": "input.delimiter",
}
_LEAD_SETTINGS: Final = _SETTINGS | {
    "url": "url",
    "flow_id": "flow_id",
    "source_id": "source_id",
    "key": "key",
    "duplicates": "duplicates",
    "reference": "map.reference",
    "refuse": "check.refuse",
    "normalise": "check.normalise",
}
_FEEDBACK_SETTINGS: Final = _SETTINGS | {
    "url": "feedback.url",
    "type_": "feedback.type",
    "event_id_column": "feedback.event_id_column",
    "type_column": "feedback.type_column",
    "reason_column": "feedback.reason_column",
    "send_as": "endpoint.format",
    "accept": "endpoint.accept",
}
_CONFIG: Final[tuple[_Option, ...]] = (
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="BULKPOST_CONFIG",
        help="Config file.  [default: bulkpost.toml, if there]",
    ),
)
_LEAD_PLACE: Final[tuple[_Option, ...]] = (
    click.option("--url", envvar="BULKPOST_URL", help="The source's posting URL, whole."),
    click.option("--flow-id", envvar="BULKPOST_FLOW_ID", help="Flow id, instead of --url."),
    click.option("--source-id", envvar="BULKPOST_SOURCE_ID", help="Source id, instead of --url."),
)
_FEEDBACK_PLACE: Final[tuple[_Option, ...]] = (
    click.option(
        "--url",
        envvar="BULKPOST_FEEDBACK_URL",
        help="Where feedback is posted to.  [default: https://app.leadconduit.com/feedback]",
    ),
    click.option(
        "--type",
        "type_",
        type=click.Choice(["return", "conversion"]),
        help="What every row is. A row whose type column says something else is refused.  "
        "[default: each row's type column]",
    ),
    click.option(
        "--event-id-column",
        metavar="COL",
        help="Column with the recipient event ids.  [default: event_id]",
    ),
    click.option("--type-column", metavar="COL", help="Column with the types.  [default: type]"),
    click.option(
        "--reason-column",
        metavar="COL",
        help="Column with the reasons.  [default: reason, if there]",
    ),
)
_PACE: Final[tuple[_Option, ...]] = (
    click.option(
        "--ledger",
        envvar="BULKPOST_LEDGER",
        metavar="PATH",
        help=f"Ledger file.  [default: {LEDGER_DEFAULT}]",
    ),
    click.option(
        "--rate",
        envvar="BULKPOST_RATE",
        metavar="N/s|N/min|N/h",
        help="At most so many rows a time.  [default: no limit]",
    ),
    click.option(
        "--concurrency",
        type=int,
        envvar="BULKPOST_CONCURRENCY",
        metavar="N",
        help="Requests in flight at once.  [default: 16]",
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send at most so many rows in this run.",
    ),
)
_STRICT: Final[_Option] = click.option(
    "--strict",
    is_flag=True,
    default=None,
    envvar="BULKPOST_STRICT",
    help="Hold 502 and 504 in doubt instead of retrying.",
)
_LEAD_RULES: Final[tuple[_Option, ...]] = (
    click.option(
        "--key",
        envvar="BULKPOST_KEY",
        metavar="COL[,COL]",
        help="Columns that tell rows apart.  [default: the whole content]",
    ),
    click.option(
        "--duplicates",
        type=click.Choice(["skip", "submit"]),
        envvar="BULKPOST_DUPLICATES",
        help="What to do with a row whose lead was submitted before.  [default: skip]",
    ),
    _STRICT,
    click.option(
        "--reference",
        envvar="BULKPOST_REFERENCE",
        metavar="FIELD",
        help="Send a unique reference with each lead, in this field.",
    ),
    click.option(
        "--refuse",
        multiple=True,
        envvar="BULKPOST_REFUSE",
        metavar="CODE|invalid|doubtful",
        help="Do not send rows with such a value: a code that `bulkpost check` shows, `invalid` "
        "for what LeadConduit does not understand, `doubtful` for that and whatever else has a "
        "finding. May be repeated.  [default: all are sent]",
    ),
    click.option(
        "--normalise",
        is_flag=True,
        default=None,
        envvar="BULKPOST_NORMALISE",
        help="Send telephone numbers, dates, states and postal codes as LeadConduit reads them, "
        "where that is safe.",
    ),
)
_FEEDBACK_RULES: Final[tuple[_Option, ...]] = (
    _STRICT,
    click.option(
        "--send-as",
        type=click.Choice(["form", "json", "xml"]),
        help="How feedback is written.  [default: form]",
    ),
    click.option(
        "--accept",
        type=click.Choice(["json", "xml"]),
        help="How LeadConduit is asked to answer.  [default: json]",
    ),
    click.option("--key", hidden=True, help="Not for feedback: event and type are the key."),
)
_INPUT: Final[tuple[_Option, ...]] = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(["auto", "csv", "tsv", "jsonl", "parquet"]),
        envvar="BULKPOST_FORMAT",
        help="Input format.  [default: auto]",
    ),
    click.option(
        "--encoding",
        envvar="BULKPOST_ENCODING",
        metavar="NAME",
        help="Text encoding.  [default: detected]",
    ),
    click.option(
        "--delimiter",
        envvar="BULKPOST_DELIMITER",
        metavar="CHAR",
        help="Column delimiter.  [default: detected]",
    ),
    click.option(
        "--no-header",
        is_flag=True,
        default=None,
        envvar="BULKPOST_NO_HEADER",
        help="The first line of the CSV is a row. The columns are column_1, column_2, ...; the "
        "config says which field each feeds.",
    ),
)
_SANDBOX: Final[tuple[_Option, ...]] = (
    click.option(
        "--sandbox",
        is_flag=True,
        help="Submit to an imitation of LeadConduit on this machine, with a ledger of "
        f"its own ({SANDBOX_LEDGER_DEFAULT}).",
    ),
    click.option(
        "--sandbox-config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="TOML file for --sandbox: faults, latency, outcomes.",
    ),
)


def reading_options(command: CommandT) -> CommandT:
    """Add the options that say how an input is read; the command gets ``reading``, a dict."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name in ("format_", "encoding", "delimiter")}
        changes = {_SETTINGS[name]: value for name, value in given.items() if value is not None}
        changes |= _header_change(kwargs)
        _spell_delimiter(changes)
        reading = {name.removeprefix("input."): value for name, value in changes.items()}
        return command(*args, reading=reading, **kwargs)

    return _decorated(wrapped, _INPUT)  # type: ignore[no-any-return]  # functools.wraps keeps what click needs


def order_options(command: CommandT) -> CommandT:
    """Add the options; the command gets ``order: Order``, with its argument ``inputs`` if any."""
    options = (*_CONFIG, *_LEAD_PLACE, *_PACE, *_LEAD_RULES, *_INPUT, *_SANDBOX)
    return _with_order(command, options, _LEAD_SETTINGS, "submission")


def feedback_order_options(command: CommandT) -> CommandT:
    """Add the options for feedback; the command gets ``order: Order`` in the same way."""
    options = (*_CONFIG, *_FEEDBACK_PLACE, *_PACE, *_FEEDBACK_RULES, *_INPUT, *_SANDBOX)
    return _with_order(command, options, _FEEDBACK_SETTINGS, "feedback")


def _with_order(
    command: CommandT, options: tuple[_Option, ...], names: Mapping[str, str], kind: str
) -> CommandT:
    @functools.wraps(command)
    def wrapped(*args: Any, output: Output, **kwargs: Any) -> Any:
        from bulkpost.app.kept_flow import path_beside  # noqa: PLC0415
        from bulkpost.app.order import Order  # noqa: PLC0415  # heavy
        from bulkpost.config import CONFIG_DEFAULT, changed, load  # noqa: PLC0415
        from bulkpost.destination import Kind  # noqa: PLC0415

        config = kwargs.pop("config")
        given = {name: kwargs.pop(name) for name in names}
        changes = {names[name]: value for name, value in given.items() if value not in {None, ()}}
        _refuse_key(kwargs.pop("key", None))
        changes |= _header_change(kwargs)
        if "key" in changes:
            changes["key"] = [part.strip() for part in changes["key"].split(",") if part.strip()]
        _spell_delimiter(changes)
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
            flow_path=path_beside(config or CONFIG_DEFAULT) if kind == "submission" else None,
            command="submit" if kind == "submission" else kind,
            kind=Kind(kind),
        )
        if order.sandbox_config is not None and not order.is_sandbox:
            raise ConfigError("--sandbox-config is given without --sandbox")
        return command(*args, output=output, order=order, **kwargs)

    return _decorated(wrapped, options)  # type: ignore[no-any-return]  # functools.wraps keeps what click needs


def _decorated(command: Callable[..., Any], options: tuple[_Option, ...]) -> Any:
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def _refuse_key(key: str | None) -> None:
    if key is not None:
        raise UsageError(
            "--key is for leads: feedback is known by its event and its type",
            advice="Leave --key out. The same event and type is never sent twice, whatever its "
            "reason and whichever list it stands in.",
        )


def _header_change(kwargs: dict[str, Any]) -> dict[str, Any]:
    without_header = kwargs.pop("no_header")
    return {} if without_header is None else {"input.header": not without_header}


def _spell_delimiter(changes: dict[str, Any]) -> None:
    text = changes.get("input.delimiter")
    if text is not None:
        named = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
        changes["input.delimiter"] = named.get(text.lower(), text)

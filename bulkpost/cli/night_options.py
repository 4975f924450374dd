"""Options for a command that nobody watches: what bounds it, and where it says how it ended."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.failure import failure_of
from bulkpost.cli.options import Output

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_BOUNDS: Final = ("until", "max_duration", "max_submit", "expect_new")


def night_options(command: CommandT) -> CommandT:
    """Add the options; the command gets ``night``, with which it begins once it has its order."""

    @click.option(
        "--until",
        envvar="BULKPOST_UNTIL",
        metavar="HH:MM",
        help="From this time of day on, take no new row: what is under way is awaited, and the "
        "rest is left for the next run (exit status 6).",
    )
    @click.option(
        "--max-duration",
        envvar="BULKPOST_MAX_DURATION",
        metavar="2h|90m",
        help="The same, after so long.",
    )
    @click.option(
        "--max-submit",
        type=click.IntRange(min=1),
        envvar="BULKPOST_MAX_SUBMIT",
        metavar="N",
        help="A guard: submit at most so many rows in this command, and stop if there is one more "
        "(exit status 4), for a person to look. A portion is asked for with --limit.",
    )
    @click.option(
        "--expect-new",
        envvar="BULKPOST_EXPECT_NEW",
        metavar="MIN..MAX",
        help="A guard: look through the lists first, and send nothing (exit status 4) unless so "
        "many rows were never submitted. Either end may be left out: ..5000, 1..",
    )
    @click.option(
        "--summary-json",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="BULKPOST_SUMMARY_JSON",
        metavar="FILE",
        help="Write what became of the command to this file, as one JSON document, also if it "
        "fails.",
    )
    @click.option(
        "--metrics",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="BULKPOST_METRICS",
        metavar="FILE",
        help="Write the same as numbers for Prometheus, for node-exporter's textfile collector: a "
        "file that ends in .prom, in its folder. Other users can read it.",
    )
    @click.option(
        "--notify",
        envvar="BULKPOST_NOTIFY",
        metavar="URL",
        help="Post the numbers, and no lead data, to this webhook at the end. https, or this "
        "machine. Whether it takes them changes nothing. Other users see a command line: better "
        "set BULKPOST_NOTIFY, or notify_file in the config.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, output: Output, **kwargs: Any) -> Any:
        from bulkpost.app.night import Night, Targets  # noqa: PLC0415  # heavy
        from bulkpost.secret import Secret  # noqa: PLC0415

        url = kwargs.pop("notify")
        targets = Targets(
            kwargs.pop("summary_json"), kwargs.pop("metrics"), Secret(url) if url else None
        )
        given = {f"night.{name}": kwargs.pop(name) for name in _BOUNDS}
        bounds = {name: value for name, value in given.items() if value is not None}
        if kwargs.get("is_check"):
            return command(*args, output=output, night=None, **kwargs)
        named = kwargs["inputs"], kwargs["ledger"] or ""
        night = Night(command.__name__, bounds, targets, *named)
        try:
            status = command(*args, output=output, night=night, **kwargs)
        except BaseException as error:
            status, *words = failure_of(error)
            _leave_behind(night, output, status, words)
            raise
        _leave_behind(night, output, status)
        return status

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps what click needs


def _leave_behind(night: Any, output: Output, status: int, words: list[str] | None = None) -> None:
    from bulkpost.reporting.night import Failure  # noqa: PLC0415  # as above

    failure = Failure(*words) if words else None
    for wrong in run(functools.partial(night.end, status, failure)):
        output.say(f"bulkpost: {wrong}")

"""Options that several commands share, and the ways in which they print."""

import functools
import os
import pwd
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from bulkpost.ledger.paths import LEDGER_DEFAULT, SANDBOX_LEDGER_DEFAULT

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Output:
    """How a command speaks.

    Attributes:
        is_json: One JSON document (runs: JSON lines) on standard output instead of text.
        verbosity: -1 quiet, 0 normal, 1 and more verbose.
        log_format: "console" or "json", for what goes to standard error.
    """

    is_json: bool
    verbosity: int
    log_format: str

    def document(self, value: dict[str, Any]) -> None:
        """Print a JSON document on one line, which a terminal can show without obeying it."""
        from bulkpost.redact import json_text  # noqa: PLC0415  # a help needs none

        click.echo(json_text(value))

    def say(self, text: str) -> None:
        """Tell a person something, on standard error, unless told to be quiet."""
        from bulkpost.redact import printable  # noqa: PLC0415  # as above

        if self.verbosity >= 0:
            click.echo("\n".join(map(printable, text.split("\n"))), err=True)

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches standard error and may be asked on standard input."""
        return sys.stderr.isatty() and sys.stdin.isatty() and not self.is_json


def output_options(command: CommandT) -> CommandT:
    """Add ``--json``, ``-q``, ``-v`` and ``--log-format``; the command gets ``output: Output``."""

    @click.option("--json", "is_json", is_flag=True, help="Print JSON instead of text.")
    @click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
    @click.option("-v", "--verbose", count=True, help="Log more.")
    @click.option(
        "--log-format",
        type=click.Choice(["console", "json"]),
        default="console",
        envvar="BULKPOST_LOG_FORMAT",
        show_default=True,
        help="Form of the log lines on standard error.",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, is_json: bool, quiet: bool, verbose: int, log_format: str, **kwargs: Any
    ) -> Any:
        from bulkpost.log import configure  # noqa: PLC0415  # structlog would slow every help
        from bulkpost.process import seal  # noqa: PLC0415  # as above

        seal()
        output = Output(is_json, -1 if quiet else verbose, log_format)
        configure(log_format, output.verbosity)
        return command(*args, output=output, **kwargs)

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps what click needs


def ledger_option(command: CommandT) -> CommandT:
    """Add ``--ledger`` and ``--sandbox`` for commands that look at a ledger."""

    @click.option(
        "--ledger",
        "ledger_path",
        envvar="BULKPOST_LEDGER",
        type=click.Path(path_type=Path, dir_okay=False),
        help=f"The ledger file.  [default: {LEDGER_DEFAULT}]",
    )
    @click.option(
        "--sandbox",
        "is_sandbox",
        is_flag=True,
        help=f"Use the ledger of `submit --sandbox` ({SANDBOX_LEDGER_DEFAULT}).",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, ledger_path: Path | None, is_sandbox: bool, **kwargs: Any) -> Any:
        default = SANDBOX_LEDGER_DEFAULT if is_sandbox else LEDGER_DEFAULT
        return command(*args, ledger_path=ledger_path or Path(default), **kwargs)

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps what click needs


def use_color() -> bool:
    """Whether colours are wanted on standard output."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def user() -> str:
    """Return who decides: the name of the operating system's user."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"

"""What the commands share that send a list: their last options, and the way to the end."""

import functools
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import click

from bulkpost.cli.event_loop import run
from bulkpost.cli.options import Output

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def sending_options(command: CommandT) -> CommandT:
    """Add ``--accept-rollback``, ``--new-ledger`` and ``-y``; the order carries the first two."""

    @click.option(
        "--accept-rollback",
        is_flag=True,
        help="Use a ledger that is older than what this machine wrote to it. What was sent since "
        "then is unknown to it and may be sent, and paid, again.",
    )
    @click.option(
        "--new-ledger",
        "is_new_ledger",
        is_flag=True,
        help="Use a ledger that does not know what another ledger of this machine sent to the same "
        "destination.",
    )
    @click.option("-y", "--yes", is_flag=True, help="Do not ask before the first submission.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, order: Any, accept_rollback: bool, is_new_ledger: bool, **kwargs: Any
    ) -> Any:
        order = replace(order, accept_rollback=accept_rollback, is_new_ledger=is_new_ledger)
        return command(*args, order=order, **kwargs)

    return wrapped  # type: ignore[return-value]  # functools.wraps keeps what click needs


def send(order: Any, output: Output, night: Any, *, yes: bool) -> int:
    """Send what an order says; return the exit status."""
    from bulkpost.app import commands  # noqa: PLC0415  # heavy
    from bulkpost.cli.progress import TerminalObserver  # noqa: PLC0415

    order = night.begin(order)
    observer = TerminalObserver(
        output,
        order.ledger_path,
        is_asking=output.is_terminal and not yes,
        again=_again(order.inputs),
    )
    result = run(partial(commands.submit, order, observer, result=night.result))
    return int(result.exit_status)


def _again(inputs: tuple[str, ...]) -> str | None:
    """Return the command as it was given; None if its input came through a pipe and is gone."""
    if "-" in inputs:
        return None
    once = {"--accept-rollback", "--new-ledger"}  # consents to this one run
    return shlex.join(["bulkpost", *(word for word in _shown(sys.argv[1:]) if word not in once)])


def _shown(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line but for the webhook's URL, which is a secret."""
    is_secret = False
    for word in words:
        if not is_secret and not word.startswith("--notify="):
            if word != "--notify":
                yield word
            is_secret = word == "--notify"
        else:
            is_secret = False

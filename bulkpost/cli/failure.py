"""What an error means to whoever called: exit status, message, advice, command."""

from typing import Final

import click

from bulkpost.errors import BulkpostError, place_of, unwrapped

INTERRUPTED: Final = 130


def failure_of(error: BaseException) -> tuple[int, str, str, str]:
    """Return exit status, message, advice and command of an error that ended a command."""
    if isinstance(error, BulkpostError):
        return error.exit_status, error.message, error.advice, error.command
    if isinstance(error, click.ClickException):
        return 2, " ".join(error.format_message().split()), "", ""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED, "interrupted", "", ""
    # The last one to know: no traceback shows a row. Its message may quote a cell, so it is not
    # shown; where it happened is.
    mistake = unwrapped(error)
    message = f"internal error {type(mistake).__name__} at {place_of(mistake)}"
    advice = (
        "This is a defect of bulkpost; what was sent is in the ledger. Please report the line "
        "above."
    )
    return 1, message, advice, ""

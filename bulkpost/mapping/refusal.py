"""Why the mapper refuses a row, without any cell's text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is not sent.

    Attributes:
        reason: Fixed words, column names and numbers; never a cell's text.
    """

    reason: str

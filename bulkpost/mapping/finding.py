"""What the mapper has to say about an input or a row, without any cell's text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the columns that a person should know before sending.

    Attributes:
        code: A fixed word, for machines.
        message: What was found, one sentence.
        advice: What to do about it.
    """

    code: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is not sent.

    Attributes:
        reason: Fixed words, column names and numbers; never a cell's text.
    """

    reason: str

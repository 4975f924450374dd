"""What a person should know about an input before sending, without any cell's text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about columns or a cell that a person should know before sending.

    Attributes:
        code: A fixed word, for machines.
        message: What was found, one sentence.
        advice: What to do about it.
    """

    code: str
    message: str
    advice: str

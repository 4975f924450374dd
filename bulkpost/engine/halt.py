"""Why a run ends before its input does."""

from dataclasses import dataclass

from bulkpost.run import RunEnding


@dataclass(frozen=True, slots=True)
class Halt:
    """A decision to stop.

    Attributes:
        ending: How the run will be recorded.
        reason: Why, one sentence for people.
        advice: What to do next, or empty.
    """

    ending: RunEnding
    reason: str
    advice: str = ""

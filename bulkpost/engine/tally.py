"""What a run has done so far, counted for whoever watches it."""

from collections import Counter
from dataclasses import dataclass, field

from bulkpost.outcome import Outcome, OutcomeKind


@dataclass(slots=True)
class Tally:
    """Counts of one run. Written by the engine, read by progress displays at any moment.

    Attributes:
        rows_todo: Rows that this run has to look at; None while unknown.
        rows_known: Rows looked at that had their ending already, before this run.
        outcomes: Rows by outcome in this run.
        price_micros: Sum of the prices in this run.
        in_flight: Requests under way.
        waiting: Rows waiting for their next attempt.
        retries: Attempts after the first of a row.
        ambiguous: Retries after 502 or 504.
        sent: Requests that left.
        changed: First attempts by field that was sent otherwise than it stood in the row.
        found: First attempts by (field name, code) of what was found in the values.
        held_back: Why nothing goes out right now, in words; empty if it does.
    """

    rows_todo: int | None = None
    rows_known: int = 0
    outcomes: Counter[OutcomeKind] = field(default_factory=Counter)
    price_micros: int = 0
    in_flight: int = 0
    waiting: int = 0
    retries: int = 0
    ambiguous: int = 0
    sent: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    held_back: str = ""

    def ended(self, outcome: Outcome) -> None:
        """Count one row's ending."""
        self.outcomes[outcome.kind] += 1
        self.price_micros += outcome.price_micros or 0

    @property
    def rows_ended(self) -> int:
        """Rows that have an ending in this run."""
        return sum(self.outcomes.values())

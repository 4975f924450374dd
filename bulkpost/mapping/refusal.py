"""Why the mapper refuses a row, without any cell's text."""

from collections.abc import Sequence
from dataclasses import dataclass

from bulkpost.mapping.assignment import trimmed
from bulkpost.row import Row


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is not sent.

    Attributes:
        reason: Fixed words, column names and numbers; never a cell's text.
    """

    reason: str


def defect_of(row: Row, columns: Sequence[str]) -> Refusal | None:
    """Return why a row cannot be read by the header; None if it can."""
    if row.defect is not None:
        return Refusal(row.defect)
    if len(row.cells) != len(columns):
        return Refusal(f"the row has {len(row.cells)} cells and the header {len(columns)}")
    pairs = zip(row.cells, columns, strict=True)
    if row.cells and all(trimmed(cell) == trimmed(column) for cell, column in pairs):
        return Refusal("the row repeats the header: two lists stand one behind the other")
    return None

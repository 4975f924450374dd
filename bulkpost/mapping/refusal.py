"""Why the mapper refuses a row, without any cell's text."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    return None

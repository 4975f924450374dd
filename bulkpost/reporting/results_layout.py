"""What a results file holds, whatever its format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bulkpost.errors import UsageError
from bulkpost.reporting.verdicts import VerdictValue
from bulkpost.reporting.wording import utc_text

ResultsRow = tuple[Sequence[str], Sequence[VerdictValue]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in a file.

    Attributes:
        columns: The original columns.
        verdicts: The columns that say what became of a row.
        is_raw: Leave cells as they are, even those that a spreadsheet takes for formulas.
    """

    columns: tuple[str, ...]
    verdicts: tuple[str, ...]
    is_raw: bool = False


class ResultsWriter(Protocol):
    """Writes results, a batch at a time."""

    def write(self, rows: Iterable[ResultsRow]) -> None:
        """Write rows: the original cells, then what became of them."""
        ...


def plain(value: VerdictValue) -> str | int | None:
    """Return a value for a format that knows text and whole numbers."""
    if isinstance(value, datetime):
        return utc_text(value)
    return str(value) if isinstance(value, Decimal) else value


def distinct(columns: Sequence[str]) -> None:
    """Refuse columns of the same name where a format has a place for one of them only.

    Raises:
        UsageError: Two columns have the same name.
    """
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UsageError(
            f"two columns of the list are called '{twice[0]}', and this format can hold one",
            advice="Choose --format csv or excel.",
        )

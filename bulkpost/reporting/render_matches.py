"""What becomes of the columns of a list, as a terminal and as a program see it."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bulkpost.matching.match import ColumnMatch, Fate
from bulkpost.matching.target import Candidate
from bulkpost.redact import printable

_STYLES: Final = {
    Fate.MAPPED: "green",
    Fate.OWN: "green",
    Fate.UNCERTAIN: "yellow",
    Fate.CONFLICT: "yellow",
    Fate.REPEATED: "yellow",
}
_COLUMNS_SHOWN_MAX: Final = 100


def render_matches(matches: Sequence[ColumnMatch]) -> RenderableType:
    """Return a table of columns, the fields that they feed, and why."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("column", overflow="fold", min_width=12)
    table.add_column("field", overflow="fold", min_width=12)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for match in matches[:_COLUMNS_SHOWN_MAX]:
        table.add_row(
            printable(match.header) or f"(column {match.index + 1})",
            Text(_field(match), _STYLES.get(match.fate, "")),
            f"{match.confidence:.0%}" if match.confidence else "",
            _why(match),
        )
    hidden = len(matches) - _COLUMNS_SHOWN_MAX
    return Group(table, Text(f"and {hidden} more columns")) if hidden > 0 else table


def matches_document(matches: Sequence[ColumnMatch]) -> list[dict[str, Any]]:
    """Return the columns as JSON values."""
    return [
        {
            "column": match.header,
            "fate": match.fate.value,
            "field": match.field or None,
            "confidence": match.confidence,
            "why": match.why or None,
            "ssn": match.is_ssn,
            "ssn_why": match.ssn_why or None,
            "candidates": [_candidate(one) for one in match.candidates],
        }
        for match in matches
    ]


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "field": candidate.field,
        "type": candidate.type.value,
        "confidence": candidate.confidence,
        "why": candidate.why,
    }


def _field(match: ColumnMatch) -> str:
    if match.fate is Fate.UNCERTAIN:
        return "? " + ", ".join(printable(one.field) for one in match.candidates)
    return printable(match.field) or f"({match.fate.value})"


def _why(match: ColumnMatch) -> str:
    why = match.why or (match.candidates[0].why if match.candidates else "")
    return printable(f"{why}; SSN: {match.ssn_why}" if match.is_ssn else why)

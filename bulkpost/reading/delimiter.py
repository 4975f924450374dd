"""Which character stands between the cells: found from the header and the first rows."""

import csv
from collections.abc import Sequence

DELIMITERS = (",", ";", "\t", "|")
_RECORDS_MAX = 200


def stated_delimiter(first_line: str) -> str:
    """Return the delimiter that Excel's ``sep=;`` line states, or empty if it is no such line."""
    text = first_line.rstrip("\r\n").strip('"')
    return text[4] if len(text) == 5 and text.lower().startswith("sep=") else ""


def likely_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that makes the most rows as wide as the header; a comma if none does.

    Args:
        lines: The first lines of the text, the header first, each with its end.
    """
    scored = [(_score(lines, delimiter), delimiter) for delimiter in DELIMITERS]
    best = max(score for score, _ in scored)
    return next(delimiter for score, delimiter in scored if score == best)


def _score(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths: list[int] = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if cells:
                widths.append(len(cells))
            if len(widths) == _RECORDS_MAX:
                break
    except csv.Error:
        pass
    if not widths or widths[0] == 1:
        return 0.0, 0
    rows = widths[1:]
    agreeing = sum(width == widths[0] for width in rows) / len(rows) if rows else 1.0
    # A header of several columns counts even if no row agrees: all rows are then refused by name.
    return 1.0 + agreeing, widths[0]

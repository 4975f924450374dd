"""Cells that a spreadsheet would take for formulas, made plain text. Pure.

Reference: OWASP, "CSV Injection". A lead's name ``=HYPERLINK(...)`` would otherwise run on the
machine of whoever opens the results. Telephone numbers like ``+15125550101`` are cells like that,
too: ``--raw`` leaves everything as it is, for programs that read the file.
"""

from typing import Final

TRIGGERS: Final = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet evaluates: with an apostrophe before a trigger."""
    return f"'{cell}" if cell.startswith(TRIGGERS) else cell

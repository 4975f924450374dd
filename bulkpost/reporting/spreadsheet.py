"""Cells that a spreadsheet would take for formulas, made plain text. Pure.

Reference: OWASP, "CSV Injection", and ASVS 1.2.10. A lead's name ``=HYPERLINK(...)`` would
otherwise run on the machine of whoever opens the results. Telephone numbers like ``+15125550101``
are cells like that, too: ``--raw`` leaves everything as it is, for programs that read the file.
"""

from typing import Final

# Some programs read the wide forms of the East Asian keyboards (U+FF1D and its like) as well.
TRIGGERS: Final = (
    *("=", "+", "-", "@", "\t", "\r", "\n", "\0"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),
)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet evaluates: with an apostrophe before a trigger."""
    return f"'{cell}" if cell.startswith(TRIGGERS) else cell

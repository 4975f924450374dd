"""Cells that a spreadsheet would take for formulas, made plain text, and back. Pure.

Reference: OWASP, "CSV Injection", and ASVS 1.2.10. A lead's name ``=HYPERLINK(...)`` would
otherwise run on the machine of whoever opens the results. Telephone numbers like ``+15125550101``
are cells like that, too: ``--raw`` leaves everything as it is, for programs that read the file.

Rule: ``original(harmless(cell)) == cell`` for every cell, so that a lead whose row went through a
spreadsheet is the same lead afterwards.
"""

from typing import Final

# Some programs read the wide forms of the East Asian keyboards (U+FF1D and its like) as well.
TRIGGERS: Final = (
    *("=", "+", "-", "@", "\t", "\r", "\n", "\0"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),
)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet evaluates: with an apostrophe before a trigger.

    A cell that has apostrophes there already gets one more, or they could not be told from ours.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(TRIGGERS) else cell


def original(cell: str) -> str:
    """Return the cell of which ``harmless`` made this one; any other cell as it is."""
    is_ours = cell.startswith("'") and cell.lstrip("'").startswith(TRIGGERS)
    return cell[1:] if is_ours else cell

"""What tables on a terminal are made of. Texts from outside pass ``printable`` here."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from bulkpost.outcome import OutcomeKind
from bulkpost.redact import printable

OUTCOME_STYLES: Final = {
    OutcomeKind.SUCCESS: "green",
    OutcomeKind.FAILURE: "yellow",
    OutcomeKind.ERROR: "red",
    OutcomeKind.IN_DOUBT: "bold magenta",
    OutcomeKind.HTTP_ERROR: "red",
    OutcomeKind.DEFERRED: "cyan",
    OutcomeKind.INVALID: "yellow",
    OutcomeKind.DUPLICATE: "blue",
    OutcomeKind.CONFLICT: "yellow",
}
ENDING_STYLES: Final = {"finished": "green", "died": "bold red", "running": "cyan"}


def table_of(*headers: str, right: Iterable[int] = ()) -> Table:
    """Return an empty table without lines; the last column takes what is left and folds.

    Args:
        headers: Of its columns.
        right: Columns of numbers, by their places: they are set to the right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for index, header in enumerate(headers):
        is_last = index == len(headers) - 1
        table.add_column(header, overflow="fold", no_wrap=not is_last)
    for index in right:
        table.columns[index].justify = "right"
    return table


def pairs_of(pairs: Iterable[tuple[str, Text]]) -> Table:
    """Return names and what stands behind them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in pairs:
        table.add_row(name, text)
    return table


def plain(text: str, style: str = "") -> Text:
    """Return a text as it may be shown, folded where it is too long."""
    return Text(printable(text), style, overflow="fold")


def lines_of(texts: Sequence[str]) -> Text:
    """Return texts as lines of one cell."""
    return Text("\n".join(printable(text) for text in texts), overflow="fold")

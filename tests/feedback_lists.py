"""What the tests of feedback share: lists of it, orders to send it, a server that takes it.

The event of row 17 is ``event_id_of(17)``; the server knows rows by their events.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from faultserver import ReceivedRequest
from submitting import Answerer, an_order, table

from bulkpost.app.order import Order
from bulkpost.destination import Kind

HEADER: Final = ("event_id", "type", "reason")


def event_id_of(row: int) -> str:
    return f"5af{row:021x}"


def feedback_list(
    folder: Path,
    rows: int | Iterable[Sequence[object]],
    name: str = "feedback.csv",
    header: Sequence[str] = HEADER,
) -> Path:
    """Write a list of returns, or of (row whose event it is, type, reason), and return it."""
    if isinstance(rows, int):
        rows = [(row, "return", f"Reason {row}") for row in range(1, rows + 1)]
    cells = [
        [event_id_of(first) if isinstance(first, int) else str(first), *map(str, more)]
        for first, *more in rows
    ]
    return table(folder / name, header, cells)


def feedback_order(origin: str, *inputs: Path | str, ledger: Path, **changes: Any) -> Order:
    """Return an order to send feedback to a server. Changes name settings, as for leads."""
    order = an_order(
        origin, *inputs, ledger=ledger, **{"feedback__url": f"{origin}/feedback", **changes}
    )
    return replace(order, kind=Kind.FEEDBACK, command="feedback")


class EventAnswerer(Answerer):
    """Answers the feedback about each row's event by its plan."""

    def row_of(self, request: ReceivedRequest) -> int:
        """Return the row whose event the URL names."""
        (event_id,) = parse_qs(request.path.partition("?")[2])["event_id"]
        return int(event_id[3:], 16)

    @property
    def said(self) -> list[tuple[int, str]]:
        """(row, body) of each request, in the order of the rows."""
        return sorted((entry.row, entry.request.body.decode()) for entry in self.seen)

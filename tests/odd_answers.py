"""What the tests of odd answers share: one row of a list is answered oddly, all others well."""

import json
from pathlib import Path
from typing import Any, Final

from faultserver import fault_server
from submitting import (
    Answerer,
    Doing,
    a_list,
    all_of,
    an_order,
    endings,
    lead_id_of,
    row_in,
    submitted,
)

from bulkpost.reporting.status import ExitStatus

HEAD: Final = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
HTML: Final = (("Content-Type", "text/html"),)
ID: Final = lead_id_of(3)
SUCCESS: Final = json.dumps({"outcome": "success", "lead": {"id": ID}}).encode()
ONCE: Final = dict.fromkeys(range(1, 7), 1)


async def third_row(
    doing: Doing, folder: Path, *, rows: int = 6, **changes: Any
) -> tuple[ExitStatus, dict[int, str], dict[int, int]]:
    """Let one row of a list be answered oddly, twice over; return how it and the others fared."""
    leads, ledger, answerer = a_list(folder, rows), folder / "l.db", Answerer({3: [doing]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, **changes)
        await submitted(order)
        again = await submitted(order)
    return again.exit_status, endings(ledger), answerer.counts


def created(body: bytes, length: int | None = None) -> bytes:
    """Return a 201 whose Content-Length may lie."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


async def held(doing: Doing, folder: Path, lead_id: str | None, words: str, **changes: Any) -> None:
    """Expect one row in doubt with what could be saved; the others succeed, nothing goes twice."""
    fared = await third_row(doing, folder, **changes)

    assert (ExitStatus.IN_DOUBT, all_of(6, _3="in_doubt"), ONCE) == fared
    reason, salvaged = row_in(folder / "l.db", 3, "reason, nullif(lead_id, '')")
    assert (lead_id, words) == (salvaged, words if words in reason else reason)


async def accepted(doing: Doing, folder: Path) -> None:
    """Expect every row to be taken, once, with the answer's lead id."""
    assert (ExitStatus.DONE, all_of(6), ONCE) == await third_row(doing, folder)
    assert (ID,) == row_in(folder / "l.db", 3, "lead_id")

"""What the end-to-end tests of faulty lists share: submit some bytes, and see what arrived."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faultserver import fault_server
from submitting import Answerer, an_order, asked, submitted

from bulkpost.app.order import SubmitResult
from bulkpost.errors import UsageError
from bulkpost.reporting.status import ExitStatus

# Row number, line of the file, why it is invalid.
Invalid = list[tuple[int, int, str]]


@dataclass(frozen=True)
class Arrived:
    """What came of one submission.

    Attributes:
        result: As the command saw it.
        leads: The fields of each request by its field ``row``, without that one.
        rows: The rows in the order in which they came.
        invalid: What the ledger holds of invalid rows.
    """

    result: SubmitResult
    leads: dict[int, dict[str, str]]
    rows: list[int]
    invalid: Invalid


async def arrived(
    folder: Path, content: bytes, name: str = "leads.csv", kept_in: str = "l.db", **changes: Any
) -> Arrived:
    """Submit bytes as a list, each of whose leads names its row, to a server that counts."""
    leads, ledger, answerer = folder / name, folder / kept_in, Answerer()
    leads.write_bytes(content)
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger, **changes))
    fields = {seen.row: dict(seen.fields[1:]) for seen in answerer.seen}
    assert len(fields) == len(answerer.seen)
    invalid = asked(
        ledger, "SELECT row, line, reason FROM rows WHERE outcome = 'invalid' ORDER BY row"
    )
    return Arrived(result, fields, sorted(answerer.rows), invalid)


async def refused(
    folder: Path, content: bytes, name: str = "leads.csv", **changes: Any
) -> UsageError:
    """Submit bytes that are refused as a whole: status 2, advice, and no request at all."""
    leads, answerer = folder / name, Answerer()
    leads.write_bytes(content)
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=folder / "l.db", **changes)
        with pytest.raises(UsageError) as caught:
            await submitted(order)
    assert (2, 0) == (caught.value.exit_status, server.connections)
    assert caught.value.advice
    return caught.value


async def check_verbatim(folder: Path, cells: dict[str, str]) -> None:
    """Submit one row of cells in quotes, and find the same text at the server."""
    header = ",".join(["row", *cells])
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells.values())
    seen = await arrived(folder, f"{header}\n1,{quoted}\n".encode())

    assert ExitStatus.DONE is seen.result.exit_status
    assert {1: cells} == seen.leads

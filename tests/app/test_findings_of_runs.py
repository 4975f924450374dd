"""What is found in the values of leads that are sent is counted, and kept with the run."""

from pathlib import Path
from typing import Any

import anyio
from faultserver import fault_server
from submitting import (
    Answerer,
    Recorder,
    an_order,
    asked,
    endings,
    refusal,
    submitted,
    table,
    taken,
)

from bulkpost.app import commands
from bulkpost.ledger.reader import open_reader
from bulkpost.reporting.summary import summarise

HEADER = ["row", "email", "postal_code"]
ROWS = [
    ["1", "a@gmail.con", "78751"],
    ["2", "b@gmail.con", "1234"],
    ["3", "n/a", "78751"],
    ["4", "c@company.test", "78751-"],
    ["5", "", "n/a"],
]


async def found_in(folder: Path, answers: Answerer | None = None, **changes: Any) -> dict[Any, int]:
    """Submit the list; return leads by (field, code) as the ledger has them."""
    ledger = folder / "l.db"
    async with fault_server((answers or Answerer()).script) as server:
        await submitted(an_order(server.url, a_list(folder), ledger=ledger, **changes))
    rows = asked(ledger, "SELECT field, code, leads FROM finding")
    return {(field, code): leads for field, code, leads in rows}


def a_list(folder: Path) -> Path:
    return table(folder / "leads.csv", HEADER, ROWS)


async def test_a_run_keeps_what_check_finds(tmp_path: Path) -> None:
    """Field by field and code by code the same numbers that ``check`` shows, and no value."""
    found = await found_in(tmp_path)
    async with fault_server(Answerer().script) as server:
        order = an_order(server.url, a_list(tmp_path), ledger=tmp_path / "none.db")
        with anyio.fail_after(30):
            preview = await commands.check(order, Recorder())
    counted = {
        (entry.column.field, count.finding.code): count.values
        for entry in preview.values[0].columns
        for count in entry.findings
    }

    assert counted == found
    assert 2 == found["email", "email_domain_mistyped"]
    held = (tmp_path / "l.db").read_bytes()
    assert not any(text.encode() in held for row in ROWS for text in row if "@" in text)


async def test_the_summary_shows_the_commonest_first(tmp_path: Path) -> None:
    """In the run's numbers and its JSON; another run of the list, which sends nothing, has none."""
    ledger = tmp_path / "l.db"
    async with fault_server(Answerer().script) as server:
        order = an_order(server.url, a_list(tmp_path), ledger=ledger)
        await submitted(order)
        await submitted(order)
    async with open_reader(ledger) as reader:
        first, second = await summarise(reader, 1), await summarise(reader, 2)
    commonest = first.findings[0]

    assert {"field": "email", "code": "email_domain_mistyped", "leads": 2} == first.to_dict()[
        "findings"
    ][0]
    assert "mistyped" in commonest.message
    assert () == second.findings


async def test_a_lead_that_is_sent_again_counts_once(tmp_path: Path) -> None:
    """Its second attempt brings the same values."""
    once = await found_in(tmp_path, Answerer({1: [refusal(503), refusal(502), taken(1, 3)]}))

    assert 2 == once["email", "email_domain_mistyped"]


async def test_a_refused_row_counts_nowhere(tmp_path: Path) -> None:
    """Only what is sent is counted; why a row was refused is its reason."""
    found = await found_in(tmp_path, check__refuse=("email_domain_mistyped",))

    assert ("email", "email_domain_mistyped") not in found
    assert found
    assert "invalid" == endings(tmp_path / "l.db")[1]


async def test_without_count_no_value_is_read(tmp_path: Path) -> None:
    """``[check] count = false`` spares the time."""
    assert {} == await found_in(tmp_path, check__count=False)

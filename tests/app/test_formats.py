"""A list in each format, from the file to what the sandbox understood of it."""

import json
from pathlib import Path

import aiohttp
import pytest
from submitting import a_list, an_order, asked, submitted, table

from bulkpost.lead import LeadFormat
from bulkpost.reporting.status import ExitStatus
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import serve
from bulkpost.sandbox.settings import SandboxSettings

ROWS = [["1", "Zoë & <Co>", 'say "hi"'], ["2", "a+b%20c", "  two\r\nlines\t"], ["3", "007", ""]]


@pytest.mark.parametrize("accept", ["json", "xml"])
@pytest.mark.parametrize("lead_format", LeadFormat)
async def test_every_format_carries_the_same_lead(
    tmp_path: Path, lead_format: LeadFormat, accept: str
) -> None:
    """What LeadConduit's parser makes of it is what stood in the cells; the answer is read."""
    path = table(tmp_path / "leads.csv", ["row", "first_name", "comments"], ROWS)
    async with serve(Sandbox(SandboxSettings(price=1.5))) as address:
        changes = {"endpoint.format": lead_format, "endpoint.accept": accept}
        result = await submitted(
            an_order(address.origin, path, ledger=tmp_path / "l.db", **changes)
        )
        async with aiohttp.ClientSession() as session, session.get(address.leads_url) as reply:
            leads = json.loads(await reply.read())["leads"]

    assert ExitStatus.DONE is result.exit_status
    expected = [
        {"row": row, "first_name": name} | ({"comments": comments} if comments else {})
        for row, name, comments in ROWS
    ]
    assert expected == sorted((lead["fields"] for lead in leads), key=lambda lead: lead["row"])
    ids = {lead["fields"]["row"]: lead["id"] for lead in leads}
    assert ids == dict(asked(tmp_path / "l.db", "SELECT cast(row AS TEXT), lead_id FROM rows"))


async def test_a_list_goes_on_in_another_format(tmp_path: Path) -> None:
    """The format is no part of who a row is: what was sent as a form is not sent as JSON."""
    path = a_list(tmp_path, 3)
    async with serve(Sandbox(SandboxSettings())) as address:
        for lead_format in LeadFormat:
            changes = {"endpoint.format": lead_format}
            await submitted(an_order(address.origin, path, ledger=tmp_path / "l.db", **changes))
        async with aiohttp.ClientSession() as session, session.get(address.leads_url) as reply:
            leads = json.loads(await reply.read())["leads"]

    assert 3 == len(leads)

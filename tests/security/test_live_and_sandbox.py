"""Leads reach LeadConduit on purpose only, and the sandbox is reached from this machine only."""

import json
from pathlib import Path

import aiohttp
import click
import pytest
from faultserver import fault_server
from ledgers import opened
from submitting import Answerer, Recorder, a_list, an_order, path_of, submitted

from bulkpost.app import commands
from bulkpost.app.leads import LEADS
from bulkpost.app.order import Order, Preview
from bulkpost.app.place import destination_for
from bulkpost.cli.sandbox import sandbox as sandbox_command
from bulkpost.config import Settings
from bulkpost.errors import ConfigError, LedgerError
from bulkpost.ledger.registry import Registry
from bulkpost.sandbox.records import EVENTS_PATH, SEARCH_PATH
from bulkpost.sandbox.routes import FEEDBACK_LIST_PATH, LEADS_PATH, REQUESTS_PATH, STATS_PATH
from bulkpost.sandbox.server import HOST

# A name that exists nowhere: a test that goes wrong sends nothing.
_LIVE = "https://leads.invalid" + path_of()


def live(leads: Path, ledger: Path) -> Order:
    return an_order("", leads, ledger=ledger, url=_LIVE, allowed_hosts=["leads.invalid"])


async def test_t22_a_sandbox_ledger_is_refused_for_live_leads_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    """What was tried out is no record of what was paid."""
    leads = a_list(tmp_path, 2)
    async with opened(tmp_path / "sandbox.db"):
        pass
    with pytest.raises(LedgerError, match="this is a sandbox ledger"):
        await submitted(live(leads, tmp_path / "sandbox.db"))

    await submitted(live(leads, tmp_path / "live.db"), Recorder(answer=False))
    async with fault_server(Answerer().script) as server:
        with pytest.raises(LedgerError, match="this is a live ledger"):
            await submitted(an_order(server.url, leads, ledger=tmp_path / "live.db"))
    assert [] == server.requests


async def test_t22_an_address_that_is_not_leadconduits_takes_no_live_leads(tmp_path: Path) -> None:
    """A mistyped host is refused before a ledger is made or a name is looked up."""
    order = an_order("", a_list(tmp_path, 2), ledger=tmp_path / "l.db", url=_LIVE)
    for command in (commands.submit, commands.check):
        with pytest.raises(ConfigError, match="not one of LeadConduit's hosts"):
            await command(order, Recorder())

    assert not (tmp_path / "l.db").exists()


async def test_t22_without_an_address_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    """There is no default flow, and no default that costs money."""
    order = Order((str(a_list(tmp_path, 1)),), Settings(ledger=str(tmp_path / "l.db")))
    with pytest.raises(ConfigError, match="nothing says where the leads go"):
        await commands.submit(order, Recorder())


def test_t21_the_sandbox_has_no_option_to_listen_elsewhere() -> None:
    """It binds 127.0.0.1; neither a flag nor a setting says otherwise."""
    names = {
        word
        for option in sandbox_command.params
        if isinstance(option, click.Option)
        for word in option.opts
    }

    assert "127.0.0.1" == HOST
    assert not names & {"--host", "--bind", "--listen", "--address", "--public"}


class _Hesitant(Recorder):
    """Somebody who is asked, and answers once another ledger was there first."""

    other: Path

    async def approves(self, preview: Preview) -> bool:
        Registry().remember(preview.destination.name, self.other)
        return True


async def test_p9_of_two_new_ledgers_only_one_goes_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two operators with a new ledger each, asked at the same time: the second to go is refused."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    asked = _Hesitant(answer=True)
    asked.other = tmp_path / "other.db"
    with pytest.raises(LedgerError, match="would submit it again"):
        await submitted(live(a_list(tmp_path, 2), tmp_path / "l.db"), asked)


async def test_t21_the_sandbox_of_a_command_shows_nobody_what_it_took(tmp_path: Path) -> None:
    """Real leads may be tried out there, and every user of the machine can reach its port."""
    order = Order((str(a_list(tmp_path, 1)),), Settings(), is_sandbox=True)
    pages = [LEADS_PATH, FEEDBACK_LIST_PATH, REQUESTS_PATH, EVENTS_PATH]
    asked_for = [*pages, f"{EVENTS_PATH}?limit=9", f"{SEARCH_PATH}?query=ada", STATS_PATH, "/"]
    told = b""
    async with (
        destination_for(LEADS, order, Recorder()) as destination,
        aiohttp.ClientSession() as session,
    ):
        lead = {"first_name": "Ada", "email": "ada@example.net", "ssn": "219-09-9901"}
        async with session.post(destination.url, data=lead) as reply:
            assert 201 == reply.status
            lead_id = json.loads(await reply.read())["lead"]["id"]
        for page in asked_for:
            async with session.get(f"{destination.origin}{page}") as reply:
                told += await reply.read()

    assert b'"taken":1' in told
    assert not [word for word in (*lead.values(), lead_id) if word.encode() in told]

"""The sandbox as a server: what it takes, what it shows, whom it answers."""

import asyncio
import json
import re
import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import anyio
import anyio.lowlevel
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.errors import ConfigError, UsageError
from bulkpost.sandbox.form import parse_form, parse_query
from bulkpost.sandbox.run import options_over
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import Address, serve
from bulkpost.sandbox.settings import SandboxSettings, load_settings
from bulkpost.sandbox.store import TakenLead
from bulkpost.sandbox.xml_body import parse_xml

FLOW_ID = "5f00000000000000000000a1"
SOURCE_ID = "5f00000000000000000000b2"
LEAD = {"first_name": "Ada", "loan.amount": "250000"}


async def _post(url: str, **fields: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.post(url, data=LEAD | fields) as reply:
        answer: dict[str, Any] = json.loads(await reply.read())
        return {"status": reply.status} | answer


async def _get(url: str, **headers: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as reply:
        return reply.status, await reply.read()


async def test_a_lead_taken_is_shown_as_parsed() -> None:
    """``/sandbox/leads`` shows the nested lead, its outcome and where it was posted."""
    sandbox = Sandbox(SandboxSettings(price=1.5))

    async with serve(sandbox) as address:
        reply = await _post(address.submit_url(FLOW_ID, SOURCE_ID))
        _, body = await _get(address.leads_url)

    (lead,) = json.loads(body)["leads"]
    assert {"status": 201, "outcome": "success", "lead": {"id": lead["id"]}, "price": 1.5} == reply
    assert {"first_name": "Ada", "loan": {"amount": "250000"}} == lead["fields"]
    assert ("success", FLOW_ID, SOURCE_ID, None) == (
        lead["outcome"],
        lead["flow_id"],
        lead["source_id"],
        lead["fault"],
    )
    assert re.fullmatch("[0-9a-f]{24}", lead["id"])


async def test_a_get_takes_a_lead_from_the_query() -> None:
    """GET submits too; its names are not unfolded."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        status, _ = await _get(address.submit_url() + "?loan.amount=5")

    assert 201 == status
    assert [{"loan.amount": "5"}] == [lead.fields for lead in sandbox.leads]


async def test_the_same_lead_again_is_a_duplicate_that_is_taken_and_shown() -> None:
    """A repeat fails as ``duplicate``, costs nothing, and stands in the list as a second entry."""
    sandbox = Sandbox(SandboxSettings(price=1))

    async with serve(sandbox) as address:
        await _post(address.submit_url(), reference="row-1")
        reply = await _post(address.submit_url(), reference="row-2")

    assert ("failure", "duplicate", 0) == (reply["outcome"], reply["reason"], reply["price"])
    assert ["success", "failure"] == [lead.outcome for lead in sandbox.leads]
    assert {"success": 1, "failure": 1} == dict(sandbox.stats.outcomes)


@pytest.mark.parametrize(
    ("settings", "second_flow"),
    [(SandboxSettings(duplicates=False), FLOW_ID), (SandboxSettings(), SOURCE_ID)],
    ids=["switched-off", "another-flow"],
)
async def test_a_repeat_succeeds(settings: SandboxSettings, second_flow: str) -> None:
    """With detection off, or in another flow, the same lead is a success again."""
    async with serve(Sandbox(settings)) as address:
        await _post(address.submit_url(FLOW_ID))
        reply = await _post(address.submit_url(second_flow))

    assert "success" == reply["outcome"]


async def test_a_lead_that_a_fault_kept_out_is_no_duplicate_later() -> None:
    """Only leads taken count: after a 503 the same lead is a success."""
    async with serve(Sandbox()) as address:
        outcomes = []
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                data = LEAD | {"sandbox_fault": "503x1"}
                async with session.post(address.submit_url(), data=data) as reply:
                    outcomes.append((reply.status, b"success" in await reply.read()))

    assert [(503, False), (201, True)] == outcomes


async def test_an_ordered_outcome_is_answered() -> None:
    """``sandbox_outcome`` sets outcome and reason and is not part of the lead."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        reply = await _post(address.submit_url(), sandbox_outcome="error:no such: flow")

    assert ("error", "no such: flow") == (reply["outcome"], reply["reason"])
    assert ["first_name", "loan"] == sorted(sandbox.leads[0].fields)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/submit",
        f"/flows/{FLOW_ID}/sources/{SOURCE_ID}",
        f"/flows/{FLOW_ID[:-1]}/sources/{SOURCE_ID}/submit",
        f"/flows/{FLOW_ID}/sources/{SOURCE_ID[:-1]}g/submit",
        f"/flows/{FLOW_ID}/sources/{SOURCE_ID}/submit/",
    ],
)
async def test_other_paths_are_not_found(path: str) -> None:
    """Ids are exactly 24 hex digits."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        status, _ = await _get(address.origin + path)

    assert 404 == status
    assert () == sandbox.leads


async def test_a_given_flow_and_source_exclude_the_others() -> None:
    """With ``flow_id`` and ``source_id`` set, only they are served, and they are the default."""
    sandbox = Sandbox(SandboxSettings(flow_id=FLOW_ID, source_id=SOURCE_ID))

    async with serve(sandbox) as address:
        own, _ = await _get(address.submit_url())
        other_flow, _ = await _get(address.submit_url(flow_id=SOURCE_ID))
        other_source, _ = await _get(address.submit_url(source_id=FLOW_ID))

    assert (201, 404, 404) == (own, other_flow, other_source)
    assert [True, False, False] == [request.taken for request in sandbox.requests]


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example:80", "10.0.0.7", ""]
)
async def test_t21_a_host_that_is_not_loopback_is_refused(host: str) -> None:
    """A page that rebinds its name to 127.0.0.1 reads nothing and posts nothing."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        statuses = [
            (await _get(url, Host=host))[0]
            for url in (address.submit_url(), address.leads_url, address.stats_url)
        ]

    assert [403, 403, 403] == statuses
    assert 0 == sandbox.stats.requests


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8765"])
async def test_t21_loopback_names_are_answered(host: str) -> None:
    """Each name of this machine's loopback, with any port, is served."""
    async with serve(Sandbox()) as address:
        status, _ = await _get(address.stats_url, Host=host)

    assert 200 == status


async def test_t21_no_other_address_of_the_machine_is_bound() -> None:
    """Connecting by another address than 127.0.0.1 is refused, even within loopback."""
    async with serve(Sandbox()) as address:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", address.port)


async def test_t21_no_answer_allows_another_origin() -> None:
    """There is no CORS header, on a page or on a preflight."""
    async with serve(Sandbox()) as address, aiohttp.ClientSession() as session:
        names: set[str] = set()
        for method, url in (("GET", address.leads_url), ("OPTIONS", address.submit_url())):
            headers = {"Origin": "https://attacker.example", "Access-Control-Request-Method": "GET"}
            async with session.request(method, url, headers=headers) as reply:
                names |= {name.lower() for name in reply.headers}

    assert not [name for name in names if name.startswith("access-control")]


async def test_a_busy_port_is_a_usage_error() -> None:
    """The message says which port, the advice what to do."""
    async with serve(Sandbox()) as address:
        with pytest.raises(UsageError, match=str(address.port)):
            async with serve(Sandbox(), port=address.port):
                pass


async def test_a_hundred_thousand_leads_are_listed() -> None:
    """The list streams, oldest first, and is valid JSON at any length."""
    sandbox = Sandbox()
    for number in range(100_001):
        _take(sandbox, number)

    async with serve(sandbox) as address:
        _, body = await _get(address.leads_url)

    leads = json.loads(body)["leads"]
    assert list(range(100_001)) == [lead["fields"]["n"] for lead in leads]


def _take(sandbox: Sandbox, number: int) -> None:
    store = sandbox._store  # noqa: SLF001  # 100,000 requests would be slow
    lead_id = store.next_lead_id()
    store.take(
        TakenLead(lead_id, {"n": number}, "success", None, 0, FLOW_ID, SOURCE_ID, "", None, number)
    )


async def test_only_the_newest_leads_are_kept() -> None:
    """``keep_max`` bounds the lists; the counts go on, and forgotten leads are no duplicates."""
    sandbox = Sandbox(SandboxSettings(keep_max=2))

    async with serve(sandbox) as address:
        for name in ("a", "b", "c", "a"):
            await _post(address.submit_url(), first_name=name)

    assert ["c", "a"] == [lead.fields["first_name"] for lead in sandbox.leads]
    assert 2 == len(sandbox.requests)
    assert (4, 4) == (sandbox.stats.requests, sandbox.stats.outcomes["success"])


async def test_lead_ids_repeat_with_the_seed_and_are_unique() -> None:
    """The same seed gives the same ids; another seed gives others."""

    async def ids(seed: int) -> list[str]:
        sandbox = Sandbox(SandboxSettings(seed=seed))
        async with serve(sandbox) as address:
            for _ in range(3):
                await _post(address.submit_url())
        return [lead.id for lead in sandbox.leads]

    first, again, other = await ids(1), await ids(1), await ids(2)

    assert first == again
    assert 6 == len({*first, *other})
    assert sorted(first) == first


async def test_the_log_holds_a_lead_before_its_fault(tmp_path: Path) -> None:
    """A lead whose answer never comes is on the private log file while the request still hangs."""
    path = tmp_path / "taken.jsonl"
    sandbox = Sandbox(log_path=path)

    async with serve(sandbox) as address, anyio.create_task_group() as tasks:
        tasks.start_soon(_post_hanging, address)
        while not sandbox.requests:  # there is no event to wait for
            await anyio.lowlevel.checkpoint()
        line = path.read_bytes()
        tasks.cancel_scope.cancel()

    assert sandbox.leads == (msgspec.json.decode(line, type=TakenLead),)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


async def _post_hanging(address: Address) -> None:
    await _post(address.submit_url(), sandbox_fault="hang_after")


async def test_a_log_that_cannot_be_written_takes_no_lead() -> None:
    """On a full disk the lead is answered 500 and is not taken: the log stays the judge."""
    sandbox = Sandbox(log_path=Path("/dev/full"))

    async with serve(sandbox) as address:
        status, _ = await _get(address.submit_url() + "?a=1")

    assert 500 == status
    assert (0, ()) == (sandbox.stats.taken, sandbox.leads)
    assert [(False, 500)] == [(request.taken, request.status) for request in sandbox.requests]


async def test_a_body_above_the_limit_is_refused() -> None:
    """A longer body is 413 and takes no lead."""
    sandbox = Sandbox(SandboxSettings(body_bytes_max=100))

    async with (
        serve(sandbox) as address,
        aiohttp.ClientSession() as session,
        session.post(address.submit_url(), data={"a": "x" * 200}) as reply,
    ):
        await reply.read()

    assert 413 == reply.status
    assert [(False, 413)] == [(request.taken, request.status) for request in sandbox.requests]


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_lead_nested_without_end_is_refused(kind: str) -> None:
    """Depth ends in a 400, not in a crash."""
    body = {
        "application/json": b'{"a":' * 100_000,
        "application/x-www-form-urlencoded": b"a." * 100_000 + b"a=1",
    }[kind]
    sandbox = Sandbox()

    async with serve(sandbox) as address, aiohttp.ClientSession() as session:
        headers = {"Content-Type": kind}
        async with session.post(address.submit_url(), data=body, headers=headers) as reply:
            status = reply.status

    assert 400 == status
    assert () == sandbox.leads


async def test_a_client_that_leaves_in_its_upload_leaves_no_lead() -> None:
    """Half a body takes nothing, and the sandbox goes on."""
    sandbox = Sandbox()

    async with serve(sandbox) as address:
        with socket.create_connection(("127.0.0.1", address.port)) as client:
            path = address.submit_url().removeprefix(address.origin)
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\na=1".encode()
            )
        reply = await _post(address.submit_url())

    assert "success" == reply["outcome"]
    assert 1 == len(sandbox.leads)


def test_personal_data_is_not_in_a_repr() -> None:
    """A lead printed by accident shows no field."""
    lead = TakenLead("id", {"ssn": "078-05-1120"}, "failure", "078-05-1120", 0, "", "", "", None, 1)

    assert "078-05-1120" not in repr(lead)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("company.name=B&company=A&company.address.city=C", {"company": "A"}),
        ("vehicle.1.make=Audi", {"vehicle": [None, {"make": "Audi"}]}),
        ("loan.=1", {"loan": ["1"]}),
        ("phones[]=1&phones[]=2", {"phones[]": ["1", "2"]}),
        ("a&b=", {"a": "", "b": ""}),
        ("&&x=1&", {"x": "1"}),
        ("__proto__.x=1&constructor.prototype.y=2&z=3", {"z": "3"}),
        ("a.99999999999=1", {"a": []}),
        (" first_name=A", {" first_name": "A"}),
    ],
)
def test_a_form_is_read_as_documented(text: str, lead: dict[str, Any]) -> None:
    """The rules of the form format that no observed row shows."""
    assert lead == parse_form(text)


def test_an_empty_first_value_of_a_query_is_overwritten() -> None:
    """Repeated query names make an array, but an empty first value gives way."""
    assert {"a": "2", "b": ["1", "2"]} == parse_query("a=&a=2&b=1&b=2")


@given(
    st.dictionaries(
        st.text(
            st.characters(exclude_characters=".", exclude_categories=["Cs"]), min_size=1
        ).filter(
            lambda name: name.strip() and not name.strip().isdecimal() and name != "__proto__"
        ),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_plain_names_and_any_values_survive_a_form(lead: dict[str, str]) -> None:
    """What is form-encoded comes out as it was, whatever characters it holds."""
    assert lead == parse_form(urlencode(lead))


@given(st.text(st.sampled_from("<>/a=\"' &;#x1!-[]CDAT?\n"), max_size=60))
def test_any_text_is_a_lead_or_a_complaint(text: str) -> None:
    """No XML text makes the reader fail otherwise or run without end."""
    try:
        value = parse_xml(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017  # not every text raises
    else:
        assert isinstance(value, str | dict)


def test_an_entity_of_a_document_type_is_unknown() -> None:
    """No entity can grow a document: only XML's own five are known."""
    with pytest.raises(ValueError, match="Invalid character entity"):
        parse_xml('<!DOCTYPE l [<!ENTITY a "aaaa">]><l><c>&a;</c></l>')


def test_settings_come_from_toml_and_options_win(tmp_path: Path) -> None:
    """A file sets, an option given beside it wins."""
    path = tmp_path / "sandbox.toml"
    path.write_text('price = 2\nlatency_s = 1\n[[faults]]\nkind = "503"\nshare = 0.1\n')

    settings = options_over(path, {"price": 3.0, "rules": (), "latency": "200ms", "jitter": None})

    assert load_settings(path).faults == settings.faults
    assert (3.0, 0.2, 0.1) == (settings.price, settings.latency_s, settings.faults[0].share)


@pytest.mark.parametrize(
    "text", ["prise = 2", '[[faults]]\nkind = "nonsense"', "price = [", 'flow_id = "12"']
)
def test_a_wrong_toml_file_is_a_config_error(text: str, tmp_path: Path) -> None:
    """Unknown settings, unknown faults, broken TOML and bad ids are told with the file's name."""
    path = tmp_path / "sandbox.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"sandbox\.toml"):
        load_settings(path)


@pytest.mark.parametrize(
    "given_options", [{"rules": ("nonsense",)}, {"latency": "fast"}, {"flow_id": "12"}]
)
def test_a_wrong_option_is_a_config_error(given_options: dict[str, Any]) -> None:
    """Options are checked like the file."""
    with pytest.raises(ConfigError):
        options_over(None, given_options)

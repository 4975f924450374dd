"""What a flow says of itself: asked for, kept beside the config, held against every list."""

import json
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
import pytest
from click.testing import CliRunner
from faultserver import JSON, Step, closed_port, fault_server, hang, response, say
from flows import Served, a_flow, served
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_flows import FIELDS, KEY, a_list, config_in, has_key, key_in, names_in, order_in
from submitting import (
    FLOW,
    SOURCE,
    Recorder,
    an_order,
    bulkpost,
    path_of,
    submitted,
    table,
)

from bulkpost.app import commands
from bulkpost.app import kept_flow as kept_flow_module
from bulkpost.app.kept_flow import KeptFlow, ask_flow, keep_flow, kept_flow
from bulkpost.checking.against_flow import FlowNews, change_finding
from bulkpost.cli.init import init
from bulkpost.cli.plan_text import plan_document
from bulkpost.config import changed, destination_of, load
from bulkpost.destination import Destination
from bulkpost.errors import ApiError, ConfigError
from bulkpost.exchange import Reply
from bulkpost.fields.field_type import FieldType
from bulkpost.mapping.column_map import build_map
from bulkpost.mapping.settings import MapSettings
from bulkpost.records.flow_meta import FlowField, KnownFlow, read_meta
from bulkpost.reporting.status import ExitStatus

PLACE = Destination("https://app.leadconduit.com", FLOW, SOURCE)


@pytest.fixture(autouse=True)
def _in_a_folder_without_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BULKPOST_API_KEY", "BULKPOST_SOURCE_KEY", "BULKPOST_CONFIG", "BULKPOST_URL"):
        monkeypatch.delenv(name, raising=False)


def required(*names: str, **more: Any) -> Any:
    """Return a flow in which some fields are required."""
    flow = a_flow(*FIELDS, name="Auto", **more)
    fields = [msgspec.structs.replace(field, required=field.name in names) for field in flow.fields]
    return msgspec.structs.replace(flow, fields=tuple(fields))


@asynccontextmanager
async def kept(folder: Path, flow: Any, more: str = "") -> AsyncIterator[Served]:
    """Serve a flow that was kept beside a config."""
    async with served(flow) as sandbox:
        config = config_in(folder, sandbox.address.origin, more)
        settings = load(config)
        told = await ask_flow(settings, destination_of(settings))
        await keep_flow(folder / "bulkpost.flow.json", told)
        yield sandbox


async def checked(folder: Path, **more: Any) -> dict[str, Any]:
    """Return the document of a check."""
    order = order_in(folder, **more)
    return plan_document(await commands.check(order, Recorder()), order.settings)


async def called(*words: str | Path, **env: str) -> tuple[int, str]:
    """Run `bulkpost init` in a thread of its own; return its status and all that it said."""
    result = await anyio.to_thread.run_sync(
        lambda: CliRunner().invoke(init, [*map(str, words)], env=env, standalone_mode=False)
    )
    error = result.exception
    said = f"{result.output} {getattr(error, 'message', '')} {getattr(error, 'command', '')}"
    return getattr(error, "exit_status", 0 if error is None else 1), said


def codes(document: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the codes of what is said of the flow, and of the list against it."""
    of_flow = [finding["code"] for finding in (document["flow"] or {"warnings": []})["warnings"]]
    of_list = [finding["code"] for finding in document["inputs"][0]["warnings"]]
    return of_flow, of_list


async def test_a_flow_is_kept_beside_the_config_and_used_to_match(tmp_path: Path) -> None:
    """Its fields, types and required ones; private; the config that comes of it can be used."""
    leads = table(tmp_path / "l.csv", ["First Name", "PLZ", "Steuer", "Mail"],
                  [["Ada", "78751", "123-45-6780", "ada@example.net"]] * 3)  # fmt: skip
    async with served(required("email", "score")) as sandbox:
        url = sandbox.address.origin + path_of()
        status, said = await called(leads, "--from-flow", "--url", url, "--json")
        told = json.loads(said.splitlines()[0])
        again = await checked(tmp_path)

    assert 0 == status
    path = tmp_path / "bulkpost.flow.json"
    found = kept_flow(path)
    assert found is not None
    assert (FLOW, SOURCE, "Auto") == (found.flow.flow_id, found.flow.source_id, found.flow.name)
    assert FieldType.SSN is found.flow.types["tax_no"]
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    columns = {column["column"]: column["field"] for column in told["columns"]}
    assert ("first_name", "zip") == (columns["First Name"], columns["PLZ"])
    assert ["score"] == [name for name in told["missing"] if name != "email"]
    assert "MISSING: no column feeds score" in (tmp_path / "bulkpost.toml").read_text()
    assert again["flow"]["is_fresh"]


async def test_lists_are_held_against_what_is_kept(tmp_path: Path) -> None:
    """Required fields without a column, columns that the flow ignores, types of the flow's own."""
    a_list(tmp_path)
    async with kept(tmp_path, required("email", "score")):
        document = await checked(tmp_path)
        shown = await bulkpost("check", "l.csv", cwd=tmp_path)
        observer = Recorder()
        sent = await submitted(order_in(tmp_path), observer)
    await bulkpost("export", "--ledger", "l.db", ".", cwd=tmp_path)

    others = {"l.csv", "l.db", "bulkpost.toml", "bulkpost.flow.json"}
    files = [name for name in names_in(tmp_path) - others if name.endswith(".csv")]
    exported = "".join((tmp_path / name).read_text() for name in files)
    assert "ada@example.net" in exported
    assert "123-45-6780" not in exported
    assert ([], ["required_missing", "unknown_to_flow"]) == codes(document)
    columns = {column["field"]: column for column in document["inputs"][0]["columns"]}
    assert ("postal_code", "flow") == (columns["zip"]["type"], columns["zip"]["type_from"])
    assert ("ssn", "flow", True) == tuple(
        columns["tax_no"][k] for k in ("type", "type_from", "ssn")
    )
    assert ("string", "default") == (columns["shoe"]["type"], columns["shoe"]["type_from"])
    assert b"the flow requires what no column feeds: score" in shown.stdout
    assert b"ignores it without an error: shoe" in shown.stdout
    for words in ("no column feeds: score", "without an error: shoe"):
        assert any(words in note for note in observer.notes)
    assert ExitStatus.DONE is sent.exit_status  # said, and sent: it is LeadConduit's to refuse


async def test_a_configs_types_win_over_the_flows(tmp_path: Path) -> None:
    """Config, flow, name: in this order, for refusing as for checking."""
    a_list(tmp_path)
    more = '[map.types]\nzip = "string"\n[check]\nrefuse = ["ssn_not_understood"]\n'
    async with kept(tmp_path, a_flow("zip:phone", "tax_no:ssn", "email:ssn"), more):
        document = await checked(tmp_path)

    columns = {column["field"]: column for column in document["inputs"][0]["columns"]}
    assert ("string", "config") == (columns["zip"]["type"], columns["zip"]["type_from"])
    assert ("ssn", "flow") == (columns["email"]["type"], columns["email"]["type_from"])
    assert 1 == document["plan"]["invalid"]  # an address is no social security number


async def test_a_flow_that_has_changed_is_told_until_it_is_kept_anew(tmp_path: Path) -> None:
    """What has changed, at check and at submit; `init --from-flow` keeps it as it is now."""
    a_list(tmp_path)
    async with kept(tmp_path, a_flow(*FIELDS)):
        pass
    async with served(required("zip", source_enabled=False)) as sandbox:
        config_in(tmp_path, sandbox.address.origin)
        document = await checked(tmp_path)
        observer = Recorder()
        sent = await submitted(order_in(tmp_path), observer)
        anew = await called("--from-flow")
        calm = await checked(tmp_path)

    assert ["flow_changed", "source_disabled"] == codes(document)[0]
    said = document["flow"]["warnings"][0]["message"]
    assert "the source is now disabled" in said
    assert "zip is now required" in said
    assert any("the flow was changed since" in note for note in observer.notes)
    assert ExitStatus.STOPPED is sent.exit_status  # 403: the sandbox takes nothing either
    assert 0 == anew[0]
    assert ["source_disabled"] == codes(calm)[0]


async def test_a_flow_that_calls_a_number_otherwise_puts_it_into_no_key(tmp_path: Path) -> None:
    """A column stays a social security number until the flow is kept anew; the change is told."""
    a_list(tmp_path)
    async with kept(tmp_path, a_flow(*FIELDS)):
        pass
    async with served(a_flow("email:ssn", *FIELDS[:2], "tax_no:string")) as sandbox:
        config_in(tmp_path, sandbox.address.origin)
        document = await checked(tmp_path)

    said = document["flow"]["warnings"][0]["message"]
    assert "tax_no is now of type string" in said
    assert "email is now of type ssn" in said
    columns = document["inputs"][0]["columns"]
    assert {"tax_no", "email"} == {column["field"] for column in columns if column["ssn"]}


async def test_a_flow_that_calls_a_field_a_number_makes_no_lead_new(tmp_path: Path) -> None:
    """Keys would change over night: nothing is sent until somebody has looked, or has said no."""
    rows = [["Ada", "a@x.org"], ["Bob", "b@x.org"]]
    table(tmp_path / "l.csv", ["first_name", "email"], rows)
    async with kept(tmp_path, a_flow("first_name", "email")) as there:
        await submitted(order_in(tmp_path))
        there.sandbox.settings = msgspec.structs.replace(
            there.sandbox.settings, flow=a_flow("first_name:ssn", "email:ssn", "tax_no:ssn")
        )
        table(tmp_path / "l.csv", ["first_name", "email"], [*rows[::-1], ["Ada", "c@x.org"]])
        with pytest.raises(ConfigError, match="the flow calls email, first_name a social"):
            await submitted(order_in(tmp_path))
        more = '[map.types]\nemail = "email"\nfirst_name = "first_name"\n'
        config_in(tmp_path, there.address.origin, more)
        await submitted(order_in(tmp_path))

        assert 3 == len(there.sandbox.leads)


@pytest.mark.parametrize("trouble", ["nobody", "silence", "nonsense", "404"])
async def test_a_question_that_fails_is_one_note_and_stops_nothing(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is used, and the run goes on."""
    monkeypatch.setattr(kept_flow_module, "_WAIT_S_MAX", 0.2)
    answers: dict[str, list[Step]] = {
        "nobody": [],
        "silence": [hang],
        "nonsense": [say(response(200, b"[]", JSON))],
        "404": [say(response(404, b"", JSON))],
    }
    flow = KnownFlow(flow_id=FLOW, source_id=SOURCE, fields=(FlowField(name="a"),))
    path = tmp_path / "x.flow.json"
    await keep_flow(path, KeptFlow(read_at="then", needed_key=False, flow=flow))

    async def news(origin: str) -> tuple[FlowNews | None, list[str]]:
        observer = Recorder()
        order = replace(an_order(origin, "l.csv", ledger=tmp_path / "l.db"), flow_path=path)
        place = destination_of(order.settings)
        return await kept_flow_module.news_of(order, place, observer), observer.notes

    if trouble == "nobody":
        found, notes = await news(f"http://127.0.0.1:{closed_port()}")
    else:
        async with fault_server(answers[trouble]) as server:
            found, notes = await news(server.url)
            server.released.set()

    assert found is not None
    assert (flow, False) == (found.flow, found.is_fresh)
    assert ["flow_not_asked"] == [finding.code for finding in found.findings]
    assert 1 == len(notes)


async def test_a_key_is_sent_where_it_is_wanted_and_shown_nowhere(tmp_path: Path) -> None:
    """Without it 401 is told; with it the flow is read; nothing that is kept or said has it."""
    leads = a_list(tmp_path)
    flow = a_flow(*FIELDS, api_key=KEY, meta_needs_key=True)
    async with served(flow) as sandbox:
        url = sandbox.address.origin + path_of()
        words = [str(leads), "--from-flow", "--url", url, "-vv"]
        refused = await called(*words)
        assert (2, {"l.csv"}) == (refused[0], names_in(tmp_path))
        assert "wants an API key" in refused[1]
        wrong = await called(*words, BULKPOST_API_KEY=KEY)
        assert 2 == wrong[0]  # to this machine no key goes unless that is named
        done = await called(*words, "--key-file", key_in(tmp_path))
        document = await checked(tmp_path)

    assert 0 == done[0]
    assert document["flow"]["is_fresh"]
    assert not has_key(tmp_path, refused[1], done[1], json.dumps(document))
    assert str(tmp_path / "key") == load(tmp_path / "bulkpost.toml").api.key_file
    readable = key_in(tmp_path)
    readable.chmod(0o644)
    again = await called(*words, "--force", "--key-file", readable)
    assert 2 == again[0]
    assert "chmod 600" in again[1]


async def test_the_embedded_sandbox_is_not_asked_and_another_flow_is_not_used(
    tmp_path: Path,
) -> None:
    """With --sandbox, what is kept of the real flow still gives the types."""
    a_list(tmp_path)
    async with kept(tmp_path, a_flow(*FIELDS)):
        pass
    document = await checked(tmp_path, is_sandbox=True)
    assert (False, []) == (document["flow"]["is_fresh"], document["flow"]["warnings"])
    assert "flow" == document["inputs"][0]["columns"][1]["type_from"]

    config_in(tmp_path, "https://app.leadconduit.com", 'host = "app.leadconduit.com"')
    order, observer = order_in(tmp_path), Recorder()
    url = f"https://app.leadconduit.com{path_of('9' * 24)}"
    foreign = replace(order, settings=changed(order.settings, {"url": url}))
    assert (await commands.check(foreign, observer)).flow is None
    assert any("is about another flow" in note for note in observer.notes)


@pytest.mark.parametrize("kind", ["garbage", "other", "writable", "pipe", "link"])
async def test_t7_a_kept_flow_that_others_may_have_written_is_not_believed(
    kind: str, tmp_path: Path
) -> None:
    """It says which columns are social security numbers: exit status 2 and what mends it."""
    path = tmp_path / "bulkpost.flow.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere" / "x")
    else:
        flow = KnownFlow(flow_id=FLOW, source_id=SOURCE)
        await keep_flow(path, KeptFlow(read_at="then", needed_key=False, flow=flow))
        if kind == "writable":
            path.chmod(0o622)
        else:
            path.write_bytes(b"{]" if kind == "garbage" else b'{"format": 2}')

    if kind == "link":
        assert kept_flow(path) is None
        return
    with pytest.raises(ConfigError) as caught:
        kept_flow(path)
    assert "bulkpost init --from-flow" == caught.value.command


def metas() -> Iterator[Any]:
    yield from (b"", b"\xff", b"null", b"[1]", b'{"params": 3}', b"[" * 100_000)


@pytest.mark.parametrize("body", list(metas()), ids=range(6))
def test_what_is_no_metadata_is_an_error_in_words(body: bytes) -> None:
    """Whatever came instead of it."""
    with pytest.raises(ApiError):
        read_meta(Reply(200, (), body), FLOW, SOURCE)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "type", "required", "label", "id", "authentication_required"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(JSONS, max_size=4), JSONS, JSONS)
def test_whatever_metadata_holds_it_is_read_and_kept(params: list[Any], flow: Any, on: Any) -> None:
    """Odd fields are left out, and what is read survives being written down."""
    body = json.dumps({"params": params, "flow": flow, "source": flow, "enabled": on}).encode()
    known = read_meta(Reply(200, (), body), FLOW, SOURCE)

    assert known == msgspec.json.decode(msgspec.json.encode(known), type=KnownFlow)
    assert change_finding(known, known) is None
    assert all(field.name for field in known.fields)


def test_what_a_flow_calls_a_social_security_number_is_in_no_key() -> None:
    """It adds to what names and config say, and takes nothing away from it."""
    columns = ["email", "tax_no", "ssn"]
    kinds = {"tax_no": FieldType.SSN, "ssn": FieldType.STRING}

    found = build_map(columns, MapSettings(), PLACE, flow_types=kinds)
    assert {"tax_no", "ssn"} == found.ssn_fields
    own = MapSettings(types={"tax_no": FieldType.STRING})
    assert {"ssn"} == build_map(columns, own, PLACE, flow_types=kinds).ssn_fields

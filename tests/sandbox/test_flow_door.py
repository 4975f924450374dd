"""Who may send to a flow, what ``/meta`` tells, and what is never shown of a lead."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flows import NOON, SetClock, a_flow, served

from bulkpost.errors import ConfigError
from bulkpost.sandbox.flow.settings import FlowSettings
from bulkpost.sandbox.flow.values import PARTS
from bulkpost.sandbox.run import options_over
from bulkpost.sandbox.settings import load_flow, load_settings

KEY = "kéy:with:colons"
FLOW_ID = "5f00000000000000000000a1"
SOURCE_ID = "5f00000000000000000000b2"
PATH = f"/flows/{FLOW_ID}/sources/{SOURCE_ID}"
SSN = "219-09-9999"
DATA = Path(__file__).parents[1] / "data"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("kind", ["submit", "ping"])
@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param(basic("API", KEY), 201, id="the-key"),
        pytest.param(basic("", KEY).replace("Basic", "bAsIc"), 201, id="any-user-any-case"),
        pytest.param("", 401, id="none"),
        pytest.param(basic("API", KEY + "x"), 401, id="another-key"),
        pytest.param(basic(KEY, ""), 401, id="the-key-as-user"),
        pytest.param("Bearer " + KEY.encode().hex(), 401, id="another-scheme"),
        pytest.param("Basic !!!", 401, id="no-base64"),
        pytest.param("Basic " + "A" * 7_000, 401, id="a-long-one"),
    ],
)
async def test_source_authentication_asks_for_the_key(
    kind: str, authorization: str, status: int
) -> None:
    """Without it the answer is 401, nothing is read, and no lead is taken."""
    async with served(a_flow("n", api_key=KEY)) as server:
        headers = {"Authorization": authorization} if authorization else {}
        url = f"{server.address.origin}{PATH}/{kind}"
        async with server.session.post(url, data={"n": "1"}, headers=headers) as reply:
            body = await reply.read()

    if status == 201:
        assert (200 if kind == "ping" else 201) == reply.status
    else:
        assert (401, b"Unauthorized source") == (reply.status, body)
        assert reply.headers["WWW-Authenticate"].startswith("Basic ")
        assert () == server.sandbox.leads
        assert [(False, 401)] == [(one.taken, one.status) for one in server.sandbox.requests]


@pytest.mark.parametrize("kind", ["submit", "ping"])
async def test_a_disabled_source_refuses_and_takes_nothing(kind: str) -> None:
    """403 with LeadConduit's JSON, whatever was sent."""
    async with served(a_flow("n", source_enabled=False)) as server:
        url = f"{server.address.origin}{PATH}/{kind}"
        async with server.session.put(url, data=b"?") as reply:
            answer = reply.status, await reply.read(), reply.headers["Content-Type"]

    assert (403, b'{"message": "Source is disabled"}', "application/json") == answer
    assert [(False, None, 403)] == [
        (one.taken, one.outcome, one.status) for one in server.sandbox.requests
    ]


async def _meta(flow: FlowSettings, **settings: Any) -> tuple[int, dict[str, Any]]:
    async with served(flow, SetClock(), **settings) as server:
        status, body = await server.get(PATH + "/meta")
        assert 0 == server.sandbox.stats.requests
    return status, json.loads(body)


async def test_meta_tells_the_flow() -> None:
    """The form is that of LeadConduit's API reference."""
    flow = a_flow(
        name="Mortgage leads",
        account="Example Lending",
        source="A list",
        api_key=KEY,
        time_zone="America/Chicago",
        fields=[
            {
                "name": "email",
                "type": "email",
                "label": "Email",
                "description": "Where to write",
                "required": True,
                "examples": ["ann@example.com"],
            },
            {"name": "loan.amount", "type": "number"},
        ],
        criteria=[{"field": "loan.amount", "operator": "is greater than", "value": 5}],
        hours=[{"days": ["monday"], "opens": "08:00:00", "closes": "18:30:00"}],
    )

    status, told = await _meta(flow)

    rule = {"rule_set": None, "outcome": "failure"}
    assert 200 == status
    assert {
        "enabled": True,
        "account": {"id": "000000000000000000000003", "name": "Example Lending"},
        "flow": {"id": FLOW_ID, "name": "Mortgage leads"},
        "source": {"id": SOURCE_ID, "name": "A list", "authentication_required": True},
        "params": [
            {
                "name": "email",
                "label": "Email",
                "description": "Where to write",
                "type": "email",
                "required": "yes",
                "variable": "email",
                "examples": ["ann@example.com"],
            },
            {
                "name": "loan.amount",
                "label": "loan.amount",
                "description": "",
                "type": "number",
                "required": "no",
                "variable": "loan.amount",
                "examples": [],
            },
        ],
        "pingable": True,
        "ping_enabled": True,
        "updated_at": NOON.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "authorized_account": True,
        "hours_of_operation": {
            "time_zone": "America/Chicago",
            "hours": [{"days": ["monday"], "opens": "08:00:00", "closes": "18:30:00"}],
        },
        "acceptance_criteria": {
            "rule_set": {
                "op": "and",
                "rules": [
                    rule
                    | {
                        "lhv": "lead.email",
                        "op": "is not blank",
                        "id": "000001",
                        "reason": "lead.email must not be blank",
                    },
                    rule
                    | {
                        "lhv": "lead.loan.amount",
                        "op": "is greater than",
                        "rhv": 5,
                        "id": "000002",
                        "reason": "lead.loan.amount must be greater than 5",
                    },
                ],
                "id": "000000",
            },
            "outcome": "failure",
            "reason": None,
        },
        "flow_acceptance_criteria": {},
    } == told


async def test_meta_of_a_bare_flow_has_no_rules() -> None:
    """Empty objects stand for no hours and no criteria; a disabled flow or source says so."""
    _, bare = await _meta(a_flow("n"))
    _, disabled = await _meta(a_flow("n", enabled=False))
    _, closed = await _meta(a_flow("n", source_enabled=False))

    assert ({}, {}, True) == (
        bare["hours_of_operation"],
        bare["acceptance_criteria"],
        bare["enabled"],
    )
    assert [False, False] == [disabled["enabled"], closed["enabled"]]


async def test_meta_asks_for_the_key_if_told_to() -> None:
    """Nobody outside knows whether LeadConduit does; the switch decides."""
    async with served(a_flow("n", api_key=KEY, meta_needs_key=True)) as server:
        without = await server.get(PATH + "/meta")
        wrong = await server.get(PATH + "/meta", Authorization=basic("API", "x"))
        status, _ = await server.get(PATH + "/meta", Authorization=basic("API", KEY))

    assert (401, b'{"error":"authentication failed"}') == without == wrong
    assert 200 == status


async def test_meta_of_another_source_is_not_found() -> None:
    """As the submission address of one that is not served; other methods are not found either."""
    async with served(a_flow("n"), source_id=FLOW_ID) as server:
        status, _ = await server.get(PATH + "/meta")
        async with server.session.post(server.address.meta_url) as reply:
            posted = reply.status
        own, _ = await server.get(server.address.meta_url.removeprefix(server.address.origin))

    assert (404, 404, 200) == (status, posted, own)


@pytest.mark.parametrize("kind", ["form", "json"])
async def test_secrets_are_asterisks_wherever_the_sandbox_shows_a_lead(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Lists, answers, lead log and messages; rules and duplicates are decided on the number."""
    caplog.set_level(logging.DEBUG)
    log = tmp_path / "taken.jsonl"
    flow = a_flow(
        "number:ssn",
        "pin.code:credential",
        criteria=[{"field": "number", "operator": "is valid"}],
        duplicate_fields=["number"],
    )
    shown = ("outcome", "reason", "lead.number", "lead.pin", "lead.people")
    lead: dict[str, Any] = {"number": SSN, "pin.code": "hunter2", "people.0.ssn": SSN}
    if kind == "json":
        lead = {"number": SSN, "pin": {"code": "hunter2"}, "people": [{"ssn": {"_": [SSN, None]}}]}

    async with served(flow, reply_fields=shown, log_path=log) as server:
        body: dict[str, Any] = {"data": lead} if kind == "form" else {"json": lead}
        answers = b""
        for _ in range(2):
            async with server.session.post(server.address.submit_url(), **body) as reply:
                answers += await reply.read()
        _, leads = await server.get("/sandbox/leads")
        _, requests = await server.get("/sandbox/requests")
        event_id = server.sandbox.leads[0].event_id
        _, feedback = await server.get(f"/feedback?event_id={event_id}&type=return")

    first, second = server.sandbox.leads
    values = first.values
    assert isinstance(values, dict)
    assert (None, "duplicate") == (first.reason, second.reason)
    assert ("*" * 11, "*" * 9) == (first.fields["number"], values["number"].value)
    assert {"first_three": "***", "middle_two": "**", "last_four": "****"} == values["number"].parts
    assert {"code": "*" * 7} == first.fields["pin"]
    everything = answers + leads + requests + feedback + log.read_bytes()
    everything += caplog.text.encode() + repr(server.sandbox.leads).encode()
    for secret in (SSN, SSN.replace("-", ""), "hunter2", "9999"):
        assert secret.encode() not in everything


def test_the_components_of_the_types_are_those_observed() -> None:
    """A rule may name every component that LeadConduit's library was seen to make, and no other."""
    observed: dict[str, set[str]] = {}
    for line in (DATA / "oracle_types.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        observed.setdefault(row["type"], set()).update(row.get("parts", ()))
    named = {kind: parts for kind, parts in observed.items() if parts}

    assert named == {kind.value: {*parts} for kind, parts in PARTS.items()}


def test_a_key_is_not_in_a_repr() -> None:
    """Settings printed by accident show no key."""
    assert KEY not in repr(a_flow("n", api_key=KEY))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[flow.fields]]\nname = "a"\ntype = "texte"', "texte"),
        ('[[flow.fields]]\nname = "a"\n[[flow.fields]]\nname = "a"', "two fields are called a"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is blank"', "no field or component a"),
        (
            '[flow]\nfields = [{name = "a"}]\ncriteria = [{field = "a.b", operator = "is blank"}]',
            "no field or component a.b",
        ),
        ('[[flow.criteria]]\nfield = "a"\noperator = "matches"', "matches"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is valid"\nvalue = 1', "takes no value"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is equal to"', "takes one value"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is included in"\nvalue = []', "takes a list"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is less than"\nvalue = "5"', "a number"),
        ('[[flow.criteria]]\nfield = "a"\noperator = "is less than"\nvalue = nan', "a number"),
        ('[flow]\nduplicate_fields = ["a"]', "duplicate_fields: the flow has no field a"),
        ('[flow]\ntime_zone = "Mars"', "America/Chicago"),
        ('[flow]\ntime_zone = "America"', "America/Chicago"),
        ('[flow]\ntime_zone = "/etc/passwd"', "America/Chicago"),
        ("[flow]\nmeta_needs_key = true", "needs an api_key"),
        ("[[flow.hours]]\nopens = 18:00:00\ncloses = 08:00:00", "closes comes after opens"),
        ('[[flow.hours]]\nopens = "08:00:00Z"\ncloses = 18:00:00', "no offset"),
        ('[[flow.caps]]\ncount = 1\nper = "year"', "year"),
        ("[flow]\ncolour = 1", "colour"),
    ],
)
def test_a_wrong_flow_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    """What is wrong, and in which file; nothing is served."""
    path = tmp_path / "flow.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"flow\.toml") as caught:
        load_flow(path)

    assert told in caught.value.message


def test_a_flow_of_its_own_file_comes_instead_of_the_settings_flow(tmp_path: Path) -> None:
    """``--flow`` beside ``--faults``; ``--price`` wins; other settings make no flow's file."""
    settings, flow = tmp_path / "sandbox.toml", tmp_path / "flow.toml"
    settings.write_text('price = 2.0\n[flow]\nname = "first"')
    flow.write_text('[flow]\nname = "second"')

    both = options_over(settings, {"flow": flow, "rules": ()})

    assert load_settings(settings).flow == FlowSettings(name="first")
    assert (2.0, FlowSettings(name="second")) == (both.price, both.flow)
    flow.write_text("[flow]\nprice = 5.0")
    assert 5.0 == (options_over(settings, {"flow": flow}).flow or FlowSettings()).price
    priced = options_over(settings, {"flow": flow, "price": 7.0})
    assert (7.0, FlowSettings()) == (priced.price, priced.flow)
    with pytest.raises(ConfigError, match="nothing else"):
        load_flow(settings)

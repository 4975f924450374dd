"""A sandbox with a flow: which leads it accepts, and why it refuses the others."""

import json
from typing import Any

import pytest
from flows import SetClock, a_flow, served

EMAIL = {"email": "ada@example.org"}


@pytest.mark.parametrize(
    ("rule", "met", "missed", "reason"),
    [
        pytest.param(
            {"field": "email", "operator": "is valid"},
            ["Ada@Example.org"],
            ["nobody", "", None],
            "lead.email must be valid",
            id="valid",
        ),
        pytest.param(
            {"field": "postal_code", "operator": "is valid"},
            ["78751", "k1a0b1"],
            ["2134", "", None],
            "lead.postal_code must be valid",
            id="a-blank-is-not-valid-though-its-type-says-so",
        ),
        pytest.param(
            {"field": "email", "operator": "is not valid"},
            ["nobody", "", None],
            ["ada@example.org"],
            "lead.email must not be valid",
            id="not-valid",
        ),
        pytest.param(
            {"field": "state", "operator": "is not equal to", "value": "FL"},
            ["TX", "", None],
            ["FL", "fl", "Florida", "FLORIDA"],
            "lead.state must not be equal to FL",
            id="not-equal-after-typing",
        ),
        pytest.param(
            {"field": "comments", "operator": "is equal to", "value": "Straße"},
            ["STRASSE"],
            ["Weg", "", None],
            "lead.comments must be equal to Straße",
            id="equal",
        ),
        pytest.param(
            {"field": "postal_code", "operator": "is not blank"},
            ["78751", "nonsense"],
            ["", "  ", None],
            "lead.postal_code must not be blank",
            id="not-blank",
        ),
        pytest.param(
            {"field": "comments", "operator": "is blank"},
            ["", " ", None],
            ["x"],
            "lead.comments must be blank",
            id="blank",
        ),
        pytest.param(
            {"field": "state", "operator": "is included in", "value": ["tx", "CA"]},
            ["TX", "Texas", "ca"],
            ["NY", "", None],
            "lead.state must be included in tx, CA",
            id="included",
        ),
        pytest.param(
            {"field": "state", "operator": "is not included in", "value": ["TX", "CA"]},
            ["NY", "", None],
            ["TX", "California"],
            "lead.state must not be included in TX, CA",
            id="not-included",
        ),
        pytest.param(
            {"field": "loan.amount", "operator": "is less than", "value": 100_000},
            ["99999.99", "$5", "-1"],
            ["100,000", "a lot", "", None],
            "lead.loan.amount must be less than 100000",
            id="less",
        ),
        pytest.param(
            {"field": "loan.amount", "operator": "is less than or equal to", "value": 0.5},
            [".5", "0"],
            ["0.51"],
            "lead.loan.amount must be less than or equal to 0.5",
            id="less-or-equal",
        ),
        pytest.param(
            {"field": "age", "operator": "is greater than", "value": 30},
            ["30-40", "31"],
            ["20-40", "30", "40+", "old", None],
            "lead.age must be greater than 30",
            id="greater-by-a-range's-average",
        ),
        pytest.param(
            {"field": "dob.age", "operator": "is greater than or equal to", "value": 18},
            ["2008-11-20", "1980-01-01"],
            ["2008-11-21", "unknown", None],
            "lead.dob.age must be greater than or equal to 18",
            id="greater-or-equal-of-a-component",
        ),
        pytest.param(
            {"field": "loan.amount", "operator": "is equal to", "value": 5},
            ["5", "5.0", "$5"],
            ["6", "five"],
            "lead.loan.amount must be equal to 5",
            id="equal-as-numbers",
        ),
        pytest.param(
            {"field": "phone_1.is_tollfree", "operator": "is equal to", "value": False},
            ["512-555-0143"],
            ["800-555-0199", None],
            "lead.phone_1.is_tollfree must be equal to false",
            id="equal-as-truth",
        ),
    ],
)
async def test_a_rule_refuses_what_does_not_meet_it(
    rule: dict[str, Any], met: list[str | None], missed: list[str | None], reason: str
) -> None:
    """Each operator, with values of several types; the reason is made of the rule alone."""
    fields = ("email:email", "state:state", "postal_code:postal_code", "loan.amount:number")
    flow = a_flow(
        *fields, "comments", "age:range", "dob:dob", "phone_1:phone", "row", criteria=[rule]
    )
    name = rule["field"] if rule["field"] in flow.types else rule["field"].rpartition(".")[0]
    values = [*met, *missed]
    leads = [
        {"row": str(row)} | ({} if value is None else {name: value})
        for row, value in enumerate(values)
    ]

    async with served(flow, SetClock(), content_length="bytes") as server:
        found = await server.reasons(*leads)

    assert [None] * len(met) + [reason] * len(missed) == found


async def test_the_first_rule_that_is_not_met_decides_and_required_fields_come_first() -> None:
    """One outcome and one reason come out, the rule's own if it has one."""
    flow = a_flow(
        "state",
        fields=[{"name": "state"}, {"name": "email", "required": True}],
        criteria=[
            {"field": "state", "operator": "is not equal to", "value": "FL", "reason": "Not there"},
            {"field": "state", "operator": "is blank", "outcome": "error", "reason": ""},
        ],
    )

    async with served(flow) as server:
        blank = await server.post(state="FL", email=" ")
        first = await server.post(EMAIL, state="FL")
        second = await server.post(EMAIL, state="TX")

    assert ("failure", "lead.email must not be blank") == (blank["outcome"], blank["reason"])
    assert ("failure", "Not there") == (first["outcome"], first["reason"])
    assert ("error", "") == (second["outcome"], second["reason"])
    assert [0, 0, 0] == [answer["price"] for answer in (blank, first, second)]
    assert 3 == server.sandbox.stats.taken


async def test_a_silent_refusal_says_success_and_is_none() -> None:
    """It costs nothing, counts for no cap, has no event, and is no lead to duplicate."""
    rule = {"field": "email", "operator": "is valid", "outcome": "success", "reason": "thanks"}
    flow = a_flow("email:email", price=2.5, criteria=[rule], caps=[{"count": 1, "per": "month"}])

    async with served(flow, SetClock()) as server:
        silent = [await server.post(email="nobody") for _ in range(2)]
        accepted = await server.post(EMAIL)

    assert [("success", "thanks", 0)] * 2 == [
        (answer["outcome"], answer["reason"], answer["price"]) for answer in silent
    ]
    assert ("success", 2.5) == (accepted["outcome"], accepted["price"])
    assert [False, False, True] == [lead.event_id is not None for lead in server.sandbox.leads]


async def test_unknown_names_are_ignored_and_shown() -> None:
    """They stand among the fields, not among what the flow saw; case makes another name."""
    flow = a_flow("email:email", "loan.amount:number", "vehicle.0.make")
    lead = {"Email": "x", "email": "Ada@Example.org", "loan.amount": "$5", "vehicle.0.make": "Audi"}

    async with served(flow) as server:
        answer = await server.post(lead | {"loan.rate": "3"})
        _, body = await server.get("/sandbox/leads")

    (shown,) = json.loads(body)["leads"]
    assert "success" == answer["outcome"]
    assert {
        "Email": "x",
        "email": "Ada@Example.org",
        "loan": {"amount": "$5", "rate": "3"},
        "vehicle": [{"make": "Audi"}],
    } == shown["fields"]
    assert ["email", "loan.amount", "vehicle.0.make"] == [*shown["values"]]
    assert ("ada@example.org", True, "org") == (
        shown["values"]["email"]["value"],
        shown["values"]["email"]["valid"],
        shown["values"]["email"]["parts"]["tld"],
    )
    assert {"value": "5", "valid": True, "parts": {}} == shown["values"]["loan.amount"]


async def test_json_values_are_typed_as_texts() -> None:
    """Numbers, truths and lists become the text that JavaScript makes; null is no value."""
    flow = a_flow("a", "b", "c", "d", "e", "f.g", "h", "i")
    lead = (
        b'{"a":5,"b":1.50,"c":true,"d":["x",1,null],"e":null,"f.g":"dot","f":{"g":"nested"},"i":{}}'
    )

    async with served(flow) as server:
        headers = {"Content-Type": "application/json"}
        url = server.address.submit_url()
        async with server.session.post(url, data=lead, headers=headers) as reply:
            assert 201 == reply.status
        async with server.session.post(url, data=b'["a"]', headers=headers) as reply:
            assert 201 == reply.status

    first, second = (lead.values for lead in server.sandbox.leads)
    assert isinstance(first, dict)
    assert {"a": "5", "b": "1.5", "c": "true", "d": "x,1,", "f.g": "dot"} == {
        name: value.value for name, value in first.items()
    }
    assert {} == second


async def test_duplicates_are_accepted_leads_with_the_same_values() -> None:
    """Values are compared after typing, without case; refused and blank leads duplicate nothing."""
    flow = a_flow(
        "phone_1:phone",
        "name",
        "email:email",
        duplicate_fields=["phone_1", "name"],
        criteria=[{"field": "email", "operator": "is valid"}],
    )

    async with served(flow) as server:
        found = await server.reasons(
            {"phone_1": "512-555-0143", "name": "Ann", "email": "wrong"},
            {"phone_1": "512-555-0143", "name": "Ann", "email": "a@example.org"},
            {"phone_1": "(512) 555 0143", "name": "ANN", "email": "b@example.org"},
            {"phone_1": "512-555-0144", "name": "Ann", "email": "b@example.org"},
            {"phone_1": "", "email": "c@example.org"},
            {"email": "d@example.org"},
        )

    assert ["lead.email must be valid", None, "duplicate", None, None, None] == found


async def test_all_fields_but_the_reference_make_a_duplicate_by_default() -> None:
    """A name that the flow ignores makes no difference, nor does the sender's own reference."""
    leads = [
        {"email": "a@example.org", "reference": "1", "unknown": "1"},
        {"email": "A@EXAMPLE.ORG", "reference": "2", "unknown": "2"},
        {"email": "b@example.org"},
        {"reference": "3"},
        {"reference": "4"},
    ]
    async with served(a_flow("email:email", "reference")) as server:
        assert [None, "duplicate", None, None, None] == await server.reasons(*leads)
    async with served(a_flow("email:email", "reference"), duplicates=False) as server:
        assert [None, None] == await server.reasons(*leads[:2])
    async with served(a_flow("reference", duplicate_fields=["reference"])) as server:
        assert [None, None, "duplicate"] == await server.reasons(leads[3], leads[4], leads[3])


async def test_a_disabled_flow_answers_error_and_takes_the_lead() -> None:
    """The status is 201, as of every lead that was handled."""
    async with served(a_flow("n", enabled=False)) as server:
        answer = await server.post(n="1")

    assert ("error", "Flow is disabled") == (answer["outcome"], answer["reason"])
    assert {"error": 1} == dict(server.sandbox.stats.outcomes)


async def test_an_ordered_outcome_wins_over_the_rules() -> None:
    """The reserved fields work as without a flow, and are not among the values."""
    flow = a_flow("n", "sandbox_price", criteria=[{"field": "n", "operator": "is blank"}])

    async with served(flow, price=3.0) as server:
        answer = await server.post(n="1", sandbox_outcome="success")
        refused = await server.post(n="1", sandbox_price="7")

    assert ("success", 3.0) == (answer["outcome"], answer["price"])
    assert ("failure", 7) == (refused["outcome"], refused["price"])
    assert [{"n"}, {"n"}] == [{*(lead.values or {})} for lead in server.sandbox.leads]


async def test_a_ping_meets_the_rules_and_counts_for_nothing() -> None:
    """It bids the price or gives the rule's reason; caps and duplicates stay as they were."""
    flow = a_flow(
        "email:email",
        price=2.0,
        criteria=[{"field": "email", "operator": "is valid"}],
        caps=[{"count": 1, "per": "day"}],
    )

    async with served(flow, SetClock()) as server:
        ping = server.address.submit_url().removeprefix(server.address.origin)
        ping = ping.removesuffix("submit") + "ping?email="
        bids = [json.loads((await server.get(ping + "a@b.org"))[1]) for _ in range(2)]
        no_bid = json.loads((await server.get(ping + "x"))[1])
        assert [None] == await server.reasons({"email": "a@b.org"})

    assert [{"outcome": "success", "price": 2}] * 2 == bids
    assert {"outcome": "failure", "reason": "lead.email must be valid", "price": 0} == no_bid


async def test_a_lead_that_a_fault_keeps_out_counts_for_nothing() -> None:
    """After a 503 the same lead is accepted, and is the first of its cap."""
    flow = a_flow("n", caps=[{"count": 1, "per": "day"}])

    async with served(flow, SetClock()) as server:
        url = server.address.submit_url()
        async with server.session.post(url, data={"n": "1", "sandbox_fault": "503x1"}) as reply:
            assert 503 == reply.status
        answer = await server.post(n="1", sandbox_fault="503x1")

    assert "success" == answer["outcome"]


async def test_without_a_flow_nothing_is_typed_or_masked() -> None:
    """Any names are taken, no values are told, and there is no metadata."""
    async with served(None) as server:
        await server.post(ssn="078-05-1120", anything="x")
        _, body = await server.get("/sandbox/leads")
        meta = server.address.meta_url.removeprefix(server.address.origin)
        status, _ = await server.get(meta)

    (lead,) = json.loads(body)["leads"]
    assert {"ssn": "078-05-1120", "anything": "x"} == lead["fields"]
    assert "values" not in lead
    assert 404 == status

"""Rows in doubt, looked up: lists go to a sandbox that misbehaves, and its own log is the judge."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec
import pytest
from asking import KEY
from commands import Commands, Finished
from ledgers import content
from msgspec.structs import replace
from submitting import an_order, submitted, table

from bulkpost.app.order import Order
from bulkpost.app.reconciling import Inquiry, reconcile
from bulkpost.clock import SystemClock
from bulkpost.config import changed
from bulkpost.errors import ApiError, ConfigError
from bulkpost.ledger.decisions import Author, open_for_decisions, release
from bulkpost.ledger.pruning import plan_prune, prune
from bulkpost.ledger.states import State
from bulkpost.reporting.reconciled import Reconciled
from bulkpost.reporting.sought import Choice
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import serve
from bulkpost.sandbox.settings import SandboxSettings

HEADER = ("email", "sandbox_fault", "sandbox_outcome")
LOST = "close_after"
NEVER = "close_before"


@dataclass
class Desk:
    """A sandbox, a ledger of what was submitted to it, and who asks."""

    sandbox: Sandbox
    order: Order
    found: list[Reconciled] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.order.ledger_path

    async def submit(self) -> None:
        await submitted(self.order)

    async def ask(self, *, settle_ms: int = 0, is_dry: bool = False, **choice: Any) -> list[str]:
        """Reconcile; return row, finding and outcome of each row."""
        self.found = []
        inquiry = Inquiry(Choice(**choice), settle_ms, "ada", is_dry)
        settings = self.order.settings
        api = replace(settings.api, rate="10000/s")
        await reconcile(
            self.ledger, replace(settings, api=api), inquiry, self.found.append, SystemClock()
        )
        return [
            f"{found.row.name} {found.finding.value}"
            + (f" {found.resolution.state.name}" if found.resolution else "")
            for found in self.found
        ]

    def states(self) -> dict[int, tuple[str, str | None, float | None]]:
        """Outcome, lead id and price by row."""
        rows = content(self.ledger, "SELECT row, outcome, lead_id, price FROM rows ORDER BY row")
        return {row: (outcome, lead_id, price) for row, outcome, lead_id, price in rows}

    def taken(self, email: str) -> list[str]:
        """The ids under which the sandbox took a lead, from its own records."""
        return [lead.id for lead in self.sandbox.leads if lead.fields["email"] == email]

    async def command(self, bulkpost: Commands, *words: str) -> Finished:
        """Run a command beside the sandbox."""
        return await anyio.to_thread.run_sync(partial(bulkpost, *words))


def replaced(order: Order, **changes: Any) -> Order:
    """Return the order with other settings: names with ``__`` for the dot."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return dataclasses.replace(order, settings=changed(order.settings, named))


@asynccontextmanager
async def a_desk(
    folder: Path,
    rows: Mapping[str, tuple[str, str]],
    *,
    sandbox: Mapping[str, Any] | None = None,
    **changes: Any,
) -> AsyncIterator[Desk]:
    """Submit rows (e-mail address -> fault, outcome) with a reference, and stand ready to ask."""
    listed = table(folder / "leads.csv", HEADER, [(email, *how) for email, how in rows.items()])
    values = {"seed": 7, "price": 1.5, **(sandbox or {})}
    served = Sandbox(msgspec.convert(values, SandboxSettings))
    async with serve(served) as address:
        quick = {"map__reference": "reference", "engine__concurrency": 1, **changes}
        order = an_order(address.origin, listed, ledger=folder / "bulkpost.db", **quick)
        desk = Desk(served, order)
        await desk.submit()
        yield desk


ROWS = {
    "fine@example.com": ("", ""),
    "lost@example.com": (LOST, ""),
    "refused@example.com": (LOST, "failure:Cap reached"),
    "never@example.com": (NEVER, ""),
    "cut@example.com": ("cut", ""),
}


async def test_what_leadconduit_has_becomes_a_fact(tmp_path: Path) -> None:
    """Outcome, lead id and price are the server's own; what it has not got stays in doubt."""
    async with a_desk(tmp_path, ROWS) as desk:
        assert {2, 3, 4, 5} == {r for r, (s, *_) in desk.states().items() if s == "in_doubt"}

        told = await desk.ask()

        assert [
            "1:2 found SUCCESS", "1:3 found FAILURE", "1:4 not_found", "1:5 found SUCCESS",
        ] == told  # fmt: skip
        states = desk.states()
        assert ("success", *desk.taken("lost@example.com"), 1.5) == states[2]
        assert ("failure", *desk.taken("refused@example.com"), 0) == states[3]
        assert ("in_doubt", None, None) == states[4]
        assert ("success", *desk.taken("cut@example.com"), 1.5) == states[5]
        assert [] == desk.taken("never@example.com")
        # Once more: what is known is not asked about again.
        assert ["1:4 not_found"] == await desk.ask()


async def test_without_rules_the_events_of_the_time_are_looked_through(tmp_path: Path) -> None:
    """All of them, page by page; the answers are the same."""
    async with a_desk(tmp_path, ROWS, api__rules=False, api__page_events=3) as desk:
        told = await desk.ask()

        assert [
            "1:2 found SUCCESS", "1:3 found FAILURE", "1:4 not_found", "1:5 found SUCCESS",
        ] == told  # fmt: skip
        assert ("success", *desk.taken("lost@example.com"), 1.5) == desk.states()[2]


async def test_the_source_of_the_knowledge_is_in_the_audit(tmp_path: Path) -> None:
    """How, who, and the event; LeadConduit's reason stands where it would have stood."""
    async with a_desk(tmp_path, ROWS) as desk:
        await desk.ask()
        audit = content(desk.ledger, "SELECT how, who, note FROM resolution ORDER BY row_id")
        reasons = content(desk.ledger, "SELECT row, reason FROM rows WHERE row IN (2, 3)")
        ids = [
            desk.sandbox._store.source_event_id(lead)  # noqa: SLF001  # no page shows them
            for email in ("lost@example.com", "refused@example.com", "cut@example.com")
            for lead in desk.taken(email)
        ]

    assert [(2, None), (3, "Cap reached")] == reasons
    assert [("reconciled", "ada", f"LeadConduit event {event_id}") for event_id in ids] == audit


async def test_what_was_found_is_not_sent_again_and_what_was_not_is_sent_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed command releases the row; the next submit sends it; the server has each once."""
    rows = {**ROWS, "never@example.com": ("close_beforex1", "")}
    async with a_desk(tmp_path, rows) as desk:
        bulkpost = Commands(capsys, str(desk.ledger))
        config = tmp_path / "quick.toml"
        config.write_text("[api]\nrate = '1000/s'\n")
        asking = ("doubt", "reconcile", "--settle", "0s", "--config", str(config))
        capsys.readouterr()  # the run's own log
        dry = (await desk.command(bulkpost, *asking, "--dry-run", "--json")).document
        done = await desk.command(bulkpost, *asking)
        assert 5 == done.status, done.err
        (command,) = [line for line in done.err.splitlines() if "--as not-received" in line]
        words = command.split("$ bulkpost ")[1].split(" --ledger")[0].replace("'", "")
        note = words.index("--note")
        told = await desk.command(bulkpost, *words[:note].split(), "--note", words[note + 7 :])
        assert 0 == told.status, told.err
        await desk.submit()

    first = dry["rows"][0]
    (lost,) = desk.taken("lost@example.com")
    assert ("1:2", "found", "success", lost, "1.50") == tuple(
        first[name] for name in ("row", "finding", "outcome", "lead_id", "price")
    )
    assert (0, 4) == (dry["resolved"], dry["in_doubt_left"])
    assert [command.strip("$ ")] == dry["commands"]
    assert f"1:2  success, lead id {lost}, price 1.50; LeadConduit event" in done.out
    assert {1} == {len(desk.taken(email)) for email in rows}
    assert ("success", *desk.taken("never@example.com"), 1.5) == desk.states()[4]


async def test_a_dry_run_asks_and_writes_nothing(tmp_path: Path) -> None:
    """The same findings; the rows stay in doubt."""
    async with a_desk(tmp_path, ROWS) as desk:
        before = content(desk.ledger, "SELECT * FROM outcome ORDER BY row_id")
        told = await desk.ask(is_dry=True)

        assert before == content(desk.ledger, "SELECT * FROM outcome ORDER BY row_id")
        assert told == await desk.ask()


async def test_what_may_still_be_on_its_way_is_not_offered(tmp_path: Path) -> None:
    """Too early: neither found nor not found, whatever the records lack."""
    async with a_desk(tmp_path, ROWS, sandbox={"api": {"lag_s": 3600}}) as desk:
        told = await desk.ask(settle_ms=900_000)
        later = await desk.ask()

    assert {"too_early"} == {line.split()[1] for line in told}
    # The age is right, but a lead that must be there is not found either.
    assert {"unproven"} == {line.split()[1] for line in later}


async def test_a_flow_that_drops_the_reference_proves_nothing(tmp_path: Path) -> None:
    """A field that the flow has not got is ignored there: no lead of such a run can be found."""
    async with a_desk(tmp_path, ROWS, sandbox={"flow": {"fields": [{"name": "email"}]}}) as desk:
        told = await desk.ask()

    assert {"unproven"} == {line.split()[1] for line in told}
    assert "1:1" in desk.found[0].words


async def test_a_run_in_which_nothing_was_answered_proves_nothing(tmp_path: Path) -> None:
    """There is no other lead that must be there."""
    async with a_desk(tmp_path, {"never@example.com": (NEVER, "")}) as desk:
        assert ["1:1 unproven"] == await desk.ask()


async def test_rows_without_a_reference_are_named(tmp_path: Path) -> None:
    """Neither a reference nor a lead id: nobody is asked, and no key is needed."""
    async with a_desk(tmp_path, ROWS, map__reference="") as desk:
        told = await desk.ask()

    assert {"no_reference"} == {line.split()[1] for line in told}


async def test_a_salvaged_lead_id_is_enough(tmp_path: Path) -> None:
    """A broken answer that still held the id."""
    rows = {"late@example.com": ("cut_late", "failure:too late")}
    async with a_desk(tmp_path, rows, map__reference="") as desk:
        assert ["1:1 found FAILURE"] == await desk.ask()
        assert ("failure", *desk.taken("late@example.com"), 0) == desk.states()[1]


async def test_a_lead_taken_twice_is_told_as_often(tmp_path: Path) -> None:
    """A 502 after taking, then a lost answer: the first success counts, the note has both."""
    rows = {"fine@example.com": ("", ""), "twice@example.com": ("", "")}
    faults = [{"kind": "502_after", "burst": 1, "after": 1}, {"kind": LOST, "after": 2}]
    async with a_desk(tmp_path, rows, sandbox={"faults": faults, "duplicates": False}) as desk:
        first, second = desk.taken("twice@example.com")
        assert ["1:2 found SUCCESS"] == await desk.ask()

    assert ("success", first, 1.5) == desk.states()[2]
    assert 2 == desk.found[0].accepted
    ((note,),) = content(desk.ledger, "SELECT note FROM resolution")
    assert second in note
    assert "2 times" in note


async def test_equal_rows_that_are_leads_of_their_own_are_told_apart(tmp_path: Path) -> None:
    """With ``--duplicates submit`` a reference names the row; one lead is not another's."""
    faults = [{"kind": LOST, "burst": 1}, {"kind": NEVER, "after": 2}]
    listed = table(tmp_path / "same.csv", ["email"], [["a@x.org"], ["b@x.org"], ["a@x.org"]])
    values = {"seed": 7, "faults": faults}
    sandbox = Sandbox(msgspec.convert(values, SandboxSettings))
    async with serve(sandbox) as address:
        order = an_order(
            address.origin,
            listed,
            ledger=tmp_path / "bulkpost.db",
            map__reference="reference",
            duplicates="submit",
            engine__concurrency=1,
        )
        desk = Desk(sandbox, order)
        await desk.submit()
        first = await desk.ask()
        await desk.submit()
        second = await desk.ask()

    assert (["1:1 found SUCCESS"], ["1:3 unproven"]) == (first, second)
    assert 1 == len(desk.taken("a@x.org"))


async def test_an_earlier_sending_of_the_row_is_not_taken_for_the_last(tmp_path: Path) -> None:
    """A failure that was sent again, and lost: its first answer says nothing of the second."""
    rows = {"fine@example.com": ("", ""), "again@example.com": ("", "failure:no")}
    faults = {"faults": [{"kind": NEVER, "after": 2}]}
    async with a_desk(tmp_path, rows, sandbox=faults) as desk:
        async with open_for_decisions(desk.ledger, "test", SystemClock()) as ledger:
            await release(ledger, 1, frozenset({State.FAILURE}), Author("ada", "retry", 0))
        await desk.submit()
        assert "in_doubt" == desk.states()[2][0]

        assert ["1:2 unproven"] == await desk.ask()


async def test_a_pruned_row_that_was_sent_again_is_asked_about(tmp_path: Path) -> None:
    """When it was tried first has gone; nothing younger than its run is left out."""
    rows = {"fine@example.com": ("", ""), "again@example.com": ("", "failure:no")}
    faults = {"faults": [{"kind": LOST, "after": 2}]}
    async with a_desk(tmp_path, rows, sandbox=faults) as desk:
        clock = SystemClock()
        async with open_for_decisions(desk.ledger, "test", clock) as ledger:
            after_ms = int(clock.now_at().timestamp() * 1000) + 1
            plan = await plan_prune(ledger.reader, ledger.paths, after_ms)
            await prune(ledger, plan, after_ms)
            await release(ledger, 1, frozenset({State.FAILURE}), Author("ada", "retry", 0))
        await desk.submit()
        assert "in_doubt" == desk.states()[2][0]

        assert ["1:2 found FAILURE"] == await desk.ask()
        assert desk.taken("again@example.com")[1:] == [desk.states()[2][1]]


async def test_an_earlier_answer_without_a_lead_id_is_not_taken_for_the_last(
    tmp_path: Path,
) -> None:
    """The account tells none, so none can be left out: a person looks, unless one is a success."""
    rows = {"fine@example.com": ("", ""), "again@example.com": ("", "failure:no")}
    faults = {"faults": [{"kind": NEVER, "after": 2}], "reply_fields": ["outcome", "reason"]}
    async with a_desk(tmp_path, rows, sandbox=faults) as desk:
        async with open_for_decisions(desk.ledger, "test", SystemClock()) as ledger:
            await release(ledger, 1, frozenset({State.FAILURE}), Author("ada", "retry", 0))
        await desk.submit()

        assert ["1:2 held"] == await desk.ask()
        assert "in_doubt" == desk.states()[2][0]
        assert "answered before without a lead id" in desk.found[0].words


async def test_http_errors_are_asked_about_on_demand(tmp_path: Path) -> None:
    """A 500 that came after the lead was taken."""
    rows = {"fine@example.com": ("", ""), "odd@example.com": ("500_after", "")}
    async with a_desk(tmp_path, rows) as desk:
        assert [] == await desk.ask()
        assert ["1:2 found SUCCESS"] == await desk.ask(with_http_errors=True)
        assert ("success", *desk.taken("odd@example.com"), 1.5) == desk.states()[2]


async def test_a_key_is_needed_where_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To this machine it is sent only if the config names it; a wrong one changes nothing."""
    async with a_desk(tmp_path, ROWS, sandbox={"api": {"key": KEY}}) as desk:
        origin = desk.order.settings.url.partition("/flows")[0]
        monkeypatch.setenv("BULKPOST_API_KEY", KEY)
        with pytest.raises(ConfigError, match="wants an API key"):
            await desk.ask()
        desk.order = replaced(desk.order, api__url=origin)
        monkeypatch.setenv("BULKPOST_API_KEY", "another")
        with pytest.raises(ConfigError, match="does not accept"):
            await desk.ask()
        assert "in_doubt" == desk.states()[2][0]
        monkeypatch.setenv("BULKPOST_API_KEY", KEY)
        assert "1:2 found SUCCESS" in await desk.ask()


async def test_a_sandbox_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Nothing is concluded from a host that does not answer."""
    async with a_desk(tmp_path, ROWS) as desk:
        pass
    desk.order = replaced(desk.order, api__attempts_max=1)
    with pytest.raises(ApiError):
        await desk.ask()

    assert "in_doubt" == desk.states()[2][0]

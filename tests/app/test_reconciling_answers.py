"""Rows in doubt, looked up: what a server may say, and what follows from it."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from asking import Records, Waits, event
from faultserver import fault_server
from ledgers import content
from msgspec.structs import replace
from past_runs import DESTINATION, Ending, Past, ended, key_of, leads_csv, make_past, ok
from submitting import child_env

from bulkpost.app.reconciling import Inquiry, reconcile
from bulkpost.config import Settings
from bulkpost.errors import ApiError, BulkpostError, LedgerBusyError, UsageError
from bulkpost.ledger.decisions import open_for_decisions
from bulkpost.ledger.entries import row_id_of
from bulkpost.mapping.identity import key_of_place, reference_of
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.reconciled import Reconciled
from bulkpost.reporting.sought import Choice

_K = OutcomeKind
FLOW = DESTINATION.partition("/flows/")[2][:24]
SALVAGED = "d" * 24
ENDINGS = [
    ok(1),
    ended(2, _K.IN_DOUBT, "no answer"),
    ended(3, _K.IN_DOUBT, "no answer"),
    Ending(4, Outcome(_K.IN_DOUBT, "the answer was cut", 201, SALVAGED)),
    ended(5, _K.HTTP_ERROR, "500", 500),
]


class Desk:
    """A ledger of a run in the past, and a server that says what it is told to."""

    def __init__(self, ledger: Path, records: Records, origin: str) -> None:
        self.ledger = ledger
        self.records = records
        self.found: list[Reconciled] = []
        settings = Settings()
        api = replace(settings.api, url=origin, rate="10000/s", attempts_max=2)
        self.settings = replace(settings, api=api)
        ((self.ledger_id,),) = content(ledger, "SELECT value FROM meta WHERE name = 'ledger_id'")

    def reference(self, row: int, *, is_own: bool = False) -> str:
        key = key_of(row_id_of(1, row))
        return reference_of(self.ledger_id, key_of_place(key, 1, row) if is_own else key)

    def has(self, row: int, *numbers: int, **changes: Any) -> None:
        """Let the server know a row's lead, by its reference, in an event of each number."""
        self.records.events[self.reference(row)] = [
            self.event(row, number, **changes) for number in numbers or (row,)
        ]

    def event(self, row: int, number: int, **changes: Any) -> dict[str, Any]:
        lead = {"id": f"{number:024x}", "reference": self.reference(row), **changes.pop("lead", {})}
        told = {"vars": {"lead": lead, "flow": {"id": changes.pop("flow", FLOW)}}, **changes}
        return event(number, **told)

    async def ask(
        self, tell: Callable[[Reconciled], None] | None = None, **choice: Any
    ) -> dict[str, str]:
        """Reconcile; return finding and outcome by row."""
        self.found = []
        settle_ms = choice.pop("settle_ms", 0)
        inquiry = Inquiry(Choice(**choice), settle_ms, "ada")
        take = tell or self.found.append
        await reconcile(self.ledger, self.settings, inquiry, take, Waits())
        return {
            found.row.name: found.finding.value
            + (f" {found.resolution.state.name}" if found.resolution else "")
            for found in self.found
        }

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.ledger)) as database, database:
            for statement in statements:
                database.execute(statement)

    def states(self) -> dict[int, str]:
        return dict(content(self.ledger, "SELECT row, outcome FROM rows ORDER BY row"))


@asynccontextmanager
async def a_desk(
    folder: Path, *endings: Ending, reference: str | None = "reference", **settings: Any
) -> AsyncIterator[Desk]:
    ledger = folder / "bulkpost.db"
    past = Past(list(endings or ENDINGS), settings={"reference": reference, **settings})
    await make_past(ledger, leads_csv(folder / "leads.csv", 9), past)
    records = Records()
    async with fault_server(records.script) as server:
        yield Desk(ledger, records, server.url)


async def test_each_row_is_asked_about_by_its_own_reference(tmp_path: Path) -> None:
    """The reference is nowhere in the ledger, and made again; a control row shows that it works."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        desk.has(2, outcome="failure", reason="Cap reached", response=None)
        told = await desk.ask()

    assert {"1:2": "found FAILURE", "1:3": "not_found", "1:4": "held"} == told
    assert desk.reference(2).encode() not in desk.ledger.read_bytes()
    assert {"failure", "in_doubt"} == {desk.states()[row] for row in (2, 3, 4)}


async def test_an_event_that_does_not_carry_the_reference_is_nobodys(tmp_path: Path) -> None:
    """A server that ignores the question, and tells whatever it has."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        desk.records.events[desk.reference(2)] = [desk.event(7, 7), desk.event(8, 8)]
        told = await desk.ask()

    assert "not_found" == told["1:2"]


async def test_an_event_of_another_flow_is_not_the_rows(tmp_path: Path) -> None:
    """A flow may send its leads on into another flow, reference and all."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        desk.has(2, 12, flow="e" * 24)
        told = await desk.ask()

    assert "not_found" == told["1:2"]


async def test_where_each_row_names_its_flow_any_flow_is_the_rows(tmp_path: Path) -> None:
    """The ledger does not keep which flow a row named; the reference has to do."""
    async with a_desk(tmp_path) as desk:
        desk.change("UPDATE destination SET name = 'https://x.example/flows/*/sources/*/submit'")
        desk.has(1)
        desk.has(2, 12, flow="e" * 24)
        told = await desk.ask()

    # That row 1 is found where it went says nothing of the flow that row 3 named.
    assert ("found SUCCESS", "unproven") == (told["1:2"], told["1:3"])


async def test_rows_of_feedback_are_left_to_a_person(tmp_path: Path) -> None:
    """Feedback carries no reference of ours; no question is asked."""
    async with a_desk(tmp_path) as desk:
        desk.change("UPDATE destination SET kind = 'feedback'")
        told = await desk.ask()

    assert {"feedback"} == set(told.values())
    assert [] == desk.records.asked


async def test_a_lead_that_only_the_search_finds_is_held(tmp_path: Path) -> None:
    """It is there; what became of it is for a person to see. It is never offered for sending."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        found = {"lead_id": "e" * 24, "flow_id": FLOW, "reference": desk.reference(2)}
        desk.records.hits[desk.reference(2)] = [found]
        other = {"lead_id": "f" * 24, "flow_id": FLOW, "reference": "another"}
        desk.records.hits[desk.reference(3)] = [other]
        told = await desk.ask()

    assert ("held", "not_found") == (told["1:2"], told["1:3"])
    assert "e" * 24 in desk.found[0].words


async def test_the_search_leads_to_the_event(tmp_path: Path) -> None:
    """Where rules about a reference find nothing, the lead's id does."""
    async with a_desk(tmp_path) as desk:
        lead_id = f"{2:024x}"
        desk.records.hits[desk.reference(2)] = [{"lead_id": lead_id, "flow_id": FLOW}]
        desk.records.events[lead_id] = [desk.event(2, 2)]
        told = await desk.ask()

    assert "found SUCCESS" == told["1:2"]


@pytest.mark.parametrize("outcome", [None, "deferred", "skip", ""])
async def test_an_outcome_that_is_none_is_no_fact(outcome: str | None, tmp_path: Path) -> None:
    """The lead is there, so it is not offered as not received either."""
    async with a_desk(tmp_path) as desk:
        desk.has(2, outcome=outcome)
        told = await desk.ask()

    assert "held" == told["1:2"]
    assert "in_doubt" == desk.states()[2]


@pytest.mark.parametrize(
    ("outcomes", "state", "number"),
    [
        (["failure", "success", "success"], "SUCCESS", 22),
        (["failure", "failure"], "FAILURE", 22),
        (["success", "failure"], "SUCCESS", 21),
        (["error", "failure", "error"], "ERROR", 23),
    ],
)
async def test_of_several_events_the_first_success_counts_else_the_last(
    outcomes: list[str], state: str, number: int, tmp_path: Path
) -> None:
    """All of them stand in the audit trail."""
    async with a_desk(tmp_path) as desk:
        desk.records.events[desk.reference(2)] = [
            desk.event(2, number, outcome=outcome) for number, outcome in enumerate(outcomes, 21)
        ]
        told = await desk.ask()

    assert f"found {state}" == told["1:2"]
    ((lead_id, note),) = content(
        desk.ledger, "SELECT lower(hex(lead_id)), note FROM resolution WHERE row_id & 255 = 2"
    )
    assert f"{number:024x}" == lead_id
    others = [f"{n:024x}" for n in range(21, 21 + len(outcomes)) if n != number]
    assert all(other in note for other in others)
    assert outcomes.count("success") == desk.found[0].accepted


@pytest.mark.parametrize("is_pruned", [False, True])
async def test_a_lead_of_another_row_is_not_taken_for_this_ones(
    tmp_path: Path, *, is_pruned: bool
) -> None:
    """Two rows with one key: what is known to be the other's says nothing of this one."""
    shared = key_of(row_id_of(1, 9))
    first_row = Ending(1, ok(1).outcome, key=shared)
    lost = Outcome(_K.IN_DOUBT, "lost")
    second_row = Ending(2, lost, key=shared, allow_duplicate=True)
    async with a_desk(tmp_path, first_row, second_row, ok(3)) as desk:
        if is_pruned:
            desk.change(
                "INSERT INTO kept_key SELECT key, row_id, content FROM outcome"
                " WHERE row_id & 255 = 1",
                "UPDATE outcome SET key = NULL, elapsed_ms = NULL WHERE row_id & 255 = 1",
            )
        desk.has(3)
        desk.records.events[desk.reference(9)] = [desk.event(9, 1)]
        first = await desk.ask()
        desk.records.events[desk.reference(9)].append(desk.event(9, 2, outcome="failure"))
        second = await desk.ask()

    assert ({"1:2": "not_found"}, {"1:2": "found FAILURE"}) == (first, second)


async def test_what_was_found_before_the_server_failed_is_kept(tmp_path: Path) -> None:
    """Each row is committed before the next one is asked about; the same command goes on."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        desk.has(2)
        desk.has(3)
        desk.records.answers_max = 1
        with pytest.raises(ApiError, match="did not answer"):
            await desk.ask()
        assert ["1:2"] == [found.row.name for found in desk.found]
        assert ("success", "in_doubt") == (desk.states()[2], desk.states()[3])

        desk.records.answers_max = 1_000
        assert {"1:3": "found SUCCESS", "1:4": "held"} == await desk.ask()


async def test_it_may_be_interrupted_and_leaves_the_ledger_free(tmp_path: Path) -> None:
    """What was told is written; the lock is free; the rest is found the next time."""
    async with a_desk(tmp_path) as desk:
        desk.has(1)
        desk.has(2)
        desk.has(3)
        with anyio.CancelScope() as scope:
            await desk.ask(lambda _found: scope.cancel())
        assert ("success", "in_doubt") == (desk.states()[2], desk.states()[3])
        assert "found SUCCESS" == (await desk.ask())["1:3"]


async def test_killed_it_has_kept_what_it_had_told(tmp_path: Path) -> None:
    """SIGKILL while the second row is asked about: the first is settled, and the rest goes on."""
    async with a_desk(tmp_path) as desk:
        for row in (1, 2, 3):
            desk.has(row)
        config = tmp_path / "quick.toml"
        config.write_text(f"[api]\nurl = '{desk.settings.api.url}'\nrate = '1000/s'\n")
        words = ("doubt", "reconcile", "--settle", "0s", "--config", str(config))
        async with await anyio.open_process(
            [sys.executable, "-m", "bulkpost", *words, "--ledger", str(desk.ledger)],
            env=child_env(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            third = desk.reference(3)
            desk.records.on_question = lambda text: child.kill() if text == third else None
            with anyio.fail_after(60):
                status = await child.wait()
        desk.records.on_question = None

        assert -signal.SIGKILL == status
        assert ("success", "in_doubt") == (desk.states()[2], desk.states()[3])
        assert {"1:3": "found SUCCESS", "1:4": "held"} == await desk.ask()


async def test_a_ledger_in_use_is_not_written_to(tmp_path: Path) -> None:
    """Under its lock, like every decision."""
    async with (
        a_desk(tmp_path) as desk,
        open_for_decisions(desk.ledger, "test", Waits()),
    ):
        with pytest.raises(LedgerBusyError):
            await desk.ask()

    assert [] == desk.records.asked


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        ({"run_id": 1}, {"1:2", "1:3", "1:4"}),
        ({"since_ms": 4_000_000_000_000}, set()),
        ({"with_http_errors": True}, {"1:2", "1:3", "1:4", "1:5"}),
    ],
)
async def test_rows_are_chosen(choice: dict[str, Any], rows: set[str], tmp_path: Path) -> None:
    """By run, by time, by state."""
    async with a_desk(tmp_path) as desk:
        assert rows == set(await desk.ask(**choice))
        with pytest.raises(UsageError):
            await desk.ask(run_id=7)


async def test_a_row_whose_run_died_is_asked_about(tmp_path: Path) -> None:
    """What was armed is in doubt, and had its reference."""
    async with a_desk(tmp_path, ok(1), Ending(2, None)) as desk:
        desk.has(2)
        assert {"1:2": "found SUCCESS"} == await desk.ask()


async def test_references_of_rows_that_are_leads_of_their_own(tmp_path: Path) -> None:
    """``--duplicates submit``: the reference is the place's, not the key's."""
    async with a_desk(tmp_path, duplicates="submit") as desk:
        text = desk.reference(2, is_own=True)
        told = desk.event(2, 2, lead={"reference": text})
        desk.records.events[text] = [told]
        assert "found SUCCESS" == (await desk.ask())["1:2"]
        assert desk.reference(2) not in desk.records.asked


async def test_reasons_are_scrubbed_of_the_leads_values(tmp_path: Path) -> None:
    """LeadConduit repeats in a reason what it was sent; the event says what that was."""
    lead = {"first_name": "Zyxquorra", "phone_1": {"raw": "(512) 555-0143", "normal": "5125550143"}}
    async with a_desk(tmp_path) as desk:
        reason = "Zyxquorra at 512.555.0143 or zy@x.org was seen before"
        desk.has(2, lead=lead, outcome="failure", reason=reason)
        await desk.ask()

    ((kept,),) = content(desk.ledger, "SELECT reason FROM rows WHERE row = 2")
    assert "[first_name] at [digits] or [email] was seen before" == kept


async def test_no_answer_makes_a_row_be_sent_again(tmp_path: Path) -> None:
    """Whatever comes, no row is pending or deferred afterwards: only a person releases one."""
    async with a_desk(tmp_path) as desk:
        hostile: list[Any] = [[], [{"id": "x"}], [[]], [{"id": SALVAGED, "type": "source"}]]
        for told in hostile:
            desk.records.events[desk.reference(2)] = told
            with suppress(BulkpostError):
                await desk.ask()
            assert {"in_doubt"} == {desk.states()[row] for row in (2, 3, 4)}

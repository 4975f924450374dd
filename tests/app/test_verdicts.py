"""LeadConduit's verdicts, end to end; cases S28 and S29 of the fault catalogue."""

import json
from pathlib import Path

import pytest
from faultserver import close, fault_server
from odd_answers import ID, ONCE, third_row
from submitting import (
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    asked,
    bulkpost,
    endings,
    row_in,
    submitted,
    taken,
    verdict,
)

from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.status import ExitStatus


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        pytest.param(
            verdict("failure", reason="duplicate", lead={"id": ID}, price=0),
            OutcomeKind.FAILURE,
            "duplicate",
            id="failure",
        ),
        pytest.param(
            verdict("error", reason="no flow", lead={"id": ID}),
            OutcomeKind.ERROR,
            "no flow",
            id="error",
        ),
        pytest.param(
            verdict("success", lead={"id": ID.upper()}), OutcomeKind.SUCCESS, None, id="success"
        ),
    ],
)
async def test_leadconduits_verdicts_are_final(
    answer: bytes, kind: OutcomeKind, reason: str | None, tmp_path: Path
) -> None:
    """Outcome, reason and lead id are kept as they came, and the row is never sent again."""
    status, states, counts = await third_row(answer, tmp_path)

    assert (all_of(6, _3=kind.value), ONCE) == (states, counts)
    assert (ExitStatus.ROWS_BAD if kind is OutcomeKind.ERROR else ExitStatus.DONE) is status
    assert (reason, ID) == row_in(tmp_path / "l.db", 3, "reason, lead_id")


async def test_s28_a_lead_id_that_comes_twice_is_kept_twice_and_told(tmp_path: Path) -> None:
    """If LeadConduit answers two rows with the same lead id, both answers are kept.

    Nothing is sent again for it, and ``bulkpost verify`` tells the id.
    """
    leads, ledger = a_list(tmp_path, 4), tmp_path / "l.db"
    answerer = Answerer({2: [taken(3)]})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))
    told = await bulkpost("verify", "--ledger", ledger, cwd=tmp_path)

    assert (ExitStatus.DONE, all_of(4)) == (result.exit_status, endings(ledger))
    assert dict.fromkeys(range(1, 5), 1) == answerer.counts
    assert [(ID,)] * 2 == [row_in(ledger, row, "lead_id") for row in (2, 3)]
    assert 0 == told.returncode
    assert f"lead id {ID} was answered for 2 rows" in told.stdout.decode()


BEFORE = "received before, or a duplicate of another lead"


async def test_s29_a_duplicate_after_a_doubt_is_told_as_perhaps_received_before(
    tmp_path: Path,
) -> None:
    """If a row in doubt is sent again and LeadConduit refuses it as a duplicate, that is told.

    The row keeps LeadConduit's verdict, a failure; ``bulkpost show`` adds that the lead was
    received before or is a duplicate of another lead. Who released the row, and when, stays in the
    ledger.
    """
    leads, ledger = a_list(tmp_path, 4), tmp_path / "l.db"
    duplicate = verdict("failure", reason="Duplicate lead", lead={"id": ID})
    answerer = Answerer({2: [duplicate], 3: [[close], duplicate]})
    places = ("--ledger", ledger)
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        await submitted(order)
        before = await bulkpost("show", *places, cwd=tmp_path)
        released = await bulkpost("doubt", "resend", "1:3", "--now", "-y", *places, cwd=tmp_path)
        result = await submitted(order)
    run = await bulkpost("show", *places, cwd=tmp_path)
    repeated = await bulkpost("show", "--row", "3", "--json", *places, cwd=tmp_path)
    first = await bulkpost("show", "--row", "2", *places, cwd=tmp_path)

    assert (0, ExitStatus.DONE) == (released.returncode, result.exit_status)
    assert {1: 1, 2: 1, 3: 2, 4: 1} == answerer.counts
    assert all_of(4, _2="failure", _3="failure") == endings(ledger)
    row = json.loads(repeated.stdout)
    assert ("failure", "Duplicate lead", 1) == (
        row["state"],
        row["reason"],
        row["ambiguous_retries"],
    )
    assert row["remark"].startswith(BEFORE)
    assert [("resend", "in doubt", "deferred")] == [
        (decided["how"], decided["before"], decided["after"]) for decided in row["resolutions"]
    ]
    assert f"1 failure of these says duplicate: {BEFORE}" in " ".join(run.stdout.decode().split())
    assert BEFORE not in " ".join((before.stdout + first.stdout).decode().split())


async def test_every_price_is_added_up_and_kept(tmp_path: Path) -> None:
    """What was spent can be read from the ledger to the last micro unit."""
    leads, ledger, observer = a_list(tmp_path, 3), tmp_path / "l.db", Recorder()
    plan = {row: [verdict(price=price)] for row, price in enumerate((0.1, 0.2, 1.234567), 1)}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger), observer)

    assert [(1_534_567,)] == asked(ledger, "SELECT sum(price_micros) FROM outcome")
    assert 1_534_567 == observer.watched[0].tally.price_micros

"""What a later run makes of an input: the same, renamed, grown, re-sorted, edited, split."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.child import SUBMIT, run
from harness.judge import Judge, running_judge
from harness.lists import Line, lines, write_list
from harness.snapshot import RowOnDisk

from bulkpost.destination import Environment
from bulkpost.ledger import schema
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.states import State

ROWS = 30


@pytest.fixture
def done(campaign: Campaign) -> Campaign:
    """A list that was submitted to its end."""
    campaign.a_list(ROWS)
    assert 0 == campaign.run().status
    assert ROWS == len(campaign.flow.leads())
    return campaign


@pytest.fixture
def cut_short(campaign: Campaign) -> Campaign:
    """A list of which ten rows were submitted."""
    campaign.a_list(ROWS)
    campaign.options = ["--limit", "10"]
    assert 6 == campaign.run().status
    campaign.options = []
    assert 10 == len(campaign.flow.leads())
    return campaign


def _sent_once(campaign: Campaign, rows: int) -> None:
    taken = campaign.flow.ids()
    assert rows == len(taken)
    assert {1} == {len(lead_ids) for lead_ids in taken.values()}


def test_the_same_file_sends_nothing_again(done: Campaign) -> None:
    """A finished input stays finished; the second run is a run of no rows."""
    again = done.run()

    assert 0 == again.status
    assert ROWS == len(done.flow.leads())
    assert 1 == len(done.snapshot().inputs)


def test_an_interrupted_file_goes_on_where_it_stood(cut_short: Campaign) -> None:
    """The rows that had no turn are sent, and no other."""
    assert 0 == cut_short.until_done().status
    _sent_once(cut_short, ROWS)
    assert [] == cut_short.wrong


def test_a_renamed_file_is_the_same_input(cut_short: Campaign) -> None:
    """An input is known by its bytes, not by its name."""
    renamed = cut_short.folder / "renamed.csv"
    cut_short.inputs[0].rename(renamed)

    assert 0 == cut_short.run(renamed).status
    _sent_once(cut_short, ROWS)
    assert 1 == len(cut_short.snapshot().inputs)


def test_an_appended_file_sends_the_new_rows_only(cut_short: Campaign) -> None:
    """A known input that has grown is the same input: what was sent stays sent."""
    write_list(cut_short.inputs[0], lines(ROWS + 1, ROWS + 12), mode="a")
    cut_short.note(cut_short.inputs[0], lines(1, ROWS + 12), input_id=1)
    ended = cut_short.until_done()

    assert 0 == ended.status
    assert "rows added at its end" in ended.err
    _sent_once(cut_short, ROWS + 12)
    assert {1: (ROWS + 12, ROWS + 12)} == cut_short.snapshot().inputs
    assert [] == cut_short.wrong


def test_a_re_sorted_file_sends_what_is_missing(cut_short: Campaign) -> None:
    """Another order is another input, whose rows are known by their keys."""
    resorted = write_list(cut_short.folder / "resorted.csv", reversed(lines(1, ROWS)))

    assert 0 == cut_short.run(resorted).status
    _sent_once(cut_short, ROWS)
    found = cut_short.snapshot().counts(input_id=2)
    assert {State.SUCCESS: ROWS - 10, State.DUPLICATE: 10} == found


def test_an_edited_row_is_a_new_lead(done: Campaign) -> None:
    """With the content as its key, a changed row is another row; the others are duplicates."""
    edited = [Line(7, "changed") if line.number == 7 else line for line in lines(1, ROWS)]
    path = write_list(done.folder / "edited.csv", edited)

    assert 0 == done.run(path).status
    assert {"r000007": 2} == {
        reference: len(ids) for reference, ids in done.flow.ids().items() if len(ids) > 1
    }
    assert [7] == done.snapshot().numbers(State.SUCCESS, input_id=2)


def test_an_edited_row_with_a_key_is_a_conflict(campaign: Campaign) -> None:
    """With a key of its own, a changed row is the same row with other content: it is held."""
    campaign.options = ["--key", "reference"]
    campaign.a_list(ROWS)
    assert 0 == campaign.run().status
    edited = [Line(7, "changed") if line.number == 7 else line for line in lines(1, ROWS)]
    path = write_list(campaign.folder / "edited.csv", edited)

    assert 3 == campaign.run(path).status
    _sent_once(campaign, ROWS)
    assert [7] == campaign.snapshot().numbers(State.CONFLICT, input_id=2)


def test_a_split_file_sends_nothing_again(cut_short: Campaign) -> None:
    """Two halves of a list in one command: each row goes where it is missing."""
    halves = [
        write_list(cut_short.folder / "one.csv", lines(1, 12)),
        write_list(cut_short.folder / "two.csv", lines(13, ROWS)),
    ]

    assert 0 == cut_short.run(*halves).status
    _sent_once(cut_short, ROWS)
    assert 10 == cut_short.snapshot().counts(input_id=2)[State.DUPLICATE]


def test_two_equal_rows_are_one_lead(campaign: Campaign) -> None:
    """The second of two equal rows is a duplicate, also while the first is in flight."""
    campaign.a_list([*lines(1, 10), *lines(1, 10)])
    assert 0 == campaign.run().status

    _sent_once(campaign, 10)
    assert {State.SUCCESS: 10, State.DUPLICATE: 10} == campaign.snapshot().counts()


@pytest.mark.parametrize("fault", ["", "answered:9", "commit.done:9", "armed:14"])
def test_equal_rows_are_both_sent_when_asked_for(fault: str, campaign: Campaign) -> None:
    """With --duplicates submit each of two equal rows is sent once, over a crash too."""
    campaign.options = ["--duplicates", "submit"]
    campaign.concurrency = 1
    campaign.a_list([*lines(1, 10), *lines(1, 10)])
    campaign.is_judged = False  # a reference names two rows here
    if fault:
        assert 137 == campaign.run(fault=fault).status
    in_doubt = len(campaign.snapshot().numbers(State.ARMED))
    ended = campaign.run()
    again = campaign.run()

    found = campaign.snapshot().counts()
    assert (5 if in_doubt else 0) == ended.status == again.status
    assert in_doubt == found.get(State.IN_DOUBT, 0)
    # The twin of a row in doubt waits for that to be decided.
    assert 20 == found[State.SUCCESS] + in_doubt + found.get(State.DUPLICATE, 0)
    assert found.get(State.DUPLICATE, 0) <= in_doubt
    assert max(len(lead_ids) for lead_ids in campaign.flow.ids().values()) == 2
    assert found[State.SUCCESS] <= len(campaign.flow.leads()) <= found[State.SUCCESS] + in_doubt


def test_another_column_map_makes_other_leads_and_says_so(done: Campaign) -> None:
    """A content key covers what is sent; rows that have a verdict are left alone all the same."""
    (done.folder / "bulkpost.toml").write_text("[map.columns]\nnote = false\n")
    path = write_list(done.folder / "next.csv", lines(ROWS, ROWS + 1))
    other = done.run(path)
    again = done.run()

    assert (0, 0) == (other.status, again.status), other.err
    assert "not recognised" in other.err
    assert ROWS + 2 == len(done.flow.leads())


@pytest.mark.parametrize("was_packed", [True, False])
def test_a_packed_file_is_the_same_input(was_packed: bool, campaign: Campaign) -> None:  # noqa: FBT001
    """An input is known by its content: packing or unpacking it changes nothing."""
    plain = campaign.a_list(ROWS)
    packed = campaign.folder / "leads.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    first, second = (packed, plain) if was_packed else (plain, packed)
    campaign.options = ["--limit", "10"]
    assert 6 == campaign.run(first).status
    campaign.options = []

    assert 0 == campaign.run(second).status
    _sent_once(campaign, ROWS)
    assert 1 == len(campaign.snapshot().inputs)


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Judge]:
    """A sandbox that answers 502 to its first six requests."""
    with running_judge(tmp_path / "taken.jsonl", ["--fault", "502:burst=6"]) as judge:
        yield judge


def test_deferred_rows_are_submitted_again_with_their_counts(
    tmp_path: Path, refusing: Judge
) -> None:
    """Attempts and ambiguous retries are counted over all runs."""
    campaign = Campaign(tmp_path / "work", refusing.new_flow(), concurrency=1)
    campaign.a_list(3)
    _limit_attempts(campaign, 2)
    first = campaign.run()
    before = campaign.snapshot()
    second = campaign.run()

    assert (6, 0) == (first.status, second.status)
    assert {(State.DEFERRED, 2, 2)} == {_counts(row) for row in before.outcomes.values()}
    assert {(State.SUCCESS, 3, 2)} == {
        _counts(row) for row in campaign.snapshot().outcomes.values()
    }
    _sent_once(campaign, 3)


def test_a_due_time_survives_a_restart(tmp_path: Path) -> None:
    """A deferred row that is due too late is left alone by the next run, and sent when due."""
    options = ["--fault", "503:burst=1,retry_after=3600"]
    with running_judge(tmp_path / "taken.jsonl", options) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow(), concurrency=1)
        campaign.a_list(3)
        with campaign.start() as child:
            child.until(lambda: bool(campaign.snapshot().outcomes))
            child.kill()
        due_at_ms = campaign.snapshot().outcomes[1, 1].due_at_ms
        second = campaign.run()

        assert due_at_ms is not None
        assert 6 == second.status
        assert [1] == campaign.snapshot().numbers(State.DEFERRED)
        assert due_at_ms == campaign.snapshot().outcomes[1, 1].due_at_ms
        assert 0 == len(campaign.flow.ids().get("r000001", []))
        with closing(sqlite3.connect(campaign.ledger, isolation_level=None)) as database:
            database.execute("UPDATE due SET due_at_ms = due_at_ms - 3600000")
        assert 0 == campaign.run().status
        _sent_once(campaign, 3)


def test_a_deferred_row_whose_twin_was_sent_meanwhile_is_a_duplicate(
    tmp_path: Path, refusing: Judge
) -> None:
    """Its lead is at the server; there is nothing left to do, and the exit status says so."""
    campaign = Campaign(tmp_path / "work", refusing.new_flow(), concurrency=1)
    campaign.a_list(3)
    _limit_attempts(campaign, 2)
    assert 6 == campaign.run().status
    resorted = write_list(campaign.folder / "resorted.csv", reversed(lines(1, 3)))
    assert 0 == campaign.run(resorted).status
    last = campaign.run()

    assert 0 == last.status
    assert {(State.DUPLICATE, 2, 2)} == {
        _counts(row) for place, row in campaign.snapshot().outcomes.items() if place[0] == 1
    }
    _sent_once(campaign, 3)


@pytest.mark.parametrize("key", [(), ("--key", "reference")])
def test_a_duplicate_whose_lead_was_not_received_after_all_is_sent(
    key: tuple[str, ...], campaign: Campaign
) -> None:
    """The list that held it may be gone; ``check`` agrees, and the old list sends nothing."""
    campaign.options = key
    campaign.concurrency = 1
    old = campaign.a_list(4)
    assert 137 == campaign.run(old, fault="armed:2").status
    new = write_list(campaign.folder / "new.csv", [Line(4), Line(3), Line(2, "edited"), Line(1)])
    if not key:
        new = write_list(campaign.folder / "new.csv", reversed(lines(1, 4)))
    held = campaign.run(new)
    words = ("resolve", "1:2", "--as", "not-received", "--ledger", str(campaign.ledger))
    assert 0 == run([*SUBMIT[:3], "doubt", *words], campaign.folder).status
    check = [*SUBMIT[:3], "check", *campaign.argv(new)[4:], "--json"]
    del check[check.index("--concurrency") : check.index("--concurrency") + 2]
    plan = json.loads(run(check, campaign.folder).out)["plan"]
    sent, again = campaign.run(new), campaign.run(old)

    assert (3 if key else 0, 0, 3 if key else 0) == (held.status, sent.status, again.status)
    assert (1, 1, 0) == (plan["new"], plan["duplicate"], plan["conflict"])
    _sent_once(campaign, 4)


def test_invalid_rows_are_looked_at_again_when_the_map_changes(campaign: Campaign) -> None:
    """A row that could not be sent under the old rules is sent under the new ones."""
    path = campaign.folder / "leads.csv"
    path.write_text("reference,extra\nr000001,x\n,\n")
    config = campaign.folder / "bulkpost.toml"
    assert 3 == campaign.run(path).status
    assert [2] == campaign.snapshot().numbers(State.INVALID)
    config.write_text(config.read_text() + '[map.constants]\nlast_name = "K"\n')
    campaign.run(path)

    assert [] == campaign.snapshot().numbers(State.PENDING)
    assert 1 == len(campaign.flow.ids()["r000001"])


def test_a_ledger_of_the_sandbox_is_refused_for_live_and_the_reverse(campaign: Campaign) -> None:
    """What was a rehearsal never counts as sent, and what was sent never as a rehearsal."""
    path = campaign.a_list(3)
    campaign.run()
    live = f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit"
    refused = run(
        [*SUBMIT, str(path), "--url", live, "--ledger", str(campaign.ledger)], campaign.folder
    )
    paths = LedgerPaths(campaign.folder / "live.db")
    schema.create(paths, Environment.LIVE, 0)
    reverse = run(
        [
            *(*SUBMIT, str(path), "--url", campaign.flow.url, "--ledger", str(paths.database)),
            "--accept-rollback",  # no lock file has seen a ledger that was made by hand
        ],
        campaign.folder,
    )

    assert (7, 7) == (refused.status, reverse.status)
    assert "this is a sandbox ledger, and the destination is live" in refused.err
    assert "this is a live ledger, and the destination is sandbox" in reverse.err
    assert 3 == len(campaign.flow.leads())


def _limit_attempts(campaign: Campaign, attempts_max: int) -> None:
    config = campaign.folder / "bulkpost.toml"
    text = config.read_text().replace("\nattempts_max = 20", f"\nattempts_max = {attempts_max}")
    config.write_text(text)


def _counts(row: RowOnDisk) -> tuple[State, int, int]:
    return row.state, row.attempts, row.ambiguous

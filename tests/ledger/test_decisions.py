from collections.abc import Sequence
from pathlib import Path

import pytest
from past_runs import CLOCK, Ending, Past, ended, key_of, leads_csv, make_past, ok

from bulkpost.errors import LedgerBusyError, LedgerError, UsageError
from bulkpost.ledger.decisions import (
    Author,
    Resent,
    Resolution,
    open_for_decisions,
    release,
    resend,
    resolve,
)
from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.reader import open_reader
from bulkpost.ledger.states import TRANSITIONS, Change, State
from bulkpost.outcome import Outcome, OutcomeKind

_K = OutcomeKind
_ROWS = 9
_ENDINGS = [
    ok(1),
    ended(2, _K.FAILURE, "duplicate", 201),
    Ending(3, Outcome(_K.ERROR, "vendor error", 201, "e" * 24, 250_000)),
    ended(4, _K.HTTP_ERROR, "HTTP 500", 500),
    Ending(5, Outcome(_K.IN_DOUBT, "the answer was cut", 201, "d" * 24)),
    ended(6, _K.IN_DOUBT, "no answer"),
    ended(7, _K.INVALID, "4 cells, 3 columns"),
    ended(8, _K.DEFERRED, "HTTP 503", 503),
]


def an_author(at_ms: int | None = None) -> Author:
    now_at_ms = int(CLOCK.now_at().timestamp() * 1000)
    return Author("ada", "manual", at_ms if at_ms is not None else now_at_ms)


@pytest.fixture
async def ledger_path(tmp_path: Path) -> Path:
    path = tmp_path / "bulkpost.db"
    await make_past(path, leads_csv(tmp_path / "leads.csv", _ROWS), Past(_ENDINGS))
    return path


async def the_rows(path: Path) -> dict[int, tuple[int, int, str | None, str]]:
    """Return state, ambiguous, reason and lead id by row number."""
    async with open_reader(path) as reader:
        rows = await reader.fetch(
            "SELECT row_id & 0xFFFFFFFFFF, state, ambiguous, reason.text, lower(hex(lead_id))"
            " FROM outcome LEFT JOIN reason ON reason.id = reason_id ORDER BY 1"
        )
    return {row[0]: tuple(row[1:]) for row in rows}


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def sent_at_ms(path: Path) -> list[int]:
    """Return when the rows in doubt were sent."""
    async with open_reader(path) as reader:
        rows = await reader.fetch(
            "SELECT started_at_ms + elapsed_ms FROM outcome JOIN run ON run.id = run_id"
            " WHERE state = 20"
        )
    return [row[0] for row in rows]


async def the_audit(path: Path) -> Sequence[tuple[object, ...]]:
    async with open_reader(path) as reader:
        return await reader.fetch(
            "SELECT row_id & 0xFFFFFFFFFF, how, who, state_before, state_after,"
            " lower(hex(lead_id)), note FROM resolution ORDER BY row_id"
        )


async def test_released_rows_are_deferred_with_an_audit_row_each(ledger_path: Path) -> None:
    """Failure, error and http_error rows wait for the next submit; the ledger says who asked."""
    states = frozenset({State.FAILURE, State.ERROR, State.HTTP_ERROR})
    async with open_for_decisions(ledger_path, "retry", CLOCK) as ledger:
        assert 3 == await release(ledger, 1, states, Author("ada", "retry", 5))

    rows = await the_rows(ledger_path)
    assert "" == rows[3][3]
    assert [
        "was a failure; released to be sent again",
        "was an error; released to be sent again",
        "was an http error; released to be sent again",
    ] == [rows[row][2] for row in (2, 3, 4)]
    assert {2, 3, 4, 8} == {row for row, entry in rows.items() if entry[0] == State.DEFERRED}
    audit = await the_audit(ledger_path)
    assert [
        (2, "retry", "ada", 11, 50, "", None),
        (3, "retry", "ada", 12, 50, "e" * 24, "price before: 0.250000"),
        (4, "retry", "ada", 30, 50, "", None),
    ] == [tuple(row) for row in audit]


async def test_the_answer_of_a_released_row_stays_in_its_history(ledger_path: Path) -> None:
    """A verdict that gives way to another attempt is kept as an attempt of the row."""
    async with open_for_decisions(ledger_path, "retry", CLOCK) as ledger:
        await release(ledger, 1, frozenset({State.FAILURE}), an_author())

    async with open_reader(ledger_path) as reader:
        found = await reader.fetch(
            "SELECT attempt, state, http_status FROM attempt WHERE row_id = ?", (row_id_of(1, 2),)
        )
    assert [(1, 11, 201)] == [tuple(row) for row in found]


async def test_rows_in_doubt_are_released_only_if_named(ledger_path: Path) -> None:
    """Asking for http errors does not touch what is in doubt."""
    async with open_for_decisions(ledger_path, "retry", CLOCK) as ledger:
        await release(ledger, 1, frozenset({State.HTTP_ERROR}), an_author())
        assert State.IN_DOUBT == (await the_rows(ledger_path))[6][0]
        assert 2 == await release(ledger, 1, frozenset({State.IN_DOUBT}), an_author())

    rows = await the_rows(ledger_path)
    assert (State.DEFERRED, 1) == rows[6][:2]


@pytest.mark.parametrize("state", sorted(set(State)))
async def test_only_the_states_of_the_table_are_released(state: State, ledger_path: Path) -> None:
    """What ``TRANSITIONS`` does not allow is refused before anything is written."""
    async with open_for_decisions(ledger_path, "retry", CLOCK) as ledger:
        if Change.RELEASE in TRANSITIONS[state]:
            await release(ledger, 1, frozenset({state}), an_author())
            return
        with pytest.raises(UsageError) as caught:
            await release(ledger, 1, frozenset({state}), an_author())

    words = state.name.lower().replace("_", " ")
    assert f"rows that are {words} are not released" == caught.value.message
    assert "looked at by the next submit" in caught.value.advice
    assert not await the_audit(ledger_path)


async def test_a_release_keeps_to_its_run_and_its_input(tmp_path: Path) -> None:
    """Rows of another run, or of another input, stay as they are."""
    path = tmp_path / "bulkpost.db"
    first = leads_csv(tmp_path / "a.csv", 4)
    second = leads_csv(tmp_path / "b.csv", 5)
    failure = [ended(row, _K.FAILURE, "no") for row in (1, 2)]
    await make_past(path, first, Past(failure[:1]), Past(failure[1:]))
    await make_past(path, second, Past([ended(1, _K.FAILURE, "no")]))

    async with open_for_decisions(path, "retry", CLOCK) as ledger:
        assert 1 == await release(ledger, 1, frozenset({State.FAILURE}), an_author(), run_id=2)
        assert 1 == await release(ledger, 1, frozenset({State.FAILURE}), an_author())
        assert 1 == await release(ledger, 2, frozenset({State.FAILURE}), an_author())

    assert [1, 2, 1] == [row[0] for row in await the_audit(path)]


async def test_many_rows_are_released_in_bounded_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction holds more rows than the limit, and none is forgotten between two."""
    monkeypatch.setattr("bulkpost.ledger.decisions.TRANSACTION_ROWS_MAX", 3)
    path = tmp_path / "bulkpost.db"
    failures = [ended(row, _K.FAILURE, "no") for row in range(1, 9)]
    await make_past(path, leads_csv(tmp_path / "leads.csv", 8), Past(failures))

    async with open_for_decisions(path, "retry", CLOCK) as ledger:
        before = (await ledger.reader.fetch("SELECT number FROM commit_count"))[0][0]
        assert 8 == await release(ledger, 1, frozenset({State.FAILURE}), an_author())
        after = (await ledger.reader.fetch("SELECT number FROM commit_count"))[0][0]

    assert 3 == after - before


async def test_a_young_row_is_not_resent(ledger_path: Path) -> None:
    """LeadConduit may still be at work on it, so it stays in doubt, and the time is told."""
    async with open_for_decisions(ledger_path, "resend", CLOCK) as ledger:
        sent = await resend(ledger, None, an_author(), age_ms_min=600_000)

    latest_ms = max(await sent_at_ms(ledger_path))
    assert Resent(0, 2, latest_ms + 600_000) == sent
    assert State.IN_DOUBT == (await the_rows(ledger_path))[6][0]


async def test_a_row_is_old_enough_to_the_millisecond(ledger_path: Path) -> None:
    """At the moment that was named as the end of the wait, the wait is over."""
    latest_ms = max(await sent_at_ms(ledger_path))
    async with open_for_decisions(ledger_path, "resend", CLOCK) as ledger:
        names = [row_id_of(1, 5), row_id_of(1, 6)]
        early = await resend(ledger, names, an_author(latest_ms + 59_999), age_ms_min=60_000)
        sent = await resend(ledger, None, an_author(latest_ms + 60_000), age_ms_min=60_000)

    assert latest_ms + 60_000 == early.held_until_ms
    assert (early.held, 0) == (sent.released, sent.held)


async def test_many_rows_are_resent_and_held_over_many_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, each row in doubt is looked at once."""
    monkeypatch.setattr("bulkpost.ledger.decisions.TRANSACTION_ROWS_MAX", 3)
    path = tmp_path / "bulkpost.db"
    doubts = [ended(row, _K.IN_DOUBT, "no answer") for row in range(1, 9)]
    await make_past(path, leads_csv(tmp_path / "leads.csv", 8), Past(doubts))
    now_ms = max(await sent_at_ms(path))

    async with open_for_decisions(path, "resend", CLOCK) as ledger:
        held = await resend(ledger, None, an_author(now_ms), age_ms_min=60_000)
        later = an_author(now_ms + 60_000)
        named = await resend(ledger, [row_id_of(1, 8)], later, age_ms_min=60_000)
        rest = await resend(ledger, None, later, age_ms_min=60_000)

    assert [8, 0, 0] == [held.held, named.held, rest.held]
    assert [0, 1, 7] == [held.released, named.released, rest.released]


async def test_an_old_row_is_resent_and_counted_as_ambiguous(ledger_path: Path) -> None:
    """The row may be taken twice now, which its count of ambiguous retries says for good."""
    later = an_author(int(CLOCK.now_at().timestamp() * 1000) + 600_001)
    async with open_for_decisions(ledger_path, "resend", CLOCK) as ledger:
        sent = await resend(ledger, [row_id_of(1, 5)], later, age_ms_min=600_000)

    assert Resent(1) == sent
    rows = await the_rows(ledger_path)
    assert (State.DEFERRED, 1) == rows[5][:2]
    assert State.IN_DOUBT == rows[6][0]
    assert "d" * 24 == (await the_audit(ledger_path))[0][5]


async def test_a_row_that_is_not_in_doubt_is_not_resent(ledger_path: Path) -> None:
    """One wrong name among several releases none of them."""
    names = [row_id_of(1, 6), row_id_of(1, 1)]
    async with open_for_decisions(ledger_path, "resend", CLOCK) as ledger:
        with pytest.raises(UsageError, match="row 1:1 is not in doubt, but success") as caught:
            await resend(ledger, names, an_author(), age_ms_min=0)
        with pytest.raises(UsageError, match="row 1:4 is not in doubt, but http error"):
            await resend(ledger, [row_id_of(1, 4)], an_author(), age_ms_min=0)

    assert "`bulkpost retry` sends other rows again" in caught.value.advice
    assert not await the_audit(ledger_path)


@pytest.mark.parametrize("state", [State.SUCCESS, State.FAILURE, State.ERROR])
async def test_a_doubt_is_resolved_as_a_verdict(state: State, ledger_path: Path) -> None:
    """The row takes the verdict and the lead id; the attempt stays what it was: in doubt."""
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        resolution = Resolution(state, "b" * 24, "call with support")
        assert 1 == await resolve(ledger, [row_id_of(1, 6)], resolution, an_author())

    assert (state, 0, "resolved by hand", "b" * 24) == (await the_rows(ledger_path))[6]
    assert [(6, "manual", "ada", 20, state, "b" * 24, "call with support")] == [
        tuple(row) for row in await the_audit(ledger_path)
    ]


async def test_a_salvaged_lead_id_survives_a_resolution(ledger_path: Path) -> None:
    """A lead id read from a broken answer is kept where the person names none."""
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        await resolve(ledger, [row_id_of(1, 5)], Resolution(State.SUCCESS), an_author())

    assert "d" * 24 == (await the_rows(ledger_path))[5][3]


async def test_not_received_lets_the_next_submit_send_it(ledger_path: Path) -> None:
    """It is deferred and not ambiguous: a person knows that it was never taken."""
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        await resolve(ledger, [row_id_of(1, 6)], Resolution(State.DEFERRED), an_author())

    row = (await the_rows(ledger_path))[6]
    assert (State.DEFERRED, 0, "not received, says a person") == row[:3]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (1, "not in doubt, but success"),
        (2, "not in doubt, but failure"),
        (4, "an http error: it was answered, so it was received"),
        (7, "not in doubt, but invalid"),
        (8, "not in doubt, but deferred"),
        (9, "not in doubt, but pending"),
    ],
)
async def test_what_the_table_does_not_allow_is_not_resolved(
    row: int, words: str, ledger_path: Path
) -> None:
    """One row that is not in doubt is named, and none of the named rows is changed."""
    before = await the_rows(ledger_path)
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        names = [row_id_of(1, 6), row_id_of(1, row)]
        with pytest.raises(UsageError) as caught:
            await resolve(ledger, names, Resolution(State.DEFERRED), an_author())

    assert f"row 1:{row} is {words}" == caught.value.message
    assert ("bulkpost retry" if row == 4 else "bulkpost doubt list") in caught.value.advice
    assert before == await the_rows(ledger_path)
    assert not await the_audit(ledger_path)


async def test_personal_data_in_a_note_is_scrubbed(ledger_path: Path) -> None:
    """A note is for facts about the decision; addresses and numbers in it are taken out."""
    resolution = Resolution(State.FAILURE, None, "ada@example.com, 512-555-0101, called")
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        await resolve(ledger, [row_id_of(1, 6)], resolution, an_author())

    assert "[email], [digits], called" == (await the_audit(ledger_path))[0][6]
    for file in ledger_path.parent.glob("bulkpost.db*"):
        assert b"ada@example.com" not in file.read_bytes()


async def test_of_a_long_note_the_beginning_is_kept(ledger_path: Path) -> None:
    """At most 500 characters of it."""
    resolution = Resolution(State.FAILURE, None, "they called " * 60)
    async with open_for_decisions(ledger_path, "resolve", CLOCK) as ledger:
        await resolve(ledger, [row_id_of(1, 6)], resolution, an_author())

    assert ("they called " * 60)[:499] + "…" == (await the_audit(ledger_path))[0][6]


async def test_deciding_needs_the_lock(ledger_path: Path) -> None:
    """While a run holds the ledger, nothing is decided."""
    async with open_for_decisions(ledger_path, "resolve", CLOCK):
        with pytest.raises(LedgerBusyError, match="resolve"):
            async with open_for_decisions(ledger_path, "resend", CLOCK):
                pass


async def test_a_mistyped_ledger_leaves_no_file(tmp_path: Path) -> None:
    """Deciding makes no ledger, and no lock file beside a name that is none."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        async with open_for_decisions(tmp_path / "typo.db", "resolve", CLOCK):
            pass

    assert [] == files_in(tmp_path)


async def test_a_released_row_can_be_sent_and_its_key_is_free(ledger_path: Path) -> None:
    """The next run's intent takes the place of the released row; the attempt count goes on."""
    async with open_for_decisions(ledger_path, "retry", CLOCK) as ledger:
        await release(ledger, 1, frozenset({State.FAILURE}), an_author())
    again = Ending(
        2,
        Outcome(_K.SUCCESS, None, 201, "c" * 24),
        key=key_of(row_id_of(1, 2)),
        earlier_attempts=1,
    )
    await make_past(ledger_path, ledger_path.parent / "leads.csv", Past([again]))

    assert (State.SUCCESS, "c" * 24) == (await the_rows(ledger_path))[2][::3]


async def test_what_leadconduits_records_say_stands_as_if_it_had_answered(
    ledger_path: Path,
) -> None:
    """Its reason and its price, or none; the audit says how that is known."""
    told = {
        5: Outcome(_K.FAILURE, "Cap reached", None, "c" * 24, 0),
        6: Outcome(_K.SUCCESS, None, None, "b" * 24, 2_500_000),
    }
    async with open_for_decisions(ledger_path, "test", CLOCK) as ledger:
        for row, verdict in told.items():
            resolution = Resolution(State.of(verdict.kind), verdict.lead_id, "event 1", verdict)
            author = Author("ada", "reconciled", 5)
            assert 1 == await resolve(ledger, [row_id_of(1, row)], resolution, author)

    rows = await the_rows(ledger_path)
    assert (State.FAILURE, 0, "Cap reached", "c" * 24) == rows[5]
    assert (State.SUCCESS, 0, None, "b" * 24) == rows[6]
    async with open_reader(ledger_path) as reader:
        prices = await reader.fetch("SELECT row, price FROM rows WHERE row IN (5, 6) ORDER BY row")
    assert [(5, 0.0), (6, 2.5)] == prices
    assert [
        (5, "reconciled", "ada", 20, 11, "c" * 24, "event 1"),
        (6, "reconciled", "ada", 20, 10, "b" * 24, "event 1"),
    ] == await the_audit(ledger_path)


async def test_what_a_person_says_leaves_the_price(tmp_path: Path) -> None:
    """A price that came with a broken answer is LeadConduit's word, and the person has none."""
    path = tmp_path / "bulkpost.db"
    cut = Ending(1, Outcome(_K.IN_DOUBT, "the answer was cut", 201, "d" * 24, 250_000))
    await make_past(path, leads_csv(tmp_path / "leads.csv", 1), Past([cut]))
    async with open_for_decisions(path, "test", CLOCK) as ledger:
        await resolve(ledger, [row_id_of(1, 1)], Resolution(State.SUCCESS), an_author())

    assert (State.SUCCESS, 0, "resolved by hand", "d" * 24) == (await the_rows(path))[1]
    async with open_reader(path) as reader:
        assert [(0.25,)] == await reader.fetch("SELECT price FROM rows")

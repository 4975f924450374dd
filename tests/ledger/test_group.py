"""What is told of a row is what stands in the ledger: every value in its place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from bulkpost.ledger import group as group_module
from bulkpost.ledger.entries import Intent, Rearm, Refused, Settlement, Wait
from bulkpost.ledger.group import Group, Texts, write
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind

ROW_ID = (1 << 40) + 7
RUN = 3
KEY, CONTENT = b"k" * 16, b"c" * 16
LEAD_ID = "0123456789abcdef01234567"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(sql("schema"))
        connection.execute("INSERT INTO input VALUES (1, 1, x'00', 0, 9, 4, '', '', '', '', '', 0)")
        yield connection


def asked(database: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """Return a table's rows without their empty columns, reasons as texts."""
    cursor = database.execute(f"SELECT * FROM {table}")  # noqa: S608  # a table of ours
    names = [column[0] for column in cursor.description]
    texts = dict(database.execute("SELECT id, text FROM reason"))
    return [
        {
            name: texts[value] if name == "reason_id" else value
            for name, value in zip(names, row, strict=True)
            if value is not None
        }
        for row in cursor
    ]


def exchanges(database: sqlite3.Connection) -> list[tuple[int, str, str]]:
    return database.execute("SELECT row_id, request, reply FROM exchanges").fetchall()


def put(database: sqlite3.Connection, **entries: Any) -> Group:
    """Write one group and return it."""
    group = Group(RUN, **entries)
    write(group, Texts(), database)
    return group


def armed(database: sqlite3.Connection, **more: Any) -> Intent:
    intent = Intent(ROW_ID, KEY, CONTENT, **more)
    put(database, intents=[(intent, 11)])
    return intent


def test_an_intent_stands_as_it_was_told(database: sqlite3.Connection) -> None:
    """Row, run, key, content, attempt, ambiguous retries, time."""
    armed(database, attempt=5, ambiguous=2)

    assert [
        {
            "row_id": ROW_ID,
            "run_id": RUN,
            "key": KEY,
            "content": CONTENT,
            "phase": 0,
            "attempt": 5,
            "ambiguous": 2,
            "elapsed_ms": 11,
        }
    ] == asked(database, "intent")


def test_an_ending_stands_as_it_was_told(database: sqlite3.Connection) -> None:
    """Nothing of an answer is lost, and the key stays with the row."""
    armed(database)
    answer = Outcome(OutcomeKind.FAILURE, "too late", 201, LEAD_ID, 1_250_000)
    put(database, settlements=[(Settlement(ROW_ID, answer, 5, 2, 340), 77)])

    assert [] == asked(database, "intent")
    assert [] == asked(database, "attempt")
    assert [] == asked(database, "due")
    assert [] == asked(database, "evidence")
    assert [
        {
            "row_id": ROW_ID,
            "run_id": RUN,
            "state": State.FAILURE,
            "http_status": 201,
            "attempts": 5,
            "ambiguous": 2,
            "reason_id": "too late",
            "lead_id": bytes.fromhex(LEAD_ID),
            "price_micros": 1_250_000,
            "elapsed_ms": 77,
            "latency_ms": 340,
            "key": KEY,
            "content": CONTENT,
        }
    ] == asked(database, "outcome")


def test_an_ending_without_a_verdict_is_an_attempt_too(database: sqlite3.Connection) -> None:
    """With its status, reason and times; its evidence and its due time stand beside it."""
    armed(database)
    answer = Outcome(OutcomeKind.HTTP_ERROR, "500 Internal Server Error", 500)
    put(database, settlements=[(Settlement(ROW_ID, answer, 5, 2, 340, 99_000, ("{}", "[]")), 77)])

    assert [(ROW_ID, "{}", "[]")] == exchanges(database)
    assert [{"row_id": ROW_ID, "due_at_ms": 99_000}] == asked(database, "due")
    assert [
        {
            "row_id": ROW_ID,
            "attempt": 5,
            "run_id": RUN,
            "state": State.HTTP_ERROR,
            "http_status": 500,
            "reason_id": "500 Internal Server Error",
            "elapsed_ms": 77,
            "latency_ms": 340,
        }
    ] == asked(database, "attempt")


def test_evidence_is_kept_of_every_ending_that_has_it(database: sqlite3.Connection) -> None:
    """Also behind an ending that has none."""
    endings = []
    for row_id, evidence in ((ROW_ID, None), (ROW_ID + 1, ("{}", "[]"))):
        put(database, intents=[(Intent(row_id, row_id.to_bytes(16, "big")), 0)])
        answer = Outcome(OutcomeKind.HTTP_ERROR, None, 500)
        endings.append((Settlement(row_id, answer, evidence=evidence), 0))
    put(database, settlements=endings)

    assert [(ROW_ID + 1, "{}", "[]")] == exchanges(database)


def test_a_later_ending_brings_its_own_evidence_and_due_time(database: sqlite3.Connection) -> None:
    """What support is shown, and when a row may go, is of the last attempt."""
    for attempt in (1, 2):
        supersedes = attempt > 1
        put(database, intents=[(Intent(ROW_ID, KEY, attempt=attempt, supersedes=supersedes), 0)])
        deferred = Outcome(OutcomeKind.DEFERRED, f"try {attempt}", 503)
        ending = Settlement(ROW_ID, deferred, attempt, 0, None, attempt, ("{}", f"[{attempt}]"))
        put(database, settlements=[(ending, 0)])
    database.execute("INSERT INTO due VALUES (?, 1)", (ROW_ID + 1,))

    assert [(ROW_ID, "{}", "[2]")] == exchanges(database)
    assert [2, 1] == [row["due_at_ms"] for row in asked(database, "due")]
    assert ["try 1", "try 2"] == [row["reason_id"] for row in asked(database, "attempt")]


def test_a_back_off_stands_as_it_was_told_and_the_next_intent_after_it(
    database: sqlite3.Connection,
) -> None:
    """While it waits the row says why and until when; then it is armed, and due no more."""
    armed(database, attempt=5)
    busy = Outcome(OutcomeKind.DEFERRED, "502 Bad Gateway", 502)
    put(database, waits=[(Wait(ROW_ID, 5, busy, 1, 99_000, 340), 77)])
    waiting = {
        "row_id": ROW_ID,
        "run_id": RUN,
        "key": KEY,
        "content": CONTENT,
        "phase": 1,
        "attempt": 5,
        "ambiguous": 1,
        "elapsed_ms": 11,
        "due_at_ms": 99_000,
        "http_status": 502,
        "reason_id": "502 Bad Gateway",
    }
    assert [waiting] == asked(database, "intent")
    assert [
        {
            "row_id": ROW_ID,
            "attempt": 5,
            "run_id": RUN,
            "state": State.DEFERRED,
            "http_status": 502,
            "reason_id": "502 Bad Gateway",
            "elapsed_ms": 77,
            "latency_ms": 340,
        }
    ] == asked(database, "attempt")

    group = put(database, rearms=[(Rearm(ROW_ID, 6), 88)])
    del waiting["due_at_ms"]
    assert frozenset() == group.refused
    assert [waiting | {"phase": 0, "attempt": 6, "elapsed_ms": 88}] == asked(database, "intent")


def test_a_refusal_stands_as_it_was_told(database: sqlite3.Connection) -> None:
    """Never sent: no attempt, no key; the reason and what it points to."""
    put(database, refusals=[(Refused(ROW_ID, State.INVALID, "no email", 12), 77)])
    expected = {
        "row_id": ROW_ID,
        "run_id": RUN,
        "state": State.INVALID,
        "attempts": 0,
        "ambiguous": 0,
        "reason_id": "no email",
        "elapsed_ms": 77,
        "detail": 12,
    }
    assert [expected] == asked(database, "outcome")

    group = Group(RUN + 1, refusals=[(Refused(ROW_ID, State.DUPLICATE, "sent before", 13), 88)])
    write(group, Texts(), database)
    assert [
        expected
        | {"run_id": RUN + 1, "state": State.DUPLICATE, "reason_id": "sent before"}
        | {"elapsed_ms": 88, "detail": 13}
    ] == asked(database, "outcome")


@pytest.mark.parametrize("state", [State.DUPLICATE, State.CONFLICT])
def test_a_deferred_row_that_was_sent_from_elsewhere_is_due_no_more(
    state: State, database: sqlite3.Connection
) -> None:
    """It has its due time taken away, and no other row has."""
    armed(database)
    deferred = Outcome(OutcomeKind.DEFERRED)
    put(database, settlements=[(Settlement(ROW_ID, deferred, 3, 1, None, 5), 0)])
    database.execute("INSERT INTO due VALUES (?, 6)", (ROW_ID + 1,))
    put(database, refusals=[(Refused(ROW_ID, state, "sent before"), 0)])

    assert [{"row_id": ROW_ID + 1, "due_at_ms": 6}] == asked(database, "due")
    assert [(state, 3, 1)] == [
        (row["state"], row["attempts"], row["ambiguous"]) for row in asked(database, "outcome")
    ]


def test_an_invalid_row_keeps_the_due_time_of_its_deferral(database: sqlite3.Connection) -> None:
    """A deferred row does not become invalid, so it stays due."""
    armed(database)
    deferred = Outcome(OutcomeKind.DEFERRED)
    put(database, settlements=[(Settlement(ROW_ID, deferred, due_at_ms=5), 0)])
    put(database, refusals=[(Refused(ROW_ID, State.INVALID, "no email"), 0)])

    assert [{"row_id": ROW_ID, "due_at_ms": 5}] == asked(database, "due")


def test_an_intent_that_is_refused_leaves_the_rows_earlier_ending(
    database: sqlite3.Connection,
) -> None:
    """What gives way to an intent gives way only to one that was taken."""
    armed(database)
    deferred = Outcome(OutcomeKind.DEFERRED)
    put(database, settlements=[(Settlement(ROW_ID, deferred, due_at_ms=5), 0)])
    put(database, intents=[(Intent(ROW_ID + 1, KEY), 0)])
    group = put(database, intents=[(Intent(ROW_ID, KEY, supersedes=True), 0)])

    assert {ROW_ID} == group.refused
    assert [State.DEFERRED] == [row["state"] for row in asked(database, "outcome")]
    assert [{"row_id": ROW_ID, "due_at_ms": 5}] == asked(database, "due")


def test_only_the_refused_of_a_group_are_told_so(database: sqlite3.Connection) -> None:
    """Intents and rearms are answered one by one."""
    armed(database)
    group = put(
        database,
        intents=[(Intent(ROW_ID + 1, KEY), 0), (Intent(ROW_ID + 2, b"o" * 16), 0)],
        rearms=[(Rearm(ROW_ID + 3, 2), 0)],
    )

    assert {ROW_ID + 1, ROW_ID + 3} == group.refused


def test_the_low_water_mark_rises_and_never_falls(database: sqlite3.Connection) -> None:
    """Of the input that was named, and of no other."""
    database.execute("INSERT INTO input VALUES (2, 1, x'01', 0, 9, 0, '', '', '', '', '', 0)")
    for mark in (6, 5):
        put(database, low_waters={1: mark})

    assert [6, 0] == [row["low_water"] for row in asked(database, "input")]


def test_what_must_not_be_lost_is_all_but_the_intents() -> None:
    """A full disk takes answers, pauses and refusals if it takes anything; nothing is sent."""
    entries: dict[str, Any] = {"settlements": [1], "waits": [2], "refusals": [3]}
    group = Group(RUN, **entries, intents=[4], rearms=[5], low_waters={6: 6})  # type: ignore[list-item]  # any values

    assert Group(RUN, **entries) == group.without_intents()


@pytest.mark.parametrize(
    "name", ["settlements", "waits", "refusals", "intents", "rearms", "low_waters"]
)
def test_a_group_with_any_entry_is_to_be_written(name: str) -> None:
    """A mark alone is worth a commit; nothing is not."""
    entry: Any = {1: 1} if name == "low_waters" else [1]

    assert Group(RUN, **{name: entry})
    assert not Group(RUN)


def test_a_reason_is_stored_once(database: sqlite3.Connection) -> None:
    """Also after it was forgotten for want of room, or because its transaction failed."""
    texts = Texts()
    numbers = [texts.reason_id(database, text) for text in ("busy", "late", "busy", None)]
    texts.forget()
    numbers.append(texts.reason_id(database, "late"))
    texts.keep()

    assert [1, 2, 1, None, 2] == numbers
    assert [(1, "busy"), (2, "late")] == database.execute("SELECT * FROM reason").fetchall()


def test_a_reason_that_was_rolled_back_is_stored_again(database: sqlite3.Connection) -> None:
    """A number that never became real is not used."""
    texts = Texts()
    database.execute("BEGIN")
    texts.reason_id(database, "busy")
    database.execute("ROLLBACK")
    texts.forget()
    texts.reason_id(database, "late")
    texts.keep()
    number = texts.reason_id(database, "busy")

    assert [(1, "late"), (number, "busy")] == database.execute("SELECT * FROM reason").fetchall()


def test_the_memory_of_reasons_is_bounded(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that words every answer anew fills no memory; a known reason costs no query."""
    monkeypatch.setattr(group_module, "_REASONS_CACHED_MAX", 2)
    queries: list[str] = []
    database.set_trace_callback(queries.append)
    texts, asked_for = Texts(), []
    for text in ("a", "b", "a", "c", "a"):
        queries.clear()
        texts.reason_id(database, text)
        texts.keep()
        asked_for.append(bool(queries))

    assert [True, True, False, True, True] == asked_for


def test_a_message_is_stored_once_as_long_as_it_is_remembered(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is bounded, and a number that never became real is not used."""
    monkeypatch.setattr(group_module, "_MESSAGES_CACHED_MAX", 1)
    texts = Texts()
    database.execute("BEGIN")
    texts.message_id(database, "{}")
    database.execute("ROLLBACK")
    texts.forget()
    numbers = []
    for text in ("[]", "[]", "{}", "[]"):
        numbers.append(texts.message_id(database, text))
        texts.keep()

    assert [1, 1, 2, 3] == numbers
    assert [(1, "[]"), (2, "{}"), (3, "[]")] == database.execute("SELECT * FROM message").fetchall()

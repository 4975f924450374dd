"""Feedback on its way: sent once, stopped by a 409 at the start, held and sent again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faultserver import JSON, close, fault_server, response, say
from feedback_lists import EventAnswerer, event_id_of, feedback_list, feedback_order
from submitting import (
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    asked,
    endings,
    lead_id_of,
    row_in,
    submitted,
    taken,
    verdict,
)

from bulkpost.app import commands, retrying
from bulkpost.app.order import Order, SubmitResult
from bulkpost.clock import SystemClock
from bulkpost.errors import BulkpostError, ConfigError, InputError, LedgerError
from bulkpost.ledger.decisions import Author, open_for_decisions, resend
from bulkpost.ledger.registry import Registry
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.status import ExitStatus

HTTP_ERRORS = frozenset({OutcomeKind.HTTP_ERROR})


def forbidden(status: int = 409, reason: str = "Feedback is forbidden") -> bytes:
    body = {"outcome": "failure", "reason": reason, "lead": {"id": "a" * 24}}
    return response(status, json.dumps(body).encode(), JSON)


async def released(ledger: Path) -> None:
    """Let what is in doubt be sent again."""
    clock = SystemClock()
    author = Author("a tester", "test", round(clock.now_at().timestamp() * 1000))
    async with open_for_decisions(ledger, "test", clock) as opened:
        await resend(opened, None, author, age_ms_min=0)


async def test_each_row_is_sent_once_with_its_event_in_the_url(tmp_path: Path) -> None:
    """And the ledger has the lead id of each answer, its price and no event id."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer()
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, feedback_list(tmp_path, 3), ledger=ledger)
        first = await submitted(order)
        again = await submitted(order)

    assert [(row, f"type=return&reason=Reason+{row}") for row in (1, 2, 3)] == answerer.said
    assert {f"/feedback?event_id={event_id_of(1)}"} <= {
        entry.request.path for entry in answerer.seen
    }
    assert all_of(3) == endings(ledger)
    assert (lead_id_of(2), 1.5) == row_in(ledger, 2, "lead_id, price")
    assert (0, 0) == (first.exit_status, again.exit_status)
    assert [("feedback", f"{server.url}/feedback")] == asked(
        ledger, "SELECT kind, name FROM destination"
    )
    assert event_id_of(1).encode() not in ledger.read_bytes()


async def test_an_event_and_a_type_go_once_over_rows_files_and_runs(tmp_path: Path) -> None:
    """A repeat is a duplicate, another reason a conflict, another type feedback of its own."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer()
    one = feedback_list(
        tmp_path,
        [
            (1, "return", "A"),
            (event_id_of(1).upper(), "Return", " A "),
            (1, "return", "B"),
            (1, "conversion", "A"),
            (2, "return", "A"),
        ],
    )
    other = feedback_list(tmp_path, [(2, "return", "A"), (2, "return", "C"), (3, "return", "")],
                          "other.csv")  # fmt: skip
    async with fault_server(answerer.script) as server:
        await submitted(feedback_order(server.url, one, ledger=ledger))
        # For leads every row may be sent again; that setting has nothing to do with feedback.
        await submitted(feedback_order(server.url, other, ledger=ledger, duplicates="submit"))

    bodies = ["type=conversion&reason=A", "type=return&reason=A"]
    expected = [(1, body) for body in bodies] + [(2, bodies[1]), (3, "type=return")]
    assert expected == answerer.said
    assert all_of(5, _2="duplicate", _3="conflict") == endings(ledger)
    found = asked(ledger, "SELECT outcome, reason FROM rows WHERE input = 2 ORDER BY row")
    assert [
        ("duplicate", "same feedback as a row of another input (success)"),
        ("conflict", "same event and type as a row of another input, other reason"),
        ("success", None),
    ] == found


async def test_rows_that_say_nothing_clear_are_invalid(tmp_path: Path) -> None:
    """They are counted with their reasons, and the others are sent."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer()
    rows = [("5.9E+23", "return", ""), (2, "gone", ""), (3, "return", "")]
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, feedback_list(tmp_path, rows), ledger=ledger)
        preview = await commands.check(order, Recorder())
        result = await submitted(order)

    assert (1, 2) == (preview.plan.new, preview.plan.invalid)
    assert [(3, "type=return")] == answerer.said
    assert all_of(3, _1="invalid", _2="invalid") == endings(ledger)
    assert ExitStatus.ROWS_BAD == result.exit_status


async def test_a_409_as_the_first_answer_stops_the_run_with_advice(tmp_path: Path) -> None:
    """Feedback is disabled: every row would fare alike. The rows behind it stay pending."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer(otherwise=forbidden())
    async with fault_server(answerer.script) as server:
        order = feedback_order(
            server.url, feedback_list(tmp_path, 50), ledger=ledger, engine__concurrency=1
        )
        result = await submitted(order)
        answerer.otherwise = None
        await retried(order, ledger)

    (run,) = result.runs
    assert run.halt is not None
    assert "feedback is disabled or forbidden for this recipient" in run.halt.reason
    assert "bulkpost retry --outcome http_error" in run.halt.advice
    assert ExitStatus.STOPPED == result.exit_status
    # Enabled again, what was refused goes with the rest.
    assert {1: 2} | dict.fromkeys(range(2, 51), 1) == answerer.counts
    assert all_of(50) == endings(ledger)


async def test_a_later_409_is_the_rows_own(tmp_path: Path) -> None:
    """One recipient takes no feedback, the others do: its row is held, with the lead id."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer({2: [forbidden()], 4: [forbidden()]})
    async with fault_server(answerer.script) as server:
        order = feedback_order(
            server.url, feedback_list(tmp_path, 6), ledger=ledger, engine__concurrency=1
        )
        result = await submitted(order)

    assert all_of(6, _2="http_error", _4="http_error") == endings(ledger)
    assert ("a" * 24, 409) == row_in(ledger, 2, "lead_id, http_status")
    assert ExitStatus.ROWS_BAD == result.exit_status


async def test_events_that_are_gone_are_held_one_by_one(tmp_path: Path) -> None:
    """A list that begins with old events goes on: LeadConduit itself said so."""
    gone = forbidden(404, "Event not found")
    ledger = tmp_path / "l.db"
    answerer = EventAnswerer({row: [gone] for row in range(1, 9)})
    async with fault_server(answerer.script) as server:
        await submitted(feedback_order(server.url, feedback_list(tmp_path, 10), ledger=ledger))

    expected = dict.fromkeys(range(1, 9), "http_error") | {9: "success", 10: "success"}
    assert expected == endings(ledger)
    reason = "404 Not Found: no such event, or it is older than 90 days: Event not found"
    assert (reason,) == row_in(ledger, 1, "reason")


async def test_a_404_that_nobody_explains_stops_the_run(tmp_path: Path) -> None:
    """Five of them at the start are no LeadConduit: the URL is wrong."""
    ledger = tmp_path / "l.db"
    answerer = EventAnswerer(
        otherwise=response(404, b"Not found", (("Content-Type", "text/plain"),))
    )
    async with fault_server(answerer.script) as server:
        result = await submitted(
            feedback_order(
                server.url, feedback_list(tmp_path, 50), ledger=ledger, engine__concurrency=1
            )
        )

    assert ExitStatus.STOPPED == result.exit_status
    assert result.runs[0].halt is not None
    assert "not lead ids" in result.runs[0].halt.advice
    assert 5 == len(answerer.seen)


async def test_a_return_that_is_too_late_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    """It is LeadConduit's verdict, and is not sent again."""
    late = verdict("failure", reason="Lead is too old to return", lead={"id": "b" * 24})
    ledger, answerer = tmp_path / "l.db", EventAnswerer({1: [late]})
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, feedback_list(tmp_path, 2), ledger=ledger)
        result = [await submitted(order), await submitted(order)][1]

    assert ("failure", "Lead is too old to return") == row_in(ledger, 1, "outcome, reason")
    assert ({1: 1, 2: 1}, ExitStatus.DONE) == (answerer.counts, result.exit_status)


async def test_busy_answers_are_repeated_and_lost_ones_are_in_doubt(tmp_path: Path) -> None:
    """As for leads: 503 comes again, no answer is never repeated unasked."""
    busy = response(503, b"<html>busy</html>", (("Content-Type", "text/html"),))
    ledger = tmp_path / "l.db"
    answerer = EventAnswerer({1: [busy, busy, taken(1)], 2: [close, taken(2, 2)]})
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, feedback_list(tmp_path, 3), ledger=ledger)
        first = await submitted(order)
        again = await submitted(order)
        assert all_of(3, _2="in_doubt") == endings(ledger)
        await released(ledger)
        await submitted(order)

    assert {1: 3, 2: 2, 3: 1} == answerer.counts
    assert (ExitStatus.IN_DOUBT, ExitStatus.IN_DOUBT) == (first.exit_status, again.exit_status)
    assert all_of(3) == endings(ledger)


async def test_a_cut_answer_is_in_doubt_with_its_lead_id(tmp_path: Path) -> None:
    """It was taken; sending it again would be billed again."""
    ledger = tmp_path / "l.db"
    answerer = EventAnswerer({1: [[say(taken(1)[:-2]), close]]})
    async with fault_server(answerer.script) as server:
        await submitted(feedback_order(server.url, feedback_list(tmp_path, 1), ledger=ledger))

    assert ("in_doubt", lead_id_of(1)) == row_in(ledger, 1, "outcome, lead_id")


async def test_the_same_list_with_another_type_is_refused(tmp_path: Path) -> None:
    """Its rows are recorded by their numbers: as conversions they would be other rows."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer()
    path = feedback_list(tmp_path, [(1,), (2,)], header=["event_id"])
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, path, ledger=ledger, feedback__type="return")
        await submitted(order)
        with pytest.raises(InputError, match=r"each a return before.*each a conversion now"):
            await submitted(
                feedback_order(server.url, path, ledger=ledger, feedback__type="conversion")
            )

    assert {1: 1, 2: 1} == answerer.counts


async def retried(order: Order, ledger: Path) -> SubmitResult:
    """Retry the latest run's http_errors, without its options and without the config's."""
    bare = replace(order, inputs=(), command="retry")
    plain = an_order("http://127.0.0.1:1", ledger=ledger).settings
    return await retrying.retry(replace(bare, settings=plain), None, HTTP_ERRORS, Recorder())


async def test_retry_sends_the_rows_as_their_run_did(tmp_path: Path) -> None:
    """Same place, same columns, same format: nobody has to remember the options."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer({2: [forbidden(500), taken(2, 2)]})
    path = feedback_list(tmp_path, [(1, "why"), (2, "why")], header=["Event", "Why"])
    async with fault_server(answerer.script) as server:
        order = feedback_order(
            server.url,
            path,
            ledger=ledger,
            feedback__event_id_column="Event",
            feedback__reason_column="Why",
            feedback__type="conversion",
            endpoint__format="json",
        )
        await submitted(order)
        await retried(order, ledger)

    assert all_of(2) == endings(ledger)
    assert [
        (row, {"type": "conversion", "reason": "why"}) for row in (1, 2, 2)
    ] == [(row, json.loads(body)) for row, body in answerer.said]  # fmt: skip


async def test_leads_and_feedback_in_one_ledger_do_not_mix(tmp_path: Path) -> None:
    """The same file under both kinds is two inputs; neither is the other's latest."""
    ledger = tmp_path / "l.db"
    path = feedback_list(
        tmp_path, [(1, "return", "x", 1)], header=["event_id", "type", "reason", "row"]
    )
    leads, events = Answerer(), EventAnswerer()
    async with fault_server(leads.script) as server:
        meant = {"event_id": "event_id"}
        await submitted(an_order(server.url, path, ledger=ledger, map__columns=meant))
    async with fault_server(events.script, port=server.port) as server:
        order = feedback_order(server.url, path, ledger=ledger)
        preview = await commands.check(order, Recorder())
        observer = Recorder()
        await submitted(order, observer)

    assert (True, 1) == (preview.is_first, preview.plan.new)
    assert ({1: 1}, {1: 1}) == (leads.counts, events.counts)
    assert [] == [note for note in observer.notes if "otherwise than" in note]
    assert [("submission", 1), ("feedback", 1)] == asked(
        ledger,
        "SELECT kind, count(*) FROM input JOIN destination ON destination.id = destination_id"
        " GROUP BY kind ORDER BY kind DESC",
    )


async def test_settings_for_leads_alone_do_not_touch_feedback(tmp_path: Path) -> None:
    """A config that serves both: a map, keys and refusals of leads stand in it."""
    ledger, answerer = tmp_path / "l.db", EventAnswerer()
    changes: dict[str, Any] = {
        "key": ["lead_no"],
        "map__columns": {"E-mail": "email"},
        "map__reference": "reference",
        "map__constants": {"type": "x"},
        "check__refuse": ["invalid"],
    }
    async with fault_server(answerer.script) as server:
        order = feedback_order(server.url, feedback_list(tmp_path, 2), ledger=ledger, **changes)
        await submitted(order)

    assert [(row, f"type=return&reason=Reason+{row}") for row in (1, 2)] == answerer.said


async def test_get_is_for_leads(tmp_path: Path) -> None:
    """A config that sends leads by GET is asked how feedback goes."""
    order = feedback_order(
        "http://127.0.0.1:1", feedback_list(tmp_path, 1), ledger=tmp_path / "l.db",
        endpoint__format="get",
    )  # fmt: skip
    with pytest.raises(ConfigError, match="feedback is sent in the body of a POST"):
        await submitted(order)


async def test_the_first_feedback_to_a_destination_asks(tmp_path: Path) -> None:
    """It is billed, too; who says no sends nothing."""
    order = feedback_order(
        "", feedback_list(tmp_path, 2), ledger=tmp_path / "l.db",
        feedback__url="https://leads.invalid/feedback", allowed_hosts=["leads.invalid"],
    )  # fmt: skip
    observer = Recorder(answer=False)
    await submitted(order, observer)

    (preview,) = observer.previews
    assert ("https://leads.invalid/feedback", 2) == (preview.destination.name, preview.plan.new)
    assert [] == asked(tmp_path / "l.db", "SELECT id FROM run")


async def test_another_ledger_of_this_machine_protects_feedback_too(tmp_path: Path) -> None:
    """An empty ledger would send, and pay, all of it again."""
    where = "https://leads.invalid/feedback"
    Registry().remember(where, tmp_path / "one.db")
    order = feedback_order(
        "", feedback_list(tmp_path, 1), ledger=tmp_path / "two.db",
        feedback__url=where, allowed_hosts=["leads.invalid"],
    )  # fmt: skip

    with pytest.raises(LedgerError, match="is recorded in"):
        await submitted(order)


async def test_a_list_of_leads_is_no_list_of_feedback(tmp_path: Path) -> None:
    """It is refused before anything is sent."""
    order = feedback_order("http://127.0.0.1:1", a_list(tmp_path, 2), ledger=tmp_path / "l.db")
    with pytest.raises(BulkpostError, match="no column is called event_id"):
        await submitted(order)

"""Cases S5, S11 and S15 to S21 of the fault catalogue, end to end: refusals, redirects, storms.

What leaves a row in doubt is in ``test_odd_bodies`` and ``test_odd_protocol``, verdicts
are in ``test_verdicts``.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from faultserver import JSON, Peer, fault_server, response
from odd_answers import HTML, ID, ONCE, third_row
from submitting import (
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    asked,
    bulkpost,
    endings,
    lead_id_of,
    refusal,
    row_in,
    submitted,
    taken,
    verdict,
)

from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding


@pytest.mark.parametrize("status", [500, 501, 505, 520, 599])
async def test_s19_a_server_error_is_held_as_an_http_error(status: int, tmp_path: Path) -> None:
    """After any other 5xx than 502, 503 and 504 the row is an http_error and held.

    The lead may have been taken, so it is not sent again unasked.
    """
    fared = await third_row(refusal(status), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared
    assert (status,) == row_in(tmp_path / "l.db", 3, "http_status")


@pytest.mark.parametrize("status", [400, 409, 410, 413, 422])
async def test_s20_a_refusal_of_one_row_is_held_and_the_others_go_on(
    status: int, tmp_path: Path
) -> None:
    """A refused row (400, 409, 410, 413, 422) is an http_error and held; the others go on."""
    fared = await third_row(refusal(status), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared


@pytest.mark.parametrize("status", [408, 429])
async def test_s21_too_many_requests_is_held(status: int, tmp_path: Path) -> None:
    """If the answer is 408 or 429, the row is an http_error and held, whatever Retry-After says.

    LeadConduit's documentation allows no retry after these.
    """
    fared = await third_row(refusal(status, ("Retry-After", "0")), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared


@pytest.mark.parametrize("status", [401, 403, 404, 405, 406, 415])
async def test_s20_a_refusing_destination_stops_the_run_and_a_later_one_sends_the_rest(
    status: int, tmp_path: Path
) -> None:
    """If the destination refuses (401, 403, 404, 405, 406, 415), the run stops with exit status 4.

    Every row would fare alike; the rest stays pending, and the same command sends it later.
    """
    leads, ledger = a_list(tmp_path, 40), tmp_path / "l.db"
    shut = Answerer(otherwise=refusal(status, body=b'{"message": "Source is disabled"}'))
    async with fault_server(shut.script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        stopped = await submitted(order)
        port = server.port
    asked_first = set(shut.counts)

    assert (ExitStatus.STOPPED, RunEnding.REFUSED) == (
        stopped.exit_status,
        stopped.runs[0].ending,
    )
    halt = stopped.runs[0].halt
    assert halt is not None
    assert halt.reason.startswith(f"the destination refused: {status} ")
    assert dict.fromkeys(asked_first, "http_error") == endings(ledger)
    assert 4 >= len(asked_first)

    opened = Answerer()
    async with fault_server(opened.script, port=port):
        result = await submitted(order)

    assert ExitStatus.ROWS_BAD is result.exit_status
    assert {row: 1 for row in range(1, 41) if row not in asked_first} == opened.counts
    expected = all_of(40) | dict.fromkeys(asked_first, "http_error")
    assert expected == endings(ledger)


async def test_s5_a_page_instead_of_answers_stops_the_run_after_five(tmp_path: Path) -> None:
    """If web pages come instead of answers from the very first on, the run stops after five.

    A maintenance page or a captive portal stands there, or the address is wrong. The rows that were
    sent are http_error and held, the others pending; the exit status is 4.
    """
    page = response(200, b"<html><title>Maintenance</title>", HTML)
    assert "Maintenance" in await suspicion(page, tmp_path)


@pytest.mark.parametrize("status", [301, 302])
async def test_s11_redirects_from_the_start_stop_the_run_after_five(
    status: int, tmp_path: Path
) -> None:
    """If redirects come from the very first answer on, the run stops after five: exit status 4."""
    await suspicion(response(status, b"", (("Location", "/elsewhere"),)), tmp_path)


async def suspicion(answer: bytes, folder: Path) -> str:
    """Answer every row alike, expect the run to stop soon, and return why it did."""
    leads, ledger = a_list(folder, 40), folder / "l.db"
    answerer = Answerer(otherwise=answer)
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))

    assert ExitStatus.STOPPED is result.exit_status
    halt = result.runs[0].halt
    assert halt is not None
    assert "does not answer as LeadConduit does" in halt.reason
    assert 5 <= len(answerer.counts) <= 5 + 4
    assert {1} == set(answerer.counts.values())
    assert dict.fromkeys(answerer.counts, "http_error") == endings(ledger)
    return halt.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", [pytest.param("http", id="elsewhere"), pytest.param("file", id="file")]
)
async def test_s11_a_redirect_is_never_followed(status: int, place: str, tmp_path: Path) -> None:
    """If the answer is a redirect, it is never followed: no lead reaches the place that it names.

    The row is an http_error and held.
    """
    async with fault_server(Answerer().script) as target:
        location = f"{target.url}/steal" if place == "http" else "file:///etc/passwd"
        fared = await third_row(
            response(status, b"", (("Location", location),)), tmp_path, engine__concurrency=1
        )

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared
    assert [] == target.requests


async def test_a_303_with_a_readable_outcome_counts(tmp_path: Path) -> None:
    """LeadConduit answers so where redir_url was asked for; its word is its word."""
    body = json.dumps({"outcome": "failure", "reason": "no", "lead": {"id": ID}}).encode()
    fared = await third_row(response(303, body, (*JSON, ("Location", "/x"))), tmp_path)

    assert (ExitStatus.DONE, all_of(6, _3="failure"), ONCE) == fared


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)  # noqa: TID251  # the server's clock


@pytest.mark.parametrize(
    ("headers", "asked_s"),
    [
        pytest.param(lambda: ["0"], 0, id="zero"),
        pytest.param(lambda: ["-1"], 0, id="negative"),
        pytest.param(lambda: ["1e9"], 0, id="exponent"),
        pytest.param(lambda: ["soon"], 0, id="a-word"),
        pytest.param(lambda: ["Wed, 21 Oct 2015 07:28:00 GMT"], 0, id="a-past-date"),
        pytest.param(lambda: ["120"], 120, id="seconds"),
        pytest.param(lambda: [in_two_minutes()], 120, id="a-date"),
        pytest.param(lambda: ["120", "7200"], 120, id="two-headers"),
    ],
)
async def test_s15_the_forms_of_retry_after(
    headers: Callable[[], list[str]], asked_s: int, tmp_path: Path
) -> None:
    """If a 503 says when to come back, in seconds or as a date, the row waits for that moment.

    Nonsense and dates in the past are passed over, and the wait is of bulkpost's own choosing. Of
    two such headers the first counts.
    """
    leads, ledger = a_list(tmp_path, 1), tmp_path / "l.db"

    async def refuse(peer: Peer) -> None:
        await peer.write(refusal(503, *(("Retry-After", text) for text in headers())))

    answerer = Answerer({1: [refuse, taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        # The only attempt: what the row waits for then is what the server asked for, and no more.
        order = an_order(server.url, leads, ledger=ledger, retry__attempts_max=1)
        first = await submitted(order)
        ((wait_ms,),) = asked(
            ledger,
            "SELECT due_at_ms - started_at_ms - elapsed_ms FROM due"
            " JOIN outcome USING (row_id) JOIN run ON run.id = run_id",
        )
        second = await submitted(an_order(server.url, leads, ledger=ledger, engine__due_s_max=0.0))

    # A minute for a machine that stops for breath between two lines.
    assert asked_s * 1000 - 60_000 <= wait_ms <= asked_s * 1000 + 1000
    is_obeyed = asked_s > 0
    assert (ExitStatus.RESUMABLE, 1 if is_obeyed else 2) == (first.exit_status, answerer.counts[1])
    assert (ExitStatus.RESUMABLE if is_obeyed else ExitStatus.DONE) is second.exit_status


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("1000000000", id="seconds"),
        pytest.param(format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True), id="date"),
    ],
)
async def test_s15_a_retry_after_beyond_a_quarter_of_an_hour_defers_the_row(
    header: str, tmp_path: Path
) -> None:
    """If Retry-After asks for more than a quarter of an hour, the row is deferred until then.

    The run does not sit and wait; the same command sends the row when it is due.
    """
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503, ("Retry-After", header)), taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.RESUMABLE] * 2 == [result.exit_status, again.exit_status]
    assert all_of(3, _1="deferred") == endings(ledger)
    assert {1: 1, 2: 1, 3: 1} == answerer.counts
    assert 1 == len(asked(ledger, "SELECT due_at_ms FROM due"))


ATTEMPTS = 4


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1, ATTEMPTS])
async def test_s16_a_storm_is_outlived_or_the_row_is_deferred(
    status: int, times: int, tmp_path: Path
) -> None:
    """After 502, 503 or 504 a row is tried again, up to six times, then deferred.

    Each 502 and 504 is counted as ambiguous, and the next run sends what was deferred.
    """
    leads, ledger, observer = a_list(tmp_path, 6), tmp_path / "l.db", Recorder()
    answerer = Answerer({3: [*[refusal(status)] * times, taken(3, times + 1)]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, retry__attempts_max=ATTEMPTS)
        result = await submitted(order, observer)
        is_deferred = times == ATTEMPTS
        assert all_of(6, _3="deferred" if is_deferred else "success") == endings(ledger)
        assert {**ONCE, 3: min(times + 1, ATTEMPTS)} == answerer.counts
        assert (ExitStatus.RESUMABLE if is_deferred else ExitStatus.DONE) is result.exit_status
        again = await submitted(order)

    ambiguous = times if status in {502, 504} else 0
    assert ExitStatus.DONE is again.exit_status
    assert {**ONCE, 3: times + 1} == answerer.counts
    assert (times + 1, ambiguous, lead_id_of(3, times + 1)) == row_in(
        ledger, 3, "attempts, ambiguous_retries, lead_id"
    )
    assert ambiguous == observer.watched[0].tally.ambiguous
    assert [(status,)] * times == asked(ledger, "SELECT http_status FROM attempt")


async def test_s16_a_storm_over_all_rows_ends_with_each_of_them_taken_once(tmp_path: Path) -> None:
    """If all rows are answered 503 for a while, everything pauses; then each is taken once."""
    leads, ledger = a_list(tmp_path, 30), tmp_path / "l.db"
    storm = Answerer({row: [refusal(503), taken(row, 2)] for row in range(1, 31)})
    async with fault_server(storm.script) as server:
        order = an_order(server.url, leads, ledger=ledger, breaker__failures_max=3)
        result = await submitted(order)

    assert (ExitStatus.DONE, all_of(30)) == (result.exit_status, endings(ledger))
    assert dict.fromkeys(range(1, 31), 2) == storm.counts


async def test_s17_a_lead_that_was_taken_before_the_502_is_sent_twice_and_counted(
    tmp_path: Path,
) -> None:
    """A lead that was taken although the answer was 502 or 504 is sent again.

    LeadConduit's documentation asks for it. This is the one way to a double; it is counted, and
    ``bulkpost show`` says so.
    """
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    answerer = Answerer({2: [refusal(502), verdict("failure", reason="duplicate")]})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))
    told = await bulkpost("show", "--ledger", ledger, cwd=tmp_path)

    assert ExitStatus.DONE is result.exit_status
    assert b"1 lead was sent again though perhaps taken before (502, 504, doubt)" in told.stdout
    assert {1: 1, 2: 2, 3: 1} == answerer.counts
    assert ("failure", "duplicate", 2, 1) == row_in(
        ledger, 2, "outcome, reason, attempts, ambiguous_retries"
    )


@pytest.mark.parametrize("status", [502, 504])
async def test_s18_strict_holds_an_ambiguous_answer_in_doubt(status: int, tmp_path: Path) -> None:
    """With --strict a row that was answered 502 or 504 is in doubt and not sent again."""
    fared = await third_row(refusal(status), tmp_path, endpoint__strict=True)

    assert (ExitStatus.IN_DOUBT, all_of(6, _3="in_doubt"), ONCE) == fared


async def test_s18_strict_still_retries_a_503(tmp_path: Path) -> None:
    """With --strict a 503 is tried again as always: it is LeadConduit's own refusal."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503), taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, endpoint__strict=True)
        result = await submitted(order)

    assert (ExitStatus.DONE, {1: 2, 2: 1}) == (result.exit_status, answerer.counts)


async def test_an_error_budget_stops_the_run_and_leaves_the_rest_pending(tmp_path: Path) -> None:
    """When so many of the last answers are wrong, more of them help nobody."""
    leads, ledger = a_list(tmp_path, 80), tmp_path / "l.db"
    answerer = Answerer({row: [refusal(500)] for row in range(1, 81) if row % 2})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, budget__errors_max=8)
        result = await submitted(order)

    assert (ExitStatus.STOPPED, RunEnding.BUDGET) == (
        result.exit_status,
        result.runs[0].ending,
    )
    found = list(endings(ledger).values())
    assert 8 <= found.count("http_error") <= 8 + 4
    assert set(answerer.counts) == set(endings(ledger))
    assert len(found) < 80

"""Cases S of the fault catalogue, end to end: what a server may say, and what the run does then."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from faultserver import JSON, close, drip, fault_server, flood, response, say
from submitting import (
    Answerer,
    Doing,
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

from bulkpost.outcome import OutcomeKind
from bulkpost.results.status import ExitStatus
from bulkpost.run import RunEnding

HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
HTML = (("Content-Type", "text/html"),)
ID = lead_id_of(3)


def created(body: bytes, length: int | None = None) -> bytes:
    """Return a 201 whose Content-Length may lie."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


async def third_row(
    doing: Doing, folder: Path, *, rows: int = 6, **changes: Any
) -> tuple[ExitStatus, dict[int, str], dict[int, int]]:
    """Let one row of a list be answered oddly, twice over; return how it and the others fared."""
    leads, ledger, answerer = a_list(folder, rows), folder / "l.db", Answerer({3: [doing]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, **changes)
        await submitted(order)
        again = await submitted(order)
    return again.exit_status, endings(ledger), answerer.counts


ONCE = dict.fromkeys(range(1, 7), 1)


CUT = f'{{"outcome":"success","reason":"é","lead":{{"id":"{ID}"}}'.encode()


@pytest.mark.parametrize(
    ("doing", "lead_id", "words"),
    [
        pytest.param(
            [say(HEAD), drip(b"X-Slow: " + b"x" * 3000, every_s=0.05)],
            None,
            "did not answer in time",
            id="s1-a-head-that-drips",
        ),
        pytest.param(
            [say(created(CUT, 999)), close],
            ID,
            "the outcome reads success",
            id="s3-a-cut-body",
        ),
        pytest.param(created(b"{oops"), None, "not JSON", id="s4-garbage"),
        pytest.param(created(b""), None, "the body is empty", id="s4-empty"),
        pytest.param(created(b"[1,2]"), None, "201 Created", id="s6-a-list"),
        pytest.param(created(b"7"), None, "201 Created", id="s6-a-number"),
        pytest.param(verdict("skip", lead={"id": ID}), ID, "skip", id="s6-an-unknown-outcome"),
        pytest.param(verdict("deferred", lead={"id": ID}), ID, "deferred", id="s6-a-word-of-ours"),
        pytest.param(
            created(b'{"outcome":null,"lead":{"id":"%s"}}' % ID.encode()),
            ID,
            "outcome",
            id="s6-null",
        ),
        pytest.param(verdict(lead={"id": "12345"}), None, "lead", id="s6-an-odd-lead-id"),
        pytest.param(
            created(b'{"outcome":"success","price":NaN,"lead":{"id":"%s"}}' % ID.encode()),
            ID,
            "not JSON",
            id="s6-a-price-that-is-none",
        ),
        pytest.param(
            created(b'{"outcome":"success","outcome":"failure","lead":{"id":"%s"}}' % ID.encode()),
            ID,
            "twice",
            id="s6-a-name-twice",
        ),
        pytest.param(created(b"[" * 100_000), None, "201 Created", id="s7-deeply-nested"),
        pytest.param(
            [say(HEAD + b"Content-Length: 52428800\r\n\r\n"), flood(b" " * 65_536, 800), close],
            None,
            "longer than",
            id="s8-fifty-megabytes",
        ),
        pytest.param(response(202, b"{}"), None, "no answer to a lead", id="s22-202"),
        pytest.param(response(204), None, "no answer to a lead", id="s22-204"),
        pytest.param(response(206, b"{}"), None, "no answer to a lead", id="s22-206"),
        pytest.param(
            [say(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), close],
            None,
            "not HTTP",
            id="s27-a-bad-chunk",
        ),
        pytest.param([say(b"hello\r\n\r\n"), close], None, "not HTTP", id="s27-not-http"),
    ],
)
async def test_an_odd_answer_leaves_its_row_in_doubt_once_and_for_all(
    doing: Doing, lead_id: str | None, words: str, tmp_path: Path
) -> None:
    """The row is held with what could be saved, the others succeed, and nothing goes out twice."""
    fared = await third_row(doing, tmp_path, transport__total_s=1.0)

    assert (ExitStatus.IN_DOUBT, all_of(6, _3="in_doubt"), ONCE) == fared
    reason, salvaged = row_in(tmp_path / "l.db", 3, "reason, nullif(lead_id, '')")
    assert (lead_id, words) == (salvaged, words if words in reason else reason)


@pytest.mark.parametrize("status", [500, 501, 505, 520, 599])
async def test_s19_a_server_error_is_held_as_an_http_error(status: int, tmp_path: Path) -> None:
    """The lead may have been taken: neither repeated nor forgotten."""
    fared = await third_row(refusal(status), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared
    assert (status,) == row_in(tmp_path / "l.db", 3, "http_status")


@pytest.mark.parametrize("status", [400, 409, 410, 413, 422])
async def test_s20_a_refusal_of_one_row_is_held_and_the_others_go_on(
    status: int, tmp_path: Path
) -> None:
    """What is wrong with one lead is not wrong with all."""
    fared = await third_row(refusal(status), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared


@pytest.mark.parametrize("status", [408, 429])
async def test_s21_too_many_requests_is_held(status: int, tmp_path: Path) -> None:
    """No page of LeadConduit's allows a retry after these, whatever Retry-After says."""
    fared = await third_row(refusal(status, ("Retry-After", "0")), tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared


@pytest.mark.parametrize("status", [401, 403, 404, 405, 406, 415])
async def test_s20_a_refusing_destination_stops_the_run_and_a_later_one_sends_the_rest(
    status: int, tmp_path: Path
) -> None:
    """Every row would fare alike: exit status 4, the rest pending, and none of them lost."""
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


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(response(200, b"<html><title>Maintenance</title>", HTML), id="s5-200-html"),
        pytest.param(response(301, b"", (("Location", "/elsewhere"),)), id="s11-301"),
        pytest.param(response(302, b"", (("Location", "/elsewhere"),)), id="s11-302"),
    ],
)
async def test_s5_s11_answers_that_are_not_leadconduits_stop_the_run_after_five(
    answer: bytes, tmp_path: Path
) -> None:
    """A maintenance page or a redirect from the very first answer on: the address is wrong."""
    leads, ledger = a_list(tmp_path, 40), tmp_path / "l.db"
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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", [pytest.param("http", id="elsewhere"), pytest.param("file", id="file")]
)
async def test_s11_a_redirect_is_never_followed(status: int, place: str, tmp_path: Path) -> None:
    """The target sees nothing, whatever the status; the row is an http_error and is held."""
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


@pytest.mark.parametrize(
    ("header", "is_obeyed"),
    [
        pytest.param("0", False, id="zero"),
        pytest.param("-1", False, id="negative"),
        pytest.param("1e9", False, id="exponent"),
        pytest.param("soon", False, id="a-word"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", False, id="a-past-date"),
        pytest.param("1", True, id="seconds"),
    ],
)
async def test_s15_the_forms_of_retry_after(
    header: str,
    *,
    is_obeyed: bool,
    tmp_path: Path,
) -> None:
    """Seconds are waited; nonsense and the past fall back to the wait of our own choosing."""
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503, ("Retry-After", header)), taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))

    assert (ExitStatus.DONE, all_of(3)) == (result.exit_status, endings(ledger))
    assert {1: 2, 2: 1, 3: 1} == answerer.counts
    first, second = [seen.at_s for seen in answerer.seen if seen.row == 1]
    assert is_obeyed == (second - first >= 1.0)


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
    """The run does not sit there for hours; the row is left for a later one, with its due time."""
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


async def test_s15_two_headers_count_as_the_first(tmp_path: Path) -> None:
    """A second Retry-After changes nothing and breaks nothing."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    both = refusal(503, ("Retry-After", "0"), ("Retry-After", "7200"))
    answerer = Answerer({1: [both, taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))

    assert (ExitStatus.DONE, {1: 2, 2: 1}) == (result.exit_status, answerer.counts)


ATTEMPTS = 4


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1, ATTEMPTS])
async def test_s16_a_storm_is_outlived_or_the_row_is_deferred(
    status: int, times: int, tmp_path: Path
) -> None:
    """Up to the last attempt a row is retried; then it is deferred, and the next run sends it."""
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
    """The breaker holds everybody back; nobody's attempts are burnt by it."""
    leads, ledger = a_list(tmp_path, 30), tmp_path / "l.db"
    storm = Answerer({row: [refusal(503), taken(row, 2)] for row in range(1, 31)})
    async with fault_server(storm.script) as server:
        order = an_order(server.url, leads, ledger=ledger, breaker__failures_max=3)
        result = await submitted(order)

    assert (ExitStatus.DONE, all_of(30)) == (result.exit_status, endings(ledger))
    assert dict.fromkeys(range(1, 31), 2) == storm.counts


async def test_s17_a_lead_that_was_taken_before_the_503_is_sent_twice_and_counted(
    tmp_path: Path,
) -> None:
    """The documented weak spot: the vendor asks for the retry, the ledger shows both attempts."""
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
    """With --strict a proxy's word is no leave to repeat: one request, in doubt."""
    fared = await third_row(refusal(status), tmp_path, endpoint__strict=True)

    assert (ExitStatus.IN_DOUBT, all_of(6, _3="in_doubt"), ONCE) == fared


async def test_s18_strict_still_retries_a_503(tmp_path: Path) -> None:
    """A 503 is LeadConduit's own refusal and no proxy's guess."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    answerer = Answerer({1: [refusal(503), taken(1, 2)]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, endpoint__strict=True)
        result = await submitted(order)

    assert (ExitStatus.DONE, {1: 2, 2: 1}) == (result.exit_status, answerer.counts)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        pytest.param(
            verdict("failure", reason="duplicate", lead={"id": ID}, price=0),
            OutcomeKind.FAILURE,
            "duplicate",
            id="s29-duplicate",
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
        pytest.param(
            response(201, b'{"outcome":"success","lead":{"id":"%s"}}' % ID.encode(), HTML),
            OutcomeKind.SUCCESS,
            None,
            id="s12-a-wrong-content-type",
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


async def test_every_price_is_added_up_and_kept(tmp_path: Path) -> None:
    """What was spent can be read from the ledger to the last micro unit."""
    leads, ledger, observer = a_list(tmp_path, 3), tmp_path / "l.db", Recorder()
    plan = {row: [verdict(price=price)] for row, price in enumerate((0.1, 0.2, 1.234567), 1)}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger), observer)

    assert [(1_534_567,)] == asked(ledger, "SELECT sum(price_micros) FROM outcome")
    assert 1_534_567 == observer.watched[0].tally.price_micros


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

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.ledger.reader import open_reader
from bulkpost.ledger.statements import sql
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.course import SPANS_MAX, Course, percentiles, run_course, span_for
from bulkpost.reporting.summary import run_record, summarise
from bulkpost.run import RunEnding

_K = OutcomeKind
_BUSY = Outcome(_K.DEFERRED, "HTTP 503", 503)
_UNSENT = Outcome(_K.DEFERRED, "no connection", None)
_NO_ANSWER = Outcome(_K.IN_DOUBT, "reset")


def changed(ledger: Path, *statements: str) -> None:
    """Set times that no test could wait for."""
    with closing(sqlite3.connect(ledger)) as database, database:
        for statement in statements:
            database.execute(statement)


async def a_course(ledger: Path, run: int = 1) -> Course:
    async with open_reader(ledger) as reader:
        return await run_course(reader, await run_record(reader, run))


async def made(tmp_path: Path, *pasts: Past, rows: int = 12) -> Path:
    ledger = tmp_path / "l.db"
    await make_past(ledger, leads_csv(tmp_path / "leads.csv", rows), *pasts)
    return ledger


@given(st.lists(st.integers(0, 999), min_size=1, max_size=300))
def test_percentiles_are_by_nearest_rank(latencies: Sequence[int]) -> None:
    """The smallest latency that so many in a hundred are not above."""
    counts = {latency: latencies.count(latency) for latency in set(latencies)}
    ranked = sorted(latencies)
    expected = [ranked[math.ceil(percent * len(ranked) / 100) - 1] for percent in (50, 95, 99)]

    found = percentiles(counts)

    assert found is not None
    assert expected == [found.p50_ms, found.p95_ms, found.p99_ms]


@given(st.integers(1, 100 * 366 * 86_400_000))
def test_a_time_of_any_length_is_cut_into_few_spans(whole_ms: int) -> None:
    """At most sixty, and not many fewer than needed: a run of a second and one of a year."""
    span_ms = span_for(whole_ms)

    assert whole_ms <= span_ms * SPANS_MAX
    assert span_ms == 100 or whole_ms > span_ms * SPANS_MAX / 6


async def test_requests_are_counted_by_what_they_brought(tmp_path: Path) -> None:
    """Verdicts, repeated requests and answers 5xx, each once and where the summary counts them."""
    endings = [
        Ending(1, Outcome(_K.SUCCESS, None, 201, "a" * 24), waits=[_BUSY, _UNSENT]),
        ended(2, _K.FAILURE, "duplicate", 201),
        ended(3, _K.ERROR, "x", 201),
        ended(4, _K.HTTP_ERROR, "HTTP 500", 500),
        Ending(5, _NO_ANSWER),
        Ending(6, _BUSY),
        ended(7, _K.INVALID, "no"),
    ]
    ledger = await made(tmp_path, Past(endings))

    course = await a_course(ledger)
    async with open_reader(ledger) as reader:
        summary = await summarise(reader, 1)

    totals = [
        sum(getattr(span, name) for span in course.spans)
        for name in ("succeeded", "refused", "unanswered", "retries", "server_errors")
    ]
    assert [1, 2, 5, 2, 3] == totals
    assert summary.attempts == sum(span.requests for span in course.spans)
    assert summary.retries == course.retries


async def test_an_answer_that_a_person_told_is_no_request_of_its_own(tmp_path: Path) -> None:
    """The row was sent once, and what came of that is what is counted."""
    ledger = await made(tmp_path, Past([Ending(1, _NO_ANSWER), ok(2)]))
    changed(ledger, "UPDATE outcome SET state = 10 WHERE state = 20")  # as `doubt resolve` does

    course = await a_course(ledger)

    assert (1, 1) == (
        sum(span.succeeded for span in course.spans),
        sum(span.unanswered for span in course.spans),
    )


async def test_times_and_latencies_are_put_where_they_belong(tmp_path: Path) -> None:
    """Each request in the stretch in which it ended; stretches without one are there, empty."""
    ledger = await made(tmp_path, Past([ok(row) for row in range(1, 11)]))
    changed(
        ledger,
        "UPDATE run SET ended_at_ms = started_at_ms + 60000",
        "UPDATE outcome SET elapsed_ms = ((row_id & 255) - 1) * 100, latency_ms = 50",
        "UPDATE outcome SET elapsed_ms = 60000, latency_ms = 12345 WHERE row_id & 255 = 10",
    )

    course = await a_course(ledger)
    spans = course.spans

    assert (2_000, 31) == (course.span_ms, len(spans))  # 60,000 is the first millisecond after 30
    assert [9, *[0] * 29, 1] == [span.requests for span in spans]
    assert (4.5, 0.0) == (spans[0].requests_per_s, spans[1].requests_per_s)
    assert spans[1].latency is None
    assert course.latency is not None
    assert (50, 12_300) == (course.latency.p50_ms, course.latency.p99_ms)
    assert course.started_at_ms + 60_000 == course.at_ms(spans[-1])


@settings(deadline=None)
@given(st.lists(st.integers(0, 900_000), min_size=1, max_size=40))
def test_classes_of_latencies_are_at_most_one_per_cent_wide(latencies: Sequence[int]) -> None:
    """Exact below a second, never above what was measured."""
    exact = percentiles({latency: latencies.count(latency) for latency in set(latencies)})
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(sql("schema"))
        database.executemany(
            "INSERT INTO outcome (row_id, run_id, state, attempts, ambiguous, elapsed_ms,"
            " latency_ms) VALUES (?, 1, 10, 1, 0, 0, ?)",
            enumerate(latencies, start=1),
        )
        params = {"first": 1, "last": 99, "run_id": 1, "span_ms": 100, "spans_max": 60}
        rows = database.execute(sql("run_course"), params).fetchall()
    found = percentiles({row[1]: row[2] for row in rows})

    assert found is not None
    assert exact is not None
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        told, true = getattr(found, name), getattr(exact, name)
        assert true * 0.99 <= told <= true
        assert told == true or true >= 1_000


async def test_a_run_without_an_end_is_as_long_as_its_last_request(tmp_path: Path) -> None:
    """Going on or dead: there is no time after it that anything is known of."""
    ledger = await made(tmp_path, Past([ok(1), ok(2), Ending(3, None)], ending=None))
    changed(ledger, "UPDATE outcome SET elapsed_ms = (row_id & 255) * 1000")

    course = await a_course(ledger)

    assert 2 == sum(span.requests for span in course.spans)
    assert 2_001 == course.spans[-1].start_ms + course.spans[-1].length_ms


async def test_a_retry_of_a_row_that_is_still_under_way_is_counted(tmp_path: Path) -> None:
    """Of a run that is going on, or that died amid it."""
    ledger = await made(tmp_path, Past([Ending(1, None, waits=[_BUSY])], ending=None))

    course = await a_course(ledger)
    async with open_reader(ledger) as reader:
        summary = await summarise(reader, 1)

    assert (1, 1) == (course.retries, summary.retries)


@pytest.mark.parametrize(
    "past",
    [
        Past([], RunEnding.FINISHED),
        Past([ended(1, _K.INVALID, "no"), ended(2, _K.DUPLICATE, "same")]),
        Past([Ending(1, None)], ending=None),
    ],
    ids=["empty", "nothing-sent", "nothing-answered"],
)
async def test_a_run_without_an_answer_has_no_course(past: Past, tmp_path: Path) -> None:
    """No stretch, no latency; nothing is divided by nothing."""
    course = await a_course(await made(tmp_path, past))

    assert ((), None) == (course.spans, course.latency)
    assert [] == course.to_dict()["spans"]


async def test_a_clock_that_went_back_loses_no_request(tmp_path: Path) -> None:
    """A time before the start counts to the first stretch."""
    ledger = await made(tmp_path, Past([ok(1), ok(2)]))
    changed(ledger, "UPDATE outcome SET elapsed_ms = -5000 WHERE row_id & 255 = 1")

    assert 2 == sum(span.requests for span in (await a_course(ledger)).spans)


async def test_the_other_runs_of_an_input_are_not_counted(tmp_path: Path) -> None:
    """Each run has its own requests, also those of a row that a later run sent again."""
    deferred = Past([Ending(1, _BUSY), ok(2)])
    resent = Ending(1, Outcome(_K.SUCCESS, None, 201, "b" * 24), earlier_attempts=1, key=bytes(16))
    ledger = await made(tmp_path, deferred, Past([resent, ok(3)]))

    courses = [await a_course(ledger, run) for run in (1, 2)]

    assert [2, 2] == [sum(span.requests for span in course.spans) for course in courses]
    assert [1, 0] == [course.server_errors for course in courses]

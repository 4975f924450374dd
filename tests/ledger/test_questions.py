"""What each statement answers about one run of several, one input of two, one row of many."""

from collections.abc import Iterator
from typing import Any

import pytest
from tables import LEAD_ID, REASONS, Tables, a_ledger_in_memory

from bulkpost.ledger.entries import row_id_of

ID = LEAD_ID.hex()
LATE, BUSY = REASONS[1], REASONS[2]
FIRST = {"first": row_id_of(1, 1), "last": row_id_of(2, 1) - 2}
SECOND = {"first": row_id_of(2, 1), "last": row_id_of(3, 1) - 2}


def _row(number: int, input_id: int = 1) -> int:
    return row_id_of(input_id, number)


@pytest.fixture
def tables() -> Iterator[Tables]:
    """Input 1: rows of every kind from two runs. Input 2: two rows in doubt, one of them armed."""
    told = {"reason_id": 1, "lead_id": LEAD_ID, "price_micros": 7}
    with a_ledger_in_memory() as tables:
        tables.outcome(_row(1), 20, 1, elapsed_ms=10, attempts=2, http_status=201, **told)
        tables.outcome(_row(2), 10, 1, elapsed_ms=11, ambiguous=1, latency_ms=5, **told)
        late = {"due_at_ms": 99, "http_status": 503, "reason_id": 2}
        tables.intent(_row(3), 0, 2, elapsed_ms=20, attempt=3, ambiguous=1)
        tables.intent(_row(4), 1, 2, elapsed_ms=21, attempt=4, ambiguous=2, **late)
        tables.outcome(_row(5), 50, 2, elapsed_ms=22, attempts=4, reason_id=2)
        tables.put("due", row_id=_row(5), due_at_ms=88)
        tables.outcome(_row(6), 11, 2, elapsed_ms=23, reason_id=1, detail=17)
        tables.outcome(_row(1, 2), 20, 3, elapsed_ms=30, reason_id=1)
        tables.intent(_row(2, 2), 0, 3, elapsed_ms=31)
        yield tables


@pytest.mark.parametrize(
    ("run_id", "with_armed", "rows"),
    [
        (None, 1, [_row(1), _row(3), _row(1, 2), _row(2, 2)]),
        (None, 0, [_row(1), _row(1, 2)]),
        (1, 1, [_row(1)]),
        (2, 1, [_row(3)]),
        (2, 0, []),
        (3, 1, [_row(1, 2), _row(2, 2)]),
        (3, 0, [_row(1, 2)]),
    ],
)
def test_doubts_are_those_of_a_run_or_of_all(
    run_id: int | None, with_armed: int, rows: list[int], tables: Tables
) -> None:
    """What a dead run has left armed is in doubt as well; what waits is not."""
    asked = {"run_id": run_id, "with_armed": with_armed}

    assert rows == [row[0] for row in tables.ask("doubts", **asked, rows_max=9)]
    assert rows[:1] == [row[0] for row in tables.ask("doubts", **asked, rows_max=1)]
    assert [(len(rows),)] == tables.ask("doubt_count", **asked)


def test_doubts_are_told_by_when_they_were_sent(tables: Tables) -> None:
    """Those of a run or of all, after the last one of the thousand before."""
    first, second = (_row(1), 1_010), (_row(1, 2), 3_030)
    asked = {"run_id": None, "rows_max": 9}

    assert [first, second] == tables.ask("doubts_sent_at", after=0, **asked)
    assert [second] == tables.ask("doubts_sent_at", after=_row(1), **asked)
    assert [first] == tables.ask("doubts_sent_at", after=0, run_id=1, rows_max=9)
    assert [first] == tables.ask("doubts_sent_at", after=0, run_id=None, rows_max=1)


_ANY: dict[str, Any] = {
    **dict.fromkeys(("run_id", "up_to", "destination", "since_ms", "states", "live")),
    "runs_max": 9,
}


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ({}, [4, 3, 2, 1]),
        ({"runs_max": 2}, [4, 3]),
        ({"run_id": 3}, [3]),
        ({"run_id": 7}, []),
        ({"up_to": 3}, [3, 2, 1]),
        ({"up_to": 4}, [4]),
        ({"destination": "eu"}, [4]),
        ({"destination": "box"}, [3, 2, 1]),
        ({"since_ms": 3_000}, [4, 3]),
        ({"states": '["drained"]'}, [2]),
        ({"states": '["running"]', "live": 4}, [4]),
        ({"states": '["died", "drained"]', "live": 4}, [3, 2, 1]),
        ({"states": '["died"]'}, [4, 3, 1]),
    ],
)
def test_runs_come_newest_first(wanted: dict[str, Any], runs: list[int], tables: Tables) -> None:
    """All, or those that are asked for: by place, by time, by how they ended."""
    tables.rows("UPDATE run SET ending = 'drained' WHERE id = 2")
    tables.put("destination", id=2, kind="submission", name="Live/EU", first_used_at_ms=0)
    rules = {"key_spec": "content", "duplicates": "skip", "path": "c.csv", "format": "CSV"}
    known = {"digest": b"3", "size_bytes": 9, "rows": 9, "map_digest": "m"}
    tables.put("input", id=3, destination_id=2, first_seen_at_ms=0, **known, **rules)
    origin = {"version": "1", "host": "here", "pid": 1, "settings": "{}", "rows_before": 0}
    tables.put("run", id=4, input_id=3, command="submit", started_at_ms=4_000, **origin)

    assert runs == [row[0] for row in tables.ask("run_record", **_ANY | wanted)]


def test_a_doubt_is_told_with_all_that_is_known_of_it(tables: Tables) -> None:
    """When it was sent, how often, and what came."""
    found = tables.ask("doubts", run_id=None, with_armed=1, rows_max=2)

    assert [
        (_row(1), "a.csv", 1, 1_010, 2, 201, LATE, ID, "{1}", 0, "submission"),
        (_row(3), "a.csv", 2, 2_020, 3, None, None, None, "{2}", 1, "submission"),
    ] == found


def test_an_export_has_the_rows_that_are_asked_for(tables: Tables) -> None:
    """Of one input, from one row to another, whatever they are."""
    ended: list[tuple[Any, ...]] = [
        (_row(1), 20, LATE, ID, 7, 201, 2, 1_010, None),
        (_row(2), 10, LATE, ID, 7, None, 1, 1_011, None),
        (_row(5), 50, BUSY, "", None, None, 4, 2_022, None),
        (_row(6), 11, LATE, "", None, None, 1, 2_023, 17),
    ]
    under_way: list[tuple[Any, ...]] = [
        (_row(3), 0, None, None, None, None, 3, 2_020, None),
        (_row(4), 1, BUSY, None, None, 503, 4, 2_021, None),
    ]

    assert sorted(ended + under_way) == sorted(tables.ask("export_rows", **FIRST))
    assert [_row(2), _row(3)] == sorted(
        row[0] for row in tables.ask("export_rows", first=_row(2), last=_row(3))
    )
    assert [_row(1, 2), _row(2, 2)] == sorted(row[0] for row in tables.ask("export_rows", **SECOND))


def test_rows_under_way_are_counted_by_input(tables: Tables) -> None:
    """In flight, and waiting."""
    assert [(0, 1), (1, 1)] == tables.ask("intent_counts", **FIRST)
    assert [(0, 1)] == tables.ask("intent_counts", **SECOND)


def test_endings_are_counted_by_input_and_by_run(tables: Tables) -> None:
    """A run's own, or all of its input's."""
    first: list[tuple[Any, ...]] = [(10, 1, 7), (20, 1, 7)]
    second: list[tuple[Any, ...]] = [(11, 1, None), (50, 1, None)]

    assert first == tables.ask("run_counts", **FIRST, run_id=1)
    assert second == tables.ask("run_counts", **FIRST, run_id=2)
    assert sorted(first + second) == tables.ask("run_counts", **FIRST, run_id=None)
    assert [(20, 1, None)] == tables.ask("run_counts", **SECOND, run_id=None)


def test_endings_of_several_runs_are_counted_at_once(tables: Tables) -> None:
    """With their prices and their latencies, by run."""
    tables.outcome(_row(11), 10, 1, latency_ms=6, price_micros=1)
    tables.outcome(_row(11, 2), 10, 1, latency_ms=6)  # of another input
    counted = [(1, 10, 2, 8, 11, 2), (1, 20, 1, 7, None, 0)]
    others = [(2, 11, 1, None, None, 0), (2, 50, 1, None, None, 0)]

    assert counted == tables.ask("runs_counts", **FIRST, runs="[1]")
    assert [*counted, *others] == tables.ask("runs_counts", **FIRST, runs="[2, 1]")


def test_the_last_request_of_a_run_is_found(tables: Tables) -> None:
    """An attempt's or a verdict's; a row that was never sent made none."""
    asked = {**FIRST, "run_id": 1}
    tables.outcome(_row(11), 40, 1, attempts=0, elapsed_ms=90)
    tables.outcome(_row(12), 10, 2, elapsed_ms=91)
    found = [tables.ask("run_last", **asked)]
    tables.attempt(_row(11), 1, 50, 1, elapsed_ms=50)
    tables.attempt(_row(12), 1, 50, 2, elapsed_ms=80)
    found.append(tables.ask("run_last", **asked))

    assert [[(11,)], [(50,)]] == found


@pytest.mark.parametrize("state", [10, 11, 12, 20, 30, 40, 41, 42, 50])
def test_a_duplicate_is_freed_with_the_row_that_held_its_lead(state: int, tables: Tables) -> None:
    """If that row was deferred, or has become a duplicate itself; rows of one input."""
    tables.outcome(_row(21), state, 1)
    for row, refused in ((22, 41), (23, 42), (24, 30)):
        tables.outcome(_row(row), refused, 1, detail=_row(21))
    tables.outcome(_row(25), 41, 1, detail=_row(2))  # of a lead that was taken
    tables.outcome(_row(22, 2), 41, 1, detail=_row(21))
    is_freed = state in {41, 42, 50}

    assert ([(_row(22), 41), (_row(23), 42)] if is_freed else []) == tables.ask(
        "freed_rows", **FIRST
    )


def test_reasons_are_those_of_a_run(tables: Tables) -> None:
    """For each outcome the commonest first, no more than are asked for, and the rows without."""
    for row in (11, 12):
        tables.outcome(_row(row), 11, 2, reason_id=2, price_micros=3)
    tables.outcome(_row(13), 11, 2, price_micros=4)
    asked = {**FIRST, "run_id": 2}
    common, none = (11, BUSY, 2, 6), (11, None, 1, 4)

    assert [common, (11, LATE, 1, None), none, (50, BUSY, 1, None)] == tables.ask(
        "run_reasons", **asked, reasons_max=9
    )
    assert [common, none, (50, BUSY, 1, None)] == tables.ask("run_reasons", **asked, reasons_max=1)


def test_attempts_and_their_repeats_are_those_of_a_run(tables: Tables) -> None:
    """A repeat is an attempt after which the same run tried the row once more.

    Those that were pruned were counted before.
    """
    tables.attempt(_row(5), 3, 50, 2)
    tables.attempt(_row(5), 4, 50, 2)
    tables.attempt(_row(1), 1, 50, 2)  # its last attempt was another run's
    tables.attempt(_row(1), 2, 20, 1)
    tables.attempt(_row(1, 2), 1, 20, 3)

    for run_id in (1, 3):
        tables.put("pruned", run_id=run_id, at_ms=1, attempts=10 * run_id, retries=run_id)

    assert [(3, 1)] == tables.ask("run_attempts", **FIRST, run_id=2)
    assert [(11, 1)] == tables.ask("run_attempts", **FIRST, run_id=1)
    assert [(31, 3)] == tables.ask("run_attempts", **SECOND, run_id=3)


def test_totals_are_those_of_a_run(tables: Tables) -> None:
    """Prices; verdicts that are no attempts yet; rows that were repeated, and their duplicates."""
    tables.put("reason", id=3, text="Duplicate lead")
    tables.outcome(_row(11), 11, 1, ambiguous=3, attempts=4, reason_id=3)
    tables.outcome(_row(12), 11, 1, attempts=0, reason_id=3)
    tables.outcome(_row(13), 12, 1, attempts=2)
    tables.attempt(_row(13), 2, 30)
    tables.outcome(_row(14), 40, 1, attempts=1)

    assert [(14, 2, 2, 1)] == tables.ask("run_totals", **FIRST, run_id=1)
    assert [(0, 1, 0, 0)] == tables.ask("run_totals", **FIRST, run_id=2)


def test_kinds_of_http_errors_are_those_of_a_run(tables: Tables) -> None:
    """The commonest first, each by its first row; rows in doubt or deferred are none."""
    refused = {"http_status": 500, "elapsed_ms": 9}
    for row, reason_id, run_id in ((11, 2, 2), (12, 1, 2), (13, 2, 2), (14, 2, 1)):
        tables.outcome(_row(row), 30, run_id, reason_id=reason_id, **refused)
    tables.put("message", id=1, document="{1}")
    tables.put("message", id=2, document="{2}")
    tables.put("evidence", row_id=_row(11), request_id=1, reply_id=2)
    kinds = [
        (_row(11), 2, 500, BUSY, 2_009, "{1}", "{2}"),
        (_row(12), 1, 500, LATE, 2_009, None, None),
    ]

    assert kinds == tables.ask("support_kinds", run_id=2, kinds_max=9)
    assert kinds[:1] == tables.ask("support_kinds", run_id=2, kinds_max=1)


def test_a_row_is_told_as_it_stands(tables: Tables) -> None:
    """Ended, waiting, in flight, or not yet."""
    now = [tables.ask("row_now", row_id=_row(number)) for number in (1, 2, 3, 4, 5, 6, 7)]

    assert [
        [(20, LATE, ID, 7, 201, 2, 0, 1_010, None, 1, None, None)],
        [(10, LATE, ID, 7, None, 1, 1, 1_011, 5, 1, None, None)],
        [(0, None, None, None, None, 3, 1, 2_020, None, 2, None, None)],
        [(1, BUSY, None, None, 503, 4, 2, 2_021, None, 2, 99, None)],
        [(50, BUSY, "", None, None, 4, 0, 2_022, None, 2, 88, None)],
        [(11, LATE, "", None, None, 1, 0, 2_023, None, 2, None, 17)],
        [],
    ] == now


def test_the_attempts_of_a_row_come_in_order(tables: Tables) -> None:
    """Its own, and no more than are asked for."""
    tables.attempt(_row(5), 2, 50, 2, elapsed_ms=2, http_status=502, reason_id=2, latency_ms=6)
    tables.attempt(_row(5), 1, 50, 1, elapsed_ms=1)
    tables.attempt(_row(6), 1, 50, 1)
    both = [(1, 1, 50, None, None, 1_001, None), (2, 2, 50, 502, BUSY, 2_002, 6)]

    assert both == tables.ask("row_attempts", row_id=_row(5), attempts_max=9)
    assert both[:1] == tables.ask("row_attempts", row_id=_row(5), attempts_max=1)


def test_the_decisions_about_a_row_come_in_order(tables: Tables) -> None:
    """Its own, and no more than are asked for."""
    for number, (row, state_after) in enumerate([(5, 11), (6, 12), (5, 50)]):
        told = {"how": "manual", "who": "ada", "lead_id": LEAD_ID, "note": f"{number}"}
        states = {"state_before": 20 + number, "state_after": state_after}
        tables.put("resolution", row_id=_row(row), at_ms=9 - number, **states, **told)
    both = [(9, "manual", "ada", 20, 11, ID, "0"), (7, "manual", "ada", 22, 50, ID, "2")]

    assert both == tables.ask("row_resolutions", row_id=_row(5), resolutions_max=9)
    assert both[:1] == tables.ask("row_resolutions", row_id=_row(5), resolutions_max=1)


def test_rows_to_be_released_come_by_the_thousand(tables: Tables) -> None:
    """In one state, of one input, after the last one of the thousand before."""
    for row in (10, 11, 12):
        tables.outcome(_row(row), 11, 1)
    asked = {"last": FIRST["last"], "state": 11, "run_id": None, "rows_max": 2}

    assert [(_row(6),), (_row(10),)] == tables.ask("release_candidates", after=_row(1), **asked)
    assert [(_row(11),), (_row(12),)] == tables.ask("release_candidates", after=_row(10), **asked)
    assert [(_row(10),), (_row(11),)] == tables.ask(
        "release_candidates", after=_row(1), **asked | {"run_id": 1}
    )
    assert [] == tables.ask("release_candidates", after=_row(1), **asked | {"last": _row(5)})

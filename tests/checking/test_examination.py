"""What is counted of a list's values, and what is kept of them: nothing."""

import gc
import sys
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkpost.checking.column_types import TypeOrigin, typed_columns
from bulkpost.checking.examination import EXAMPLES_MAX, Examination
from bulkpost.destination import Destination
from bulkpost.fields import parse
from bulkpost.fields.catalogue import FINDINGS
from bulkpost.fields.field_type import FieldType
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.settings import MapSettings
from bulkpost.row import Row

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHERE = Destination("https://app.leadconduit.com", "5f0c1d2e3a4b5c6d7e8f9a0b", "6a1b" * 6)


def a_map(*columns: str, **settings: object) -> ColumnMap:
    return build_map(columns, MapSettings(**settings), WHERE)  # type: ignore[arg-type]


def examined(column_map: ColumnMap, *rows: tuple[str, ...], **types: FieldType) -> Examination:
    examination = Examination(column_map, types, AS_OF, normalise=True)
    for number, cells in enumerate(rows, 1):
        examination.add(Row(number, number + 1, cells))
    return examination


def test_a_type_comes_from_the_config_then_from_the_name_then_is_text() -> None:
    """The config wins; a column called SSN is one whatever field it feeds."""
    column_map = a_map(
        *("email", "note", "phone_1", "SSN", "social_club"),
        columns={"SSN": "tax_no"},
        types={"social_club": "string", "phone_1": "string"},
    )
    types = {"social_club": FieldType.STRING, "phone_1": FieldType.STRING}

    assert [
        ("email", FieldType.EMAIL, TypeOrigin.NAME),
        ("note", FieldType.STRING, TypeOrigin.DEFAULT),
        ("phone_1", FieldType.STRING, TypeOrigin.CONFIG),
        ("tax_no", FieldType.SSN, TypeOrigin.NAME),
        ("social_club", FieldType.STRING, TypeOrigin.CONFIG),
    ] == [(one.field, one.type, one.origin) for one in typed_columns(column_map, types)]


def test_each_value_is_counted_once() -> None:
    """Empty, understood, doubtful or not understood; what is found says in which rows first."""
    found = examined(
        a_map("postal_code", "state"),
        *[("78751", "Texas"), ("1234", "Teksas"), ("", "TX"), ("1234", "TX "), ("1234", "TX")],
        ("78751",),
    ).report
    codes, states = found.columns

    assert (6, 1) == (found.rows, found.rows_unread)
    assert (0, 3) == (found.rows_doubtful, found.rows_not_understood)
    assert (1, 1, 0, 3) == (codes.empty, codes.understood, codes.doubtful, codes.not_understood)
    assert (0, 3, 2, 0) == (states.empty, states.understood, states.doubtful, states.not_understood)
    assert 1 == states.changed
    assert [("postal_code_zero_lost", 3, [(2, 3), (4, 5), (5, 6)])] == [
        (one.finding.code, one.values, one.examples) for one in codes.findings
    ]


def test_the_commonest_finding_comes_first_with_few_examples() -> None:
    """However often something is found, three places are told."""
    rows = [("n/a",)] + [(f"{number}@example.com",) for number in range(5)]
    (column,) = examined(a_map("email"), *rows).report.columns

    assert ["email_domain_reserved", "placeholder", "email_not_understood"] == [
        one.finding.code for one in column.findings
    ]
    assert EXAMPLES_MAX == len(column.findings[0].examples) < column.findings[0].values


def test_cells_are_read_as_they_are_sent() -> None:
    """With ``strip``, outer spaces are not sent, so nothing is to be said of them."""
    cells = (" Ann ", "note")
    plain = examined(a_map("first_name", "note"), cells).report.columns[0]
    stripped = examined(a_map("first_name", "note", strip=True), cells).report.columns[0]

    assert (1, 0) == (plain.doubtful, stripped.doubtful)


def test_a_column_that_is_dropped_is_not_looked_at() -> None:
    """What is not sent is nobody's worry."""
    report = examined(a_map("email", "phone_1", columns={"phone_1": False}), ("x", "y")).report

    assert ["email"] == [entry.column.field for entry in report.columns]


@given(st.sampled_from(list(FieldType)), st.text(min_size=1))
@example(FieldType.EMAIL, " ")
@example(FieldType.BOOLEAN, "\x00")
def test_what_is_not_understood_has_a_finding(field_type: FieldType, text: str) -> None:
    """Else it could neither be told nor refused with a reason."""
    parsed = parse(field_type, text, as_of=AS_OF)

    assert parsed.valid or parsed.warnings
    assert {finding.code for finding in parsed.warnings} <= set(FINDINGS)


@pytest.mark.parametrize("field_type", list(FieldType))
def test_no_cell_outlives_its_row(field_type: FieldType) -> None:
    """What is counted holds sentences and numbers, whatever the type."""
    secret = f"219-45-{6789} not to be kept"
    before = sys.getrefcount(secret)
    examination = examined(a_map("note"), (secret,), note=field_type)
    gc.collect()

    assert before == sys.getrefcount(secret)
    assert "6789" not in repr(examination.report)


def test_memory_does_not_grow_with_the_list() -> None:
    """Ten thousand rows with findings take no more than one thousand."""
    examination = Examination(a_map("email", "phone_1"), {}, AS_OF)

    def peak_bytes(rows: range) -> int:
        tracemalloc.start()
        for number in rows:
            examination.add(Row(number, number, (f"{number}@gmail.con", f"{number}")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    peak_bytes(range(1, 200))  # what is loaded late, and the caches of prefixes
    assert peak_bytes(range(200, 3_000)) < 300_000

"""Results as Parquet and as a workbook, and the rule that holds for every format."""

import csv
import json
import os
import sqlite3
import string
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from past_runs import Past, make_past, ok
from submitting import table

from bulkpost.errors import UsageError
from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.reader import open_reader as open_ledger_reader
from bulkpost.ledger.states import State
from bulkpost.reading import ReadingSettings, open_reader
from bulkpost.reporting import results_excel, results_parquet
from bulkpost.reporting.export import ExportOptions, export_results, targets_in
from bulkpost.reporting.private_file import private_files
from bulkpost.reporting.results_file import ROWS_MAX, SUFFIXES, WRITERS
from bulkpost.reporting.results_layout import Layout, ResultsRow
from bulkpost.reporting.summary import run_record
from bulkpost.reporting.verdicts import PART_OF
from bulkpost.spreadsheet import harmless
from bulkpost.verdict_columns import VERDICT_COLUMNS

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
_VERDICT = (7, "success", None, "ab" * 12, Decimal("1.50"), 201, 1, _AT)


def written(folder: Path, form: str, columns: Sequence[str], *rows: ResultsRow) -> Path:
    """Write rows in a format and return the file."""
    target = folder / f"out.{SUFFIXES[form]}"
    layout = Layout(tuple(columns), VERDICT_COLUMNS)
    with private_files([target], is_forced=True) as (draft,), WRITERS[form](draft, layout) as file:
        file.write(rows)
    assert [target] == list(folder.iterdir())
    return target


def sheet_of(path: Path) -> list[dict[str, tuple[str, str]]]:
    """Return the rows of a workbook: by column its type and its text. No formula, no link."""
    with zipfile.ZipFile(path) as archive:
        root = fromstring(archive.read("xl/worksheets/sheet1.xml"))
    assert [] == [*root.iter(f"{_SHEET}f"), *root.iter(f"{_SHEET}hyperlink")]
    return [
        {
            cell.attrib["r"].rstrip(string.digits): (
                cell.attrib.get("t", "n"),
                "".join(part.text or "" for part in cell.iter() if part.text),
            )
            for cell in row
        }
        for row in root.iter(f"{_SHEET}row")
    ]


def test_parquet_has_text_and_then_typed_columns(tmp_path: Path) -> None:
    """Prices are exact, times are of UTC; what is not known is null."""
    nothing = (8, "pending", *[None] * 4, 0, None)
    rows: list[ResultsRow] = [(["007"], _VERDICT), ([""], nothing)]
    table = pq.read_table(written(tmp_path, "parquet", ["zip"], *rows))

    assert ["zip", *VERDICT_COLUMNS] == table.column_names
    assert [("007", *_VERDICT), ("", *nothing)] == [
        tuple(row.values()) for row in table.to_pylist()
    ]
    assert pa.decimal128(20, 6) == table.schema.field("bulkpost_price").type
    assert pa.timestamp("ms", "UTC") == table.schema.field("bulkpost_at").type


def test_parquet_is_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By rows or by characters: neither many rows nor long ones are held."""
    monkeypatch.setattr(results_parquet, "_GROUP_ROWS", 4)
    monkeypatch.setattr(results_parquet, "_GROUP_CHARS", 100)
    rows: list[ResultsRow] = [(["x" * (60 if row > 8 else 1)], _VERDICT) for row in range(14)]
    metadata = pq.read_metadata(written(tmp_path, "parquet", ["a"], *rows))

    groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    assert [4, 4, 3, 2, 1] == groups


def test_a_workbook_holds_text_as_it_is(tmp_path: Path) -> None:
    """Leading zeros stay, formulas do not run, markup is text; numbers are those of the verdict."""
    cells = ["007", "=1+1", "<r><t>x</t></r>", "a\x01 _x0041_ & <b>", " two ", "http://x.example"]
    header, row = sheet_of(written(tmp_path, "excel", list("abcdef"), (cells, _VERDICT)))

    assert ["a", "f", "bulkpost_row"] == [header[at][1] for at in "AFG"]
    texts = ["007", "'=1+1", "<r><t>x</t></r>", "a_x0001_ _x005F_x0041_ & <b>", " two "]
    assert [("inlineStr", text) for text in [*texts, cells[5]]] == [row[at] for at in "ABCDEF"]
    assert [("n", "7"), ("n", "1.5"), ("n", "201")] == [row[at] for at in "GKL"]
    assert ("inlineStr", "2026-01-02T03:04:05.678Z") == row["N"]


@pytest.mark.parametrize(
    ("columns", "cells", "word"),
    [
        (["a"], ["x" * 32_768], "32,767 characters"),
        (["a"], ["\U0001f600" * 16_384], "32,767 characters"),
        ([f"c{number}" for number in range(16_380)], [""] * 16_380, "16,384 columns"),
    ],
)
def test_what_a_sheet_cannot_hold_is_refused_and_nothing_is_cut(
    columns: Sequence[str], cells: Sequence[str], word: str, tmp_path: Path
) -> None:
    """Nothing is left behind, neither a file nor the rows that waited for it."""
    with pytest.raises(UsageError, match=word):
        written(tmp_path, "excel", columns, (cells, _VERDICT))

    assert [] == list(tmp_path.iterdir())


def test_more_rows_than_a_sheet_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header is one of them."""
    monkeypatch.setattr(results_excel, "ROWS_MAX", 3)
    rows: list[ResultsRow] = [(["x"], _VERDICT)] * 2
    assert 3 == len(sheet_of(written(tmp_path, "excel", ["a"], *rows)))
    (tmp_path / "out.xlsx").unlink()

    with pytest.raises(UsageError, match="3 rows"):
        written(tmp_path, "excel", ["a"], *rows, *rows)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_two_columns_of_one_name_need_a_format_with_room_for_both(
    form: str, tmp_path: Path
) -> None:
    """One of them would be lost."""
    with pytest.raises(UsageError, match="two columns"):
        written(tmp_path, form, ["a", "a"], (["1", "2"], _VERDICT))


def _csv_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def _jsonl_rows(path: Path) -> list[list[str]]:
    entries = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    return [["" if value is None else str(value) for value in it.values()] for it in entries]


def _parquet_rows(path: Path) -> list[list[str]]:
    rows = pq.read_table(path).to_pylist()
    return [["" if value is None else str(value) for value in it.values()] for it in rows]


_READ_AS: dict[str, Callable[[Path], list[list[str]]]] = {
    "csv": _csv_rows,
    "jsonl": _jsonl_rows,
    "parquet": _parquet_rows,
}
# What a CSV can hold without a defect; the reader's own tests are about the rest.
_cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
_cells |= st.sampled_from(["'=1", "''+2", "@x", "\r", "a\nb", '"', ",", "007", " ", "'"])


_states = st.sampled_from(sorted(State))
_Line = tuple[str, str, State]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of one run over a list."""
    folder = tmp_path_factory.mktemp("past")
    source = table(folder / "leads.csv", ["id"], [["r1"]])
    anyio.run(make_past, folder / "l.db", source, Past([ok(1)]))
    return folder


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_cells, _cells, _states), min_size=1, max_size=12),
    st.sampled_from(sorted(_READ_AS)),
    st.integers(1, 5),
    st.booleans(),
)
def test_the_five_files_are_the_list_in_parts(
    past: Path,
    lines: list[_Line],
    form: str,
    batch_rows: int,
    is_busy: bool,  # noqa: FBT001  # an argument of the property
) -> None:
    """Each row stands in one file, that of its outcome, in order, with its text; read back, too."""
    rows = [(f"r{number}", first, second) for number, (first, second, _) in enumerate(lines, 1)]
    source = table(past / "leads.csv", ["id", "=x", "y"], rows)
    _remember(past / "l.db", [state for *_, state in lines])
    targets = targets_in(past, "leads.csv", form)
    options = ExportOptions(targets, form, is_forced=True, is_busy=is_busy)
    anyio.run(_export, past / "l.db", source, options, batch_rows)
    for part, path in targets.items():
        states = zip(rows, lines, strict=True)
        expected = [row for row, (*_, state) in states if PART_OF[state] is part]
        found = _READ_AS[form](path)
        shown = [[harmless(cell) if form == "csv" else cell for cell in row] for row in expected]
        assert shown == [row[:3] for row in found]
        assert [row[0] for row in expected] == [f"r{row[3]}" for row in found]
        if expected:
            with open_reader(path) as again:
                assert expected == [row.cells for batch in again.batches() for row in batch]
                assert ("id", "=x", "y") == again.columns


def _remember(ledger: Path, states: Sequence[State]) -> None:
    """Let the rows of the ledger's input have these states, and no others."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.executescript("BEGIN; DELETE FROM outcome; DELETE FROM intent;")
        for row_id, state in enumerate(states, row_id_of(1, 1)):
            if state in {State.ARMED, State.BACK_OFF}:
                database.execute(
                    "INSERT INTO intent (row_id, run_id, key, phase, attempt, ambiguous,"
                    " elapsed_ms) VALUES (?, 1, x'00', ?, 1, 0, 0)",
                    (row_id, state),
                )
            elif state is not State.PENDING:
                database.execute(
                    "INSERT INTO outcome (row_id, run_id, state, attempts, ambiguous, elapsed_ms)"
                    " VALUES (?, 1, ?, 1, 0, 0)",
                    (row_id, state),
                )
        database.execute("COMMIT")


async def _export(ledger: Path, source: Path, options: ExportOptions, batch_rows: int) -> None:
    async with open_ledger_reader(ledger) as reader:
        found = await run_record(reader, None)
        with open_reader(source, ReadingSettings(batch_rows=batch_rows)) as original:
            rows = sum(map(len, original.batches()))
            record = replace(found, input_sha256=original.digest().digest, input_rows=rows)
            await export_results(reader, record, original, options)


async def test_more_rows_than_excel_can_hold_are_refused_before_any_is_written(past: Path) -> None:
    """By the part that has too many: a list of more rows may fit in its parts."""
    _remember(past / "l.db", [State.SUCCESS])
    async with open_ledger_reader(past / "l.db") as reader:
        record = replace(await run_record(reader, None), input_rows=ROWS_MAX["excel"] + 2)
        targets = targets_in(past, "many.csv", "excel")
        options = ExportOptions(targets, "excel")
        with pytest.raises(UsageError, match=r"1,048,575 rows.*unsent.* 1,048,576"):
            await export_results(reader, record, None, options)

    assert not any(map(os.path.exists, targets.values()))

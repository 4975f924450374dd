import csv
import gzip
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.errors import InputError, UsageError
from bulkpost.fields.field_type import FieldType
from bulkpost.ledger.reader import open_reader as open_ledger_reader
from bulkpost.mapping.settings import MapSettings
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reading import ReadingSettings, open_reader
from bulkpost.reporting.export import (
    Exported,
    ExportOptions,
    export_results,
    open_original,
    targets_in,
)
from bulkpost.reporting.summary import run_record
from bulkpost.reporting.verdicts import NOT_YET, Part
from bulkpost.verdict_columns import MEND_FIRST, VERDICT_COLUMNS

_K = OutcomeKind
_NOTHING_WRITTEN = ["l.db", "l.db.ballast", "l.db.lock", "leads.csv"]


async def exported(
    folder: Path, path: Path | None, name: str = "out", batch_rows: int = 500, **more: Any
) -> Exported:
    """Export the latest run of the folder's ledger into a folder of this name."""
    (folder / name).mkdir()
    targets = targets_in(folder / name, "leads.csv", more.get("format", "csv"))
    options = ExportOptions(targets, **more)
    settings = ReadingSettings(batch_rows=batch_rows)
    async with open_ledger_reader(folder / "l.db") as reader:
        record = await run_record(reader, None)
        if path is None:
            return await export_results(reader, record, None, options)
        with open_original(record, path, settings) as source:
            return await export_results(reader, record, source, options)


async def failure_of(export: Awaitable[Exported]) -> InputError:
    with pytest.raises(InputError) as caught:
        await export
    return caught.value


def lines_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def files_in(folder: Path) -> dict[str, list[list[str]]]:
    """Return the lines of each file by its part."""
    return {path.stem.partition("-")[2]: lines_of(path) for path in sorted(folder.iterdir())}


async def test_each_row_stands_in_the_file_of_its_outcome(tmp_path: Path) -> None:
    """The original columns first, over many batches, in order; a file without rows is a header."""
    source = leads_csv(tmp_path / "leads.csv", 25)
    endings = [
        ok(1),
        ended(2, _K.FAILURE, "duplicate", 201),
        Ending(3, None),
        ended(4, _K.HTTP_ERROR, "HTTP 500", 500),
        ended(5, _K.INVALID, "an empty key"),
        ended(6, _K.DUPLICATE, "same lead as another row"),
        ended(7, _K.DEFERRED, "the run ended", 503),
        ok(24),
    ]
    await make_past(tmp_path / "l.db", source, Past(endings, ending=None))

    result = await exported(tmp_path, source, batch_rows=4)

    files = files_in(tmp_path / "out")
    assert {part.value for part in Part} == set(files)
    header = ["first_name", "email", *VERDICT_COLUMNS]
    assert [header] * 5 == [lines[0] for lines in files.values()]
    rows = {part: [line[2] for line in lines[1:]] for part, lines in files.items()}
    unsent = ["5", "6", "7", *map(str, range(8, 24)), "25"]
    assert {"success": ["1", "24"], "failure": ["2"], "error": ["4"], "in-doubt": ["3"]} == {
        part: numbers for part, numbers in rows.items() if part != "unsent"
    }
    assert unsent == rows["unsent"]
    assert dict(result.rows) == {Part(part): len(numbers) for part, numbers in rows.items()}
    assert ["Ada2", "failure", "duplicate", "", "", "201", "1"] == [
        files["failure"][1][at] for at in (0, 3, 4, 5, 6, 7, 8)
    ]
    assert [f"{1:024x}", "1.50", "201", "1"] == files["success"][1][5:9]
    words = ["invalid", "duplicate", "deferred", *["pending"] * 17]
    assert words == [line[3] for line in files["unsent"][1:]]
    assert all(line[4] for line in files["unsent"][1:])


async def test_columns_of_social_security_numbers_are_left_out_unless_named(tmp_path: Path) -> None:
    """By name, or by what the config says they feed; ``--include-ssn`` keeps one."""
    source = leads_csv(tmp_path / "leads.csv", 2)
    await make_past(tmp_path / "l.db", source, Past([ok(1)]))
    mapped = MapSettings(columns={"email": "tax"}, types={"tax": FieldType.SSN})

    plain = await exported(tmp_path, source, "1")
    named = await exported(tmp_path, source, "2", include=frozenset({"ssn"}))
    hidden = await exported(tmp_path, source, "3", column_map=mapped)

    assert (("ssn",), (), ("email", "ssn")) == (plain.left_out, named.left_out, hidden.left_out)
    assert not any(b"900000001" in path.read_bytes() for path in (tmp_path / "1").iterdir())
    (header, row) = files_in(tmp_path / "2")["success"]
    assert (["first_name", "email", "ssn"], "900000001") == (header[:3], row[2])
    with pytest.raises(UsageError, match="no column typo"):
        await exported(tmp_path, source, "4", include=frozenset({"typo"}))


@pytest.mark.parametrize("is_named", [False, True])
async def test_cells_that_cannot_be_told_are_left_out_with_a_social_security_number(
    is_named: bool,  # noqa: FBT001  # parametrized
    tmp_path: Path,
) -> None:
    """It may stand in any of them: too few, too many, another delimiter."""
    source = tmp_path / "leads.csv"
    source.write_text("a,ssn,b\n219099901,x\nx,y,219099902,z\nx;219099903;y\nx,219099904,z\n")
    await make_past(tmp_path / "l.db", source, Past([]))

    await exported(tmp_path, source, include=frozenset({"ssn"} if is_named else ()))

    rows = files_in(tmp_path / "out")["unsent"]
    assert 4 + 1 == len(rows)
    assert is_named == any("2190999" in cell for row in rows for cell in row)
    assert is_named or [["", ""]] * 3 + [["x", "z"]] == [row[:2] for row in rows[1:]]


async def test_i27_formula_cells_are_made_harmless_unless_raw(tmp_path: Path) -> None:
    """An exported cell, header or reason that a spreadsheet takes for a formula is made harmless.

    `--raw` and JSON Lines keep every character.
    """
    source = tmp_path / "leads.csv"
    source.write_text("@name,phone\n=HYPERLINK(1),+15125550101\n")
    await make_past(tmp_path / "l.db", source, Past([ended(1, _K.ERROR, "=cmd|x", 201)]))

    await exported(tmp_path, source, "safe")
    await exported(tmp_path, source, "raw", is_raw=True)
    await exported(tmp_path, source, "jsonl", format="jsonl")

    safe = files_in(tmp_path / "safe")["error"]
    assert ["'@name", "phone"] == safe[0][:2]
    assert ["'=HYPERLINK(1)", "'+15125550101", "'=cmd|x"] == [*safe[1][:2], safe[1][4]]
    raw = files_in(tmp_path / "raw")["error"]
    assert ["+15125550101", "=cmd|x"] == [raw[1][1], raw[1][4]]
    first = json.loads((tmp_path / "jsonl" / "leads-error.jsonl").read_text())
    assert ("+15125550101", 1, "error") == (
        first["phone"],
        first["bulkpost_row"],
        first["bulkpost_outcome"],
    )


async def test_rows_that_cannot_be_read_keep_their_cells_and_say_so(tmp_path: Path) -> None:
    """The files keep their width; such a row carries a mark, whether it was looked at or not."""
    source = tmp_path / "leads.csv"
    source.write_text("a,b,c\n1,2\n1,2,3,4\n1,2,3\n")
    bad = Ending(1, Outcome(_K.INVALID, "only 2 of 3 cells"), detail=2)
    await make_past(tmp_path / "l.db", source, Past([bad]))

    await exported(tmp_path, source)

    rows = files_in(tmp_path / "out")["unsent"]
    assert {3 + len(VERDICT_COLUMNS)} == {len(row) for row in rows}
    assert [["1", "2", ""], ["1", "2", "3"], ["1", "2", "3"]] == [row[:3] for row in rows[1:]]
    reasons = [f"line 2: only 2 of 3 cells: {MEND_FIRST}"]
    reasons += [f"4 cells where the header has 3 columns: {MEND_FIRST}", NOT_YET]
    assert reasons == [row[5] for row in rows[1:]]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "excel"])
async def test_half_a_character_is_spelled_out(form: str, tmp_path: Path) -> None:
    """Every format can hold the row, which is invalid, and its files stay UTF-8."""
    source = tmp_path / "leads.csv"
    source.write_text('{"a": "x\\ud800", "b": "1"}\n{"a": "y", "b": "2"}\n')
    await make_past(tmp_path / "l.db", source, Past([ok(2)]))

    result = await exported(tmp_path, source, format=form)

    assert 1 == result.rows[Part.UNSENT]
    if form == "excel":
        return
    with open_reader(result.paths[Part.UNSENT]) as again:
        (row,) = next(again.batches())
    assert (("x\\ud800", "1"), True) == (row.cells, row.defect is not None)


async def test_another_file_than_the_runs_is_refused(tmp_path: Path) -> None:
    """An edited file under the old name would put verdicts beside the wrong leads."""
    source = leads_csv(tmp_path / "leads.csv", 3)
    await make_past(tmp_path / "l.db", source, Past([ok(1)]))
    source.write_text(source.read_text().replace("Ada1,", "Eve1,"))

    refused = await failure_of(exported(tmp_path, source))

    assert "is not the input of run 1" in refused.message
    assert "--input PATH" in refused.advice
    assert [] == list((tmp_path / "out").iterdir())


async def test_a_renamed_and_packed_input_is_the_same_one(tmp_path: Path) -> None:
    """The content counts, not the name."""
    source = leads_csv(tmp_path / "leads.csv", 3)
    await make_past(tmp_path / "l.db", source, Past([ok(1)]))
    moved = tmp_path / "moved.gz"
    moved.write_bytes(gzip.compress(source.read_bytes()))

    result = await exported(tmp_path, moved)

    assert 3 == sum(result.rows.values())


async def test_an_input_that_reads_otherwise_leaves_no_file(tmp_path: Path) -> None:
    """With other row borders than the run saw, no verdict could be trusted."""
    source = tmp_path / "leads.csv"
    source.write_text('a,b\n1,"x\ny"\n2,z\n')
    await make_past(tmp_path / "l.db", source, Past([ok(1)]))

    async with open_ledger_reader(tmp_path / "l.db") as reader:
        record = await run_record(reader, None)
        options = ExportOptions(targets_in(tmp_path, "leads.csv", "csv"))
        with open_original(record, source, ReadingSettings(header=False)) as other:
            failure = await failure_of(export_results(reader, record, other, options))

    assert "run 1 saw 2" in failure.message
    assert _NOTHING_WRITTEN == names_in(tmp_path)


async def test_without_the_input_no_lead_data_is_written(tmp_path: Path) -> None:
    """Row numbers and verdicts stand alone, for every row."""
    source = leads_csv(tmp_path / "leads.csv", 3)
    await make_past(tmp_path / "l.db", source, Past([ok(2)]))
    source.unlink()

    await exported(tmp_path, None)

    files = files_in(tmp_path / "out")
    assert [list(VERDICT_COLUMNS)] * 5 == [lines[0] for lines in files.values()]
    assert [["2", "success"]] == [line[:2] for line in files["success"][1:]]
    assert [["1", "pending"], ["3", "pending"]] == [line[:2] for line in files["unsent"][1:]]


def names_in(folder: Path) -> list[str]:
    ignored = ("-wal", "-shm")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(ignored))

import csv
import gzip
import json
import os
from collections.abc import Awaitable
from pathlib import Path

import pytest
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.errors import InputError, UsageError
from bulkpost.fields.field_type import FieldType
from bulkpost.ledger.reader import open_reader as open_ledger_reader
from bulkpost.mapping.settings import MapSettings
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reading import ReadingSettings
from bulkpost.reporting.export import (
    VERDICT_COLUMNS,
    Exported,
    ExportOptions,
    export_results,
    open_original,
)
from bulkpost.reporting.private_file import private_file
from bulkpost.reporting.summary import run_record

_K = OutcomeKind


async def exported(
    ledger: Path, options: ExportOptions, path: Path | None, batch_rows: int = 500
) -> Exported:
    settings = ReadingSettings(batch_rows=batch_rows)
    async with open_ledger_reader(ledger) as reader:
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


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_original_columns_come_first_then_what_became_of_the_row(tmp_path: Path) -> None:
    """One line per row of the input in its order, over many batches, untouched rows too."""
    source, ledger = leads_csv(tmp_path / "leads.csv", 25), tmp_path / "l.db"
    endings = [ok(1), ended(2, _K.FAILURE, "duplicate", 201), Ending(3, None), ok(24)]
    await make_past(ledger, source, Past(endings, ending=None))

    result = await exported(ledger, ExportOptions(tmp_path / "out.csv"), source, batch_rows=4)

    header, *rows = lines_of(result.path)
    assert ["first_name", "email", *VERDICT_COLUMNS] == header
    assert [f"Ada{row}" for row in range(1, 26)] == [line[0] for line in rows]
    assert [str(row) for row in range(1, 26)] == [line[2] for line in rows]
    outcomes = [line[3] for line in rows]
    assert ["success", "failure", "in_doubt", *["pending"] * 20, "success", "pending"] == outcomes
    assert ["duplicate", "", "", "201", "1"] == rows[1][4:9]
    assert [f"{1:024x}", "1.50", "201", "1"] == rows[0][5:9]


async def test_columns_of_social_security_numbers_are_left_out_unless_named(tmp_path: Path) -> None:
    """By name, or by what the config says they feed; ``--include`` keeps one."""
    source, ledger = leads_csv(tmp_path / "leads.csv", 2), tmp_path / "l.db"
    await make_past(ledger, source, Past([ok(1)]))
    mapped = MapSettings(columns={"email": "tax"}, types={"tax": FieldType.SSN})

    plain = await exported(ledger, ExportOptions(tmp_path / "1.csv"), source)
    kept = ExportOptions(tmp_path / "2.csv", include=frozenset({"ssn"}))
    named = await exported(ledger, kept, source)
    hidden = await exported(ledger, ExportOptions(tmp_path / "3.csv", column_map=mapped), source)

    assert (("ssn",), (), ("email", "ssn")) == (plain.left_out, named.left_out, hidden.left_out)
    assert b"900000001" not in (tmp_path / "1.csv").read_bytes()
    assert ["first_name", "email", "ssn"] == lines_of(named.path)[0][:3]
    assert "900000001" == lines_of(named.path)[1][2]
    typo = ExportOptions(tmp_path / "4.csv", include=frozenset({"typo"}))
    with pytest.raises(UsageError, match="no column typo"):
        await exported(ledger, typo, source)


async def test_i27_formula_cells_are_made_harmless_unless_raw(tmp_path: Path) -> None:
    """An exported cell, header or reason that a spreadsheet takes for a formula is made harmless.

    `--raw` and JSON Lines keep every character.
    """
    source = tmp_path / "leads.csv"
    source.write_text("@name,phone\n=HYPERLINK(1),+15125550101\n-1,\tx\n")
    ledger = tmp_path / "l.db"
    await make_past(ledger, source, Past([ended(1, _K.ERROR, "=cmd|x", 201)]))

    await exported(ledger, ExportOptions(tmp_path / "safe.csv"), source)
    await exported(ledger, ExportOptions(tmp_path / "raw.csv", is_raw=True), source)
    await exported(ledger, ExportOptions(tmp_path / "raw.jsonl", format="jsonl"), source)

    safe = lines_of(tmp_path / "safe.csv")
    assert ["'@name", "phone"] == safe[0][:2]
    assert ["'=HYPERLINK(1)", "'+15125550101"] == safe[1][:2]
    assert ["'-1", "'\tx"] == safe[2][:2]
    assert "'=cmd|x" == safe[1][4]
    raw = lines_of(tmp_path / "raw.csv")
    assert ["+15125550101", "=cmd|x"] == [raw[1][1], raw[1][4]]
    first = json.loads((tmp_path / "raw.jsonl").read_text().splitlines()[0])
    assert ("+15125550101", 1, "error") == (
        first["phone"],
        first["bulkpost_row"],
        first["bulkpost_outcome"],
    )


async def test_bad_rows_keep_the_cells_that_could_be_read(tmp_path: Path) -> None:
    """A row that is too short or too long has its line, and the file keeps its width."""
    source, ledger = tmp_path / "leads.csv", tmp_path / "l.db"
    source.write_text("a,b,c\n1,2\n1,2,3,4\n1,2,3\n")
    bad = Ending(1, Outcome(_K.INVALID, "2 cells, 3 columns"), detail=2)
    await make_past(ledger, source, Past([bad]))

    await exported(ledger, ExportOptions(tmp_path / "out.csv"), source)

    rows = lines_of(tmp_path / "out.csv")
    assert {3 + len(VERDICT_COLUMNS)} == {len(row) for row in rows}
    assert ["invalid", "line 2: 2 cells, 3 columns"] == rows[1][4:6]
    assert ["1", "2", "3"] == rows[3][:3]


async def test_another_file_than_the_runs_is_refused(tmp_path: Path) -> None:
    """An edited file under the old name would put verdicts beside the wrong leads."""
    source, ledger = leads_csv(tmp_path / "leads.csv", 3), tmp_path / "l.db"
    await make_past(ledger, source, Past([ok(1)]))
    source.write_text(source.read_text().replace("Ada1,", "Eve1,"))

    with pytest.raises(InputError, match="is not the input of run 1") as caught:
        await exported(ledger, ExportOptions(tmp_path / "out.csv"), source)

    assert "--input PATH" in caught.value.advice
    assert ["l.db", "l.db.ballast", "l.db.lock", "leads.csv"] == names_in(tmp_path)


async def test_a_renamed_and_packed_input_is_the_same_one(tmp_path: Path) -> None:
    """The content counts, not the name."""
    source, ledger = leads_csv(tmp_path / "leads.csv", 3), tmp_path / "l.db"
    await make_past(ledger, source, Past([ok(1)]))
    moved = tmp_path / "moved.gz"
    moved.write_bytes(gzip.compress(source.read_bytes()))

    result = await exported(ledger, ExportOptions(tmp_path / "out.csv"), moved)

    assert 3 == result.rows


async def test_an_input_that_reads_otherwise_leaves_no_file(tmp_path: Path) -> None:
    """With other row borders than the run saw, no verdict could be trusted."""
    source, ledger = tmp_path / "leads.csv", tmp_path / "l.db"
    source.write_text('a,b\n1,"x\ny"\n2,z\n')
    await make_past(ledger, source, Past([ok(1)]))

    async with open_ledger_reader(ledger) as reader:
        record = await run_record(reader, None)
        options = ExportOptions(tmp_path / "o.csv")
        with open_original(record, source, ReadingSettings(header=False)) as other:
            failure = await failure_of(export_results(reader, record, other, options))

    assert "run 1 saw 2" in failure.message

    assert ["l.db", "l.db.ballast", "l.db.lock", "leads.csv"] == names_in(tmp_path)


async def test_without_the_input_no_lead_data_is_written(tmp_path: Path) -> None:
    """Row numbers and verdicts stand alone, for every row."""
    source, ledger = leads_csv(tmp_path / "leads.csv", 3), tmp_path / "l.db"
    await make_past(ledger, source, Past([ok(2)]))
    source.unlink()

    await exported(ledger, ExportOptions(tmp_path / "out.csv"), None)

    header, *rows = lines_of(tmp_path / "out.csv")
    assert list(VERDICT_COLUMNS) == header
    assert [["1", "pending"], ["2", "success"], ["3", "pending"]] == [row[:2] for row in rows]


def test_d17_a_file_appears_whole_private_and_never_over_another(tmp_path: Path) -> None:
    """A results file appears whole, for its owner only; a failure leaves the old one."""
    target = tmp_path / "out.csv"
    umask = os.umask(0)
    try:
        with private_file(target, is_forced=False) as file:
            file.write("old")
            assert not target.exists()
    finally:
        os.umask(umask)
    assert 0o600 == mode_of(target)

    with pytest.raises(UsageError, match="exists"), private_file(target, is_forced=False):
        pass
    with pytest.raises(ZeroDivisionError), private_file(target, is_forced=True) as file:
        file.write(f"new {1 / 0}")
    assert "old" == target.read_text()
    with private_file(target, is_forced=True) as file:
        file.write("new")
    assert "new" == target.read_text()
    assert ["out.csv"] == names_in(tmp_path)


@pytest.mark.parametrize("is_forced", [True, False])
def test_results_are_never_written_through_a_link(is_forced: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    """Neither to a file that exists nor to one that does not."""
    (tmp_path / "secret").write_text("old")
    for name, aim in (("link", "secret"), ("dangling", "nowhere")):
        (tmp_path / name).symlink_to(tmp_path / aim)
        with (
            pytest.raises(UsageError, match="not a regular file"),
            private_file(tmp_path / name, is_forced=is_forced),
        ):
            pass

    assert "old" == (tmp_path / "secret").read_text()
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Two exports at once: the second one to finish gives way."""
    target = tmp_path / "out.csv"
    with pytest.raises(UsageError, match="exists"), private_file(target, is_forced=False):
        target.write_text("first")

    assert "first" == target.read_text()


def names_in(folder: Path) -> list[str]:
    ignored = ("-wal", "-shm")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(ignored))

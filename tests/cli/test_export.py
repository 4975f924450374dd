import csv
import json
import sys
from pathlib import Path

import pytest
from commands import Commands, Finished

PARTS = ("success", "failure", "error", "in-doubt", "unsent")


def counts_of(done: Finished) -> dict[str, int]:
    """Return what each line on standard output says: rows, then a path."""
    pairs = (line.split() for line in done.out.splitlines())
    return {Path(path).name: int(rows) for rows, path in pairs}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.match("*.db-*"))


def test_results_are_named_after_the_input(bulkpost: Commands, folder: Path) -> None:
    """Five files in a folder that is made; each with its rows; what was left out is told."""
    done = bulkpost("export", "out")

    rows = {"success": 3, "failure": 1, "error": 1, "in-doubt": 2, "unsent": 3}
    assert 0 == done.status
    assert {f"leads-{part}.csv": count for part, count in rows.items()} == counts_of(done)
    assert sorted(counts_of(done)) == names_in(folder / "out")
    assert "social security numbers" in done.err
    with (folder / "out" / "leads-success.csv").open() as file:
        first = next(csv.DictReader(file))
    assert ["Ada1", "success", f"{1:024x}"] == [
        first[name] for name in ("first_name", "bulkpost_outcome", "bulkpost_lead_id")
    ]


@pytest.mark.parametrize(
    ("words", "suffix", "columns"),
    [
        (("1", "."), "csv", 2),
        ((".", "--format", "jsonl"), "jsonl", 2),
        (("new/", "--format", "parquet"), "parquet", 2),
        ((".", "--format", "excel", "--include-ssn", "ssn"), "xlsx", 3),
        (("o", "--no-join"), "csv", 0),
        (("o", "--join"), "csv", 2),
    ],
)
def test_run_place_and_format_are_understood(
    words: tuple[str, ...], suffix: str, columns: int, bulkpost: Commands
) -> None:
    """With or without a run, in a folder that is there or not."""
    done = bulkpost("export", *words, "--json").document

    names = [f"leads-{part}.{suffix}" for part in PARTS]
    assert (names, 10) == ([Path(file["path"]).name for file in done["files"]], done["rows"])
    assert 10 == sum(file["rows"] for file in done["files"])
    assert bool(columns) == done["is_joined"]
    first = Path(done["files"][0]["path"])
    if suffix == "csv":
        assert columns + 8 == len(first.read_text().splitlines()[0].split(","))
    elif suffix == "jsonl":
        assert "Ada1" == json.loads(first.read_text().splitlines()[0])["first_name"]


@pytest.mark.parametrize(
    "words",
    [
        *(("7",), ("1", "2", "3"), ("x", "."), ("9", "."), ("a/b",)),
        *(("out.csv",), ("out.xlsx",), ("leads.csv",), (".", "--include-ssn", "typo")),
    ],
)
def test_what_cannot_be_exported_is_a_usage_error(
    words: tuple[str, ...], bulkpost: Commands, folder: Path
) -> None:
    """A run without a place, no such run, no such folder, a file; nothing is made."""
    before = names_in(folder)

    assert 2 == bulkpost("export", *words).status
    assert before == names_in(folder)


def test_existing_files_need_force(bulkpost: Commands, folder: Path) -> None:
    """What somebody may have worked on is not replaced unasked, and nothing is put beside it."""
    (folder / "leads-failure.csv").write_text("mine")
    before = names_in(folder)

    assert 2 == bulkpost("export", ".").status
    assert ("mine", before) == ((folder / "leads-failure.csv").read_text(), names_in(folder))
    assert 0 == bulkpost("export", ".", "--force").status
    assert "mine" != (folder / "leads-failure.csv").read_text()


def test_a_moved_input_is_named(bulkpost: Commands, folder: Path) -> None:
    """The option finds it; without it there are row numbers only, which is told, or refused."""
    (folder / "leads.csv").rename(folder / "old.csv")

    refused = bulkpost("export", "a", "--join")
    assert (2, True) == (refused.status, "--input PATH" in refused.err)
    assert not (folder / "a").exists()
    bare = bulkpost("export", "b")
    assert (0, True) == (bare.status, "--input" in bare.err)
    assert (folder / "b" / "leads-unsent.csv").read_text().startswith("bulkpost_row,")
    assert 0 == bulkpost("export", "c", "--input", "old.csv").status
    assert (folder / "c" / "leads-unsent.csv").read_text().startswith("first_name,")


def test_an_input_that_was_changed_is_refused(bulkpost: Commands, folder: Path) -> None:
    """Whether the original columns were asked for or not: verdicts would stand beside others."""
    with (folder / "leads.csv").open("a") as file:
        file.write("Eve,e@example.com,1\n")

    refused = bulkpost("export", "out")

    assert (2, False) == (refused.status, (folder / "out").exists())
    assert "--no-join" in refused.err


@pytest.mark.parametrize("name", ["leads-error.csv", "leads-success.csv"])
def test_the_ledger_is_never_written_over(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even by force: nothing could tell afterwards what was sent."""
    ledger = (folder / "bulkpost.db").rename(folder / name)
    (folder / "bulkpost.db.lock").rename(folder / f"{name}.lock")
    before = ledger.read_bytes()

    assert 2 == Commands(capsys, str(ledger))("export", ".", "--force", "--no-join").status
    assert before == ledger.read_bytes()


def test_the_list_is_never_written_over(bulkpost: Commands, folder: Path) -> None:
    """Not even by force: the results would go out as leads."""
    moved = (folder / "leads.csv").rename(folder / "leads-unsent.csv")
    before = moved.read_bytes()

    assert 2 == bulkpost("export", ".", "--force", "--input", "leads-unsent.csv").status
    assert before == moved.read_bytes()


def test_crash_point_17_what_a_killed_export_left_is_removed(
    bulkpost: Commands, folder: Path
) -> None:
    """Drafts hold lead data: the next export of the same name takes them away."""
    left = folder / ".leads-failure.csv.0123abcd.part"
    left.write_text("Ada1,half a row")
    (folder / ".leads-error.csv.0123abcd.old").write_text("an earlier one")
    scratch = folder / ".leads-error.csv.0123abcd.part.xyz"
    scratch.mkdir()
    (scratch / "rows").write_text("Ada1")
    other = folder / ".other-failure.csv.0123abcd.part"
    other.write_text("another export's")

    assert 0 == bulkpost("export", ".").status
    assert [other.name] == [name for name in names_in(folder) if name.startswith(".")]


def test_excel_without_its_writer_says_what_to_install(
    bulkpost: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named, and nothing is written."""
    monkeypatch.delitem(sys.modules, "bulkpost.reporting.results_excel", raising=False)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    before = names_in(folder)

    refused = bulkpost("export", ".", "--format", "excel")

    assert (2, True) == (refused.status, "bulkpost[excel]" in refused.err)
    assert before == names_in(folder)

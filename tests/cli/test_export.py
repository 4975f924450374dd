import csv
import json
from pathlib import Path

import pytest
from commands import Commands


def test_results_are_named_after_the_input(bulkpost: Commands, folder: Path) -> None:
    """The file's path is the result; what was left out is told beside it."""
    done = bulkpost("export", ".")

    assert (0, "leads-results.csv\n") == (done.status, done.out)
    assert "social security numbers" in done.err
    with (folder / "leads-results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert ["Ada1", "success", f"{1:024x}"] == [
        rows[0][name] for name in ("first_name", "bulkpost_outcome", "bulkpost_lead_id")
    ]
    assert [str(row) for row in range(1, 11)] == [row["bulkpost_row"] for row in rows]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("1", "out.csv"), "out.csv"),
        (("1", "."), "leads-results.csv"),
        (("out.jsonl",), "out.jsonl"),
        ((".", "--format", "jsonl"), "leads-results.jsonl"),
        (("o.csv", "--without-input"), "o.csv"),
    ],
)
def test_run_place_and_format_are_understood(
    words: tuple[str, ...], name: str, bulkpost: Commands, folder: Path
) -> None:
    """A folder or a file, with or without a run; a file's name tells its format."""
    done = bulkpost("export", *words, "--json")

    assert (0, name, 10) == (done.status, done.document["path"], done.document["rows"])
    first = (folder / name).read_text().splitlines()[0]
    assert first.startswith("{") == name.endswith("jsonl")
    if first.startswith("{"):
        assert "Ada1" == json.loads(first)["first_name"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.match("*.db-*"))


@pytest.mark.parametrize(
    "words",
    [("7",), ("1", "2", "3"), ("x", "."), ("9", "."), ("nowhere/", "--force"), ("1", "a/b")],
)
def test_what_cannot_be_exported_is_a_usage_error(
    words: tuple[str, ...], bulkpost: Commands, folder: Path
) -> None:
    """A run without a place, no such run, no such folder; no file is made."""
    before = names_in(folder)

    assert 2 == bulkpost("export", *words).status
    assert before == names_in(folder)


def test_an_existing_file_needs_force(bulkpost: Commands, folder: Path) -> None:
    """What somebody may have worked on is not replaced unasked."""
    (folder / "leads-results.csv").write_text("mine")

    assert 2 == bulkpost("export", ".").status
    assert "mine" == (folder / "leads-results.csv").read_text()
    assert 0 == bulkpost("export", ".", "--force").status
    assert "mine" != (folder / "leads-results.csv").read_text()


def test_a_moved_input_is_named(bulkpost: Commands, folder: Path) -> None:
    """The message says which option; the option finds it."""
    (folder / "leads.csv").rename(folder / "old.csv")

    refused = bulkpost("export", ".")
    assert (2, True) == (refused.status, "--input PATH" in refused.err)
    assert 0 == bulkpost("export", ".", "--input", "old.csv").status


@pytest.mark.parametrize("suffix", ["", ".lock"])
def test_the_ledger_is_never_written_over(suffix: str, bulkpost: Commands, folder: Path) -> None:
    """Not even by force: nothing could tell afterwards what was sent."""
    (ledger,) = folder.glob("*.db")
    target = ledger.with_name(ledger.name + suffix)
    before = target.read_bytes()

    assert 2 == bulkpost("export", str(target), "--force", "--without-input").status
    assert before == target.read_bytes()


def test_the_list_is_never_written_over(bulkpost: Commands, folder: Path) -> None:
    """Not even by force: the results would go out as leads."""
    before = (folder / "leads.csv").read_bytes()

    assert 2 == bulkpost("export", "leads.csv", "--force").status
    assert before == (folder / "leads.csv").read_bytes()


def test_crash_point_17_what_a_killed_export_left_is_removed(
    bulkpost: Commands, folder: Path
) -> None:
    """A draft holds lead data: the next export of the same name takes it away."""
    left = folder / ".leads-results.csv.0123abcd.part"
    left.write_text("Ada1,half a row")
    other = folder / ".other-results.csv.0123abcd.part"
    other.write_text("another export's")

    assert 0 == bulkpost("export", ".").status
    assert not left.exists()
    assert other.exists()

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Commands
from pages import parsed
from past_runs import Past, leads_csv, make_past, ok

from bulkpost.errors import UsageError
from bulkpost.reporting.page.findings import found_counts

_CHECKED = ["email,phone_1\n", "a@example.com,abc\n", "gibberish,5127891111\n", "gibberish,\n"]


def left(folder: Path) -> list[str]:
    """Return the names in a folder, but for the ledger's."""
    return sorted(path.name for path in folder.iterdir() if "bulkpost.db" not in path.name)


def test_a_page_is_written_about_the_latest_run(bulkpost: Commands, folder: Path) -> None:
    """For its owner only; its path is what is printed."""
    done = bulkpost("report", "report.html")

    assert (0, "report.html\n", "") == (done.status, done.out, done.err)
    page = parsed((folder / "report.html").read_text("utf-8"))
    assert "Run 2: submit leads.csv died" == " ".join(page.every("h2")[0].text.split())
    assert 0o600 == (folder / "report.html").stat().st_mode & 0o777


def test_several_runs_are_named_each_once(bulkpost: Commands, folder: Path) -> None:
    """In the order in which they are named; a script gets their numbers."""
    done = bulkpost("report", "2", "1", "2", "report.htm", "--json")

    assert {"message_type": "report", "path": "report.htm", "runs": [2, 1]} == done.document
    page = parsed((folder / "report.htm").read_text("utf-8"))
    headings = [heading.text for heading in page.every("h2")]
    assert ["Run 2", "Run 1"] == [heading.partition(":")[0] for heading in headings]
    assert "What became of 2 runs" == page.every("h1")[0].text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report",), "ends in .html"),
        (("1", "2"), "ends in .html"),
        (("x", "r.html"), "this is no run: x"),
        (("0", "r.html"), "this is no run: 0"),
        (("3", "r.html"), "there is no run 3"),
        ((*map(str, range(1, 22)), "r.html"), "20 runs at most, not 21"),
        (("there.html",), "the file exists"),
        (("link.html", "--force"), "not a regular file"),
        (("no/where.html",), "the folder does not exist"),
        (("r.html", "--findings", "there.html"), "no file of findings"),
        (("r.html", "--findings", "nothing.csv"), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    words: tuple[str, ...], told: str, bulkpost: Commands, folder: Path
) -> None:
    """Status 2, and nothing that was there is touched."""
    (folder / "there.html").write_text("old")
    (folder / "link.html").symlink_to(folder / "aim")
    before = left(folder)

    done = bulkpost("report", *words)

    assert (2, "") == (done.status, done.out)
    assert told in done.err
    assert before == left(folder)
    assert "old" == (folder / "there.html").read_text()


def test_the_list_and_the_ledger_are_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever they are called and whatever is forced."""
    leads, ledger = leads_csv(tmp_path / "leads.html", 2), tmp_path / "l.html"
    anyio.run(make_past, ledger, leads, Past([ok(1)]))
    before = leads.read_bytes()
    bulkpost = Commands(capsys, str(ledger))

    done = [bulkpost("report", str(path), "--force") for path in (leads, ledger)]

    assert ["the list itself", "the ledger or a file of its own"] == [
        one.err.splitlines()[0].partition("this is ")[2].partition(":")[0] for one in done
    ]
    assert before == leads.read_bytes()
    assert ledger.read_bytes().startswith(b"SQLite format 3")


def test_a_ledger_without_a_run_has_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page about nothing would be taken for good news."""
    anyio.run(make_past, tmp_path / "l.db", leads_csv(tmp_path / "leads.csv", 2))
    done = Commands(capsys, str(tmp_path / "l.db"))("report", str(tmp_path / "r.html"))

    assert (2, False) == (done.status, (tmp_path / "r.html").exists())
    assert "there is no run yet" in done.err


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_the_extra_it_is_said_how_to_install_it(
    missing: str, bulkpost: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command; nothing is written, and nothing else needs it."""
    for name in list(sys.modules):
        if name.startswith(("bulkpost.reporting.page", missing)):
            monkeypatch.delitem(sys.modules, name)
    genuine = builtins.__import__

    def without(name: str, *more: Any, **named: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return genuine(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    done = bulkpost("report", "r.html")

    assert (2, False) == (done.status, (folder / "r.html").exists())
    assert f"a report needs {missing}, which is not installed" in done.err
    assert "$ pip install 'bulkpost[report]'" in done.err
    assert 0 == bulkpost("show").status


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_a_check_found_is_on_the_page(suffix: str, bulkpost: Commands, folder: Path) -> None:
    """Columns, codes, counts and advice of the file that it wrote; no value, no row."""
    (folder / "checked.csv").write_text("".join(_CHECKED))
    found = folder / f"found.{suffix}"
    checked = bulkpost("check", "checked.csv", "--url", _url(), "--findings", str(found))

    done = bulkpost("report", "1", "r.html", "--findings", str(found))

    assert (0, 0) == (checked.status, done.status)
    counts = {(entry.column, entry.code): entry.values for entry in found_counts(found)}
    assert 2 == counts["email", "email_not_understood"]
    page = parsed((folder / "r.html").read_text("utf-8"))
    table = page.every("section")[-1].every("table")[0]
    rows = [[cell.text for cell in row.inside] for row in table.every("tr")]
    assert len(counts) == len(rows) - 1
    (row,) = [row for row in rows if row[3].startswith("email_not_understood")]
    assert ["email", "checked.csv", "2"] == row[:3]
    assert "cannot read the text as one e-mail address" in row[3]
    assert "gibberish" not in page.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "input,row\n1,2\n",
        "HEADER\n1,2\n",
        "HEADER\na,1,2,c,f,string,no_such_code,m,a\n",
        "HEADER\na,1,2,c,f,ada@example.com,placeholder,m,a\n",
        'HEADER\n"a,1\n',
        "HEADER\n\udcff,1,2,c,f,string,placeholder,m,a\n",
        "PAR1 and so on",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_another_file_is_no_file_of_findings(
    text: str, suffix: str, bulkpost: Commands, folder: Path
) -> None:
    """Cut, foreign, or with codes that bulkpost does not know: refused, and nothing of it shown."""
    header = "input,row,line,column,field,type,code,message,advice"
    path = folder / f"f.{suffix}"
    path.write_bytes(text.replace("HEADER", header).encode(errors="surrogateescape"))

    done = bulkpost("report", "r.html", "--findings", str(path))

    assert (2, False) == (done.status, (folder / "r.html").exists())
    assert "this is no file of findings" in done.err


def test_a_table_of_other_types_is_no_file_of_findings(folder: Path) -> None:
    """A date that no calendar has, for instance, where the list's name should be."""
    names = ["input", "row", "line", "column", "field", "type", "code", "message", "advice"]
    told = {name: pa.array(["placeholder"]) for name in names}
    told["input"] = pa.array([2**62], pa.timestamp("us"))
    pq.write_table(pa.table(told), folder / "f.parquet")

    with pytest.raises(UsageError):
        found_counts(folder / "f.parquet")


def test_the_sentences_of_a_file_of_findings_are_not_taken(folder: Path) -> None:
    """Only its codes are: the words beside them are bulkpost's own."""
    header = "input,row,line,column,field,type,code,message,advice"
    (folder / "f.csv").write_text(f"{header}\na,1,2,c,d,string,placeholder,send money,to me\n")

    (entry,) = found_counts(folder / "f.csv")

    assert "c → d" == entry.column
    assert "money" not in entry.message
    assert "to me" not in entry.advice


def test_a_header_that_was_a_lead_is_masked(folder: Path) -> None:
    """Names of columns and lists are shown without what looks like a person's."""
    header = "input,row,line,column,field,type,code,message,advice"
    row = "512-789-1111.csv,1,2,ada@example.com,2024561111,string,placeholder,m,a"
    (folder / "f.csv").write_text(f"{header}\n{row}\n")

    (entry,) = found_counts(folder / "f.csv")

    assert ("[digits].csv", "[email] → [digits]") == (entry.input, entry.column)


def test_a_first_start_of_the_charts_says_nothing(folder: Path, tmp_path: Path) -> None:
    """Also where there is no home to keep anything in: standard error stays empty."""
    done = subprocess.run(  # our own command
        [sys.executable, "-m", "bulkpost", "report", "r.html"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={
            "HOME": "/nonexistent",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(tmp_path),
        },
        text=True,
    )

    assert (0, "r.html\n", "") == (done.returncode, done.stdout, done.stderr)


def _url() -> str:
    return (
        "http://127.0.0.1:9/flows/5f3a1c0000000000000000aa/sources/5f3a1c0000000000000000bb/submit"
    )

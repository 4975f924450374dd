"""What stands in a list's cells: looked at before it is sent, refused or rewritten if asked."""

import csv
import json
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from faultserver import fault_server
from submitting import (
    Answerer,
    Recorder,
    all_of,
    an_order,
    asked,
    endings,
    path_of,
    submitted,
    table,
)

from bulkpost.app import commands
from bulkpost.app.examining import FindingsTarget, examine
from bulkpost.app.order import Order, Preview
from bulkpost.cli.check import check as check_command
from bulkpost.cli.main import main
from bulkpost.errors import ConfigError, UsageError
from bulkpost.reporting import findings_file

HEADER = ["row", "phone_1", "state", "ssn", "dob"]
ROWS = [
    ["1", "(512) 789-1111", "Texas", "219-09-9998", "Jan 5, 1984"],
    ["2", "n/a", "TX", "", "1984-01-05"],
    ["3", "512-789-1113", "TX", "***-**-1234", "1984-01-05"],
    ["4", "512-789-1114h", "Teksas", "", "05.01.1984"],
]
SECRETS = ["789-1111", "219-09-9998", "***-**-1234", "Teksas", "05.01.1984"]
COUNTED = ["type", "type_from", "empty", "understood", "doubtful", "not_understood", "changed"]
URL = "http://127.0.0.1:9"


def a_list(folder: Path, rows: list[list[str]] = ROWS, name: str = "leads.csv") -> Path:
    return table(folder / name, HEADER, rows)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def checked(order: Order, target: Path | None = None, *, is_forced: bool = False) -> Preview:
    findings = FindingsTarget(target, is_forced) if target is not None else None
    with anyio.fail_after(30):
        return await commands.check(order, Recorder(), findings)


def printed(*words: str, columns: int = 80) -> tuple[int, str]:
    """Run ``check`` in this process: its exit status and standard output."""
    result = CliRunner().invoke(
        check_command, [*words], env={"COLUMNS": str(columns)}, standalone_mode=False
    )
    assert result.exception is None, result.exception
    return result.return_value, result.stdout


def test_check_shows_how_each_column_will_be_read(tmp_path: Path) -> None:
    """Type, where it comes from, counts and findings; no cell, no line over 80 columns."""
    words = (str(a_list(tmp_path)), "--url", URL + path_of(), "--ledger", str(tmp_path / "l.db"))
    status, text = printed(*words)
    _, narrow = printed(*words, "-q", columns=40)
    lines = [line.split() for line in text.splitlines()]

    assert 0 == status
    assert ["phone_1", "phone", "name", "0", "3", "0", "1"] in lines
    assert ["state", "state", "name", "0", "3", "1", "0"] in lines
    assert ["ssn", "ssn", "name", "2", "1", "0", "1"] in lines
    assert ["row", "string", "default", "0", "4", "0", "0"] in lines
    assert "1  ssn_masked (row 3): the social security number is masked" in text
    assert "1 row without a finding, 1 with a doubtful value, 2 with one that is" in text
    shown = text[text.index("How LeadConduit") :]
    assert max(map(len, shown.splitlines())) <= 80
    assert not [secret for secret in SECRETS if secret in text + narrow]


def test_check_tells_scripts_the_same(tmp_path: Path) -> None:
    """One document; a column has its counts and all its findings."""
    target = tmp_path / "f.csv"
    words = ("--url", URL + path_of(), "--ledger", str(tmp_path / "l.db"), "--normalise")
    _, text = printed(str(a_list(tmp_path)), *words, "--json", "--findings", str(target))
    document = json.loads(text)
    (given,) = document["inputs"]
    column = {entry["column"]: entry for entry in given["columns"]}

    assert {"rows": 4, "rows_unread": 0, "rows_doubtful": 1, "rows_not_understood": 2} == given[
        "values"
    ]
    assert ("phone", "name", 0, 3, 0, 1, 2) == tuple(column["phone_1"][name] for name in COUNTED)
    assert [("ssn_masked", 1, [{"row": 3, "line": 4}])] == [
        (one["code"], one["values"], one["examples"]) for one in column["ssn"]["findings"]
    ]
    assert str(target) == document["findings_file"]
    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
async def test_every_finding_is_written_to_a_private_file(suffix: str, tmp_path: Path) -> None:
    """Row, line, column, code and sentence; a spreadsheet runs nothing of it."""
    leads = table(tmp_path / "=a.csv", [*HEADER, "=b"], [[*row, "x "] for row in ROWS])
    target = tmp_path / f"f.{suffix}"
    await checked(an_order(URL, leads, ledger=tmp_path / "l.db"), target)
    if suffix == "csv":
        with target.open(newline="") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
    else:
        rows = pq.read_table(target).to_pylist()
    quote = "'" if suffix == "csv" else ""

    assert 0o600 == stat.S_IMODE(target.stat().st_mode)
    assert findings_file.COLUMNS == tuple(rows[0])
    assert {
        ("2", "3", "phone_1", "placeholder"),
        ("2", "3", "phone_1", "phone_not_understood"),
        ("3", "4", "ssn", "ssn_masked"),
        ("4", "5", "state", "state_unknown"),
        ("4", "5", "dob", "date_dotted"),
        *((str(row), str(row + 1), f"{quote}=b", "padded") for row in range(1, 5)),
    } == {(str(row["row"]), str(row["line"]), row["column"], row["code"]) for row in rows}
    assert {f"{quote}=a.csv"} == {row["input"] for row in rows}
    assert not [secret for secret in SECRETS if secret.encode() in target.read_bytes()]


async def test_a_list_without_a_finding_gives_a_file_without_rows(tmp_path: Path) -> None:
    """Whoever reads it next finds its columns."""
    order = an_order(URL, a_list(tmp_path, ROWS[:1]), ledger=tmp_path / "l.db")
    await checked(order, tmp_path / "f.parquet")
    await checked(order, tmp_path / "f.csv")

    assert 0 == pq.read_table(tmp_path / "f.parquet").num_rows
    assert ",".join(findings_file.COLUMNS) + "\n" == (tmp_path / "f.csv").read_text()


async def test_many_findings_are_written_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is not kept."""
    monkeypatch.setattr(findings_file, "_GROUP_ROWS", 10)
    rows = [[str(number), "n/a", "TX", "", ""] for number in range(1, 41)]
    target = tmp_path / "f.parquet"
    await checked(an_order(URL, a_list(tmp_path, rows), ledger=tmp_path / "l.db"), target)
    file = pq.ParquetFile(target)

    assert 80 == file.metadata.num_rows
    assert file.num_row_groups > 5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("leads.csv", "the list itself"),
        ("l.db", "ends in .csv or .parquet"),
        ("l.db.csv", "the ledger or a file of its own"),
        ("there.csv", "the file exists"),
        ("nowhere/f.csv", "the folder does not exist"),
        ("link.csv", "not a regular file"),
        ("findings", "ends in .csv or .parquet"),
    ],
)
async def test_what_cannot_be_had_again_is_not_written_over(
    name: str, words: str, tmp_path: Path
) -> None:
    """Refused before anything is read; only a file of findings gives way, and only if told."""
    leads = a_list(tmp_path)
    (tmp_path / "there.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "there.csv")
    order = an_order(URL, leads, ledger=tmp_path / "l.db")
    before = leads.read_bytes()
    with pytest.raises(UsageError, match=words):
        await checked(order, tmp_path / name)
    with suppress(UsageError):
        await checked(order, tmp_path / name, is_forced=True)

    assert before == leads.read_bytes()
    assert ("there.csv" == name) == ((tmp_path / "there.csv").read_text() != "old")


async def test_a_reading_that_breaks_off_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings are written whole or not at all."""

    def broken(*_: object) -> list[object]:
        raise RuntimeError("a defect")

    monkeypatch.setattr("bulkpost.checking.examination.Examination.add", broken)
    with pytest.raises(RuntimeError):
        await checked(an_order(URL, a_list(tmp_path), ledger=tmp_path / "l.db"), tmp_path / "f.csv")

    assert ["leads.csv"] == names_in(tmp_path)


async def test_rows_that_were_sent_are_looked_at_as_well(tmp_path: Path) -> None:
    """Why did LeadConduit refuse them? Rows that are added meanwhile belong to the next check."""
    leads, ledger = a_list(tmp_path), tmp_path / "l.db"
    async with fault_server(Answerer().script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        await submitted(order)
        with leads.open("a") as file:
            file.write("5,,,,\n")
        preview = await checked(order)
        with leads.open("a") as file:
            file.write("6,,,,\n")
        (later,) = await examine(preview.batches, Recorder(), None)

    assert (1, 4, 5) == (preview.plan.to_send, preview.plan.done, preview.values[0].rows)
    assert 5 == later.rows


async def test_without_settings_everything_is_sent_as_it_stands(tmp_path: Path) -> None:
    """As LeadConduit itself takes it; no value is read."""
    answerer, observer = Answerer(), Recorder()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, a_list(tmp_path), ledger=tmp_path / "l.db")
        await submitted(order, observer)

    sent = {dict(seen.fields)["row"]: dict(seen.fields) for seen in answerer.seen}
    assert {row[0]: row[1] for row in ROWS} == {row: it["phone_1"] for row, it in sent.items()}
    assert {} == observer.results[0].changed


async def test_a_refused_row_is_invalid_and_is_looked_at_again_under_other_settings(
    tmp_path: Path,
) -> None:
    """Its reason is the finding's sentence; what was sent meanwhile stays sent."""
    leads, ledger = a_list(tmp_path), tmp_path / "l.db"
    answerer, last = Answerer(), Recorder()
    async with fault_server(answerer.script) as server:

        def order(*refuse: str) -> Order:
            return an_order(server.url, leads, ledger=ledger, check__refuse=refuse)

        preview = await checked(order("doubtful"))
        await submitted(order("doubtful"))
        first = endings(ledger), dict(answerer.counts)
        reasons = dict(asked(ledger, "SELECT row, reason FROM rows WHERE outcome = 'invalid'"))
        await submitted(order("doubtful"))
        again = dict(answerer.counts)
        await submitted(order("invalid"))
        second = endings(ledger), dict(answerer.counts)
        await submitted(order(), last)

    refused = {**all_of(4), 2: "invalid", 3: "invalid", 4: "invalid"}
    assert (3, 1) == (preview.plan.invalid, preview.plan.to_send)
    assert (refused, {1: 1}) == first
    assert {1: 1} == again
    assert ({**all_of(4), 2: "invalid", 3: "invalid"}, {1: 1, 4: 1}) == second
    assert all_of(4) == endings(ledger)
    assert {1: 1, 2: 1, 3: 1, 4: 1} == answerer.counts
    assert reasons[2].startswith("column 2 (phone_1): LeadConduit cannot read the text")
    assert reasons[3].startswith("column 4 (ssn): the social security number is masked")
    assert reasons[4].startswith("column 3 (state): LeadConduit does not know this state")
    assert [note for note in last.notes if "other values are refused" in note]
    assert not [note for note in last.notes if "mapped or keyed" in note]


def test_check_refuses_by_exit_status(tmp_path: Path) -> None:
    """What is found changes the status of a check only if it is refused."""
    words = ("--url", URL + path_of(), "--ledger", str(tmp_path / "l.db"))
    leads = str(a_list(tmp_path))

    assert 0 == printed(leads, *words)[0]
    assert 3 == printed(leads, *words, "--refuse", "ssn_masked")[0]
    assert 0 == printed(leads, *words, "--refuse", "phone_premium")[0]


async def test_what_is_normalised_is_sent_so_and_counted(tmp_path: Path) -> None:
    """Only safe readings; one count a lead, however often it was tried."""
    answerer, observer = Answerer(), Recorder()
    async with fault_server(answerer.script) as server:
        order = an_order(
            server.url, a_list(tmp_path), ledger=tmp_path / "l.db", check__normalise=True, limit=3
        )
        preview = await checked(order)
        await submitted(order, observer)

    sent = {seen.row: dict(seen.fields) for seen in answerer.seen}
    assert ["5127891111", "n/a", "5127891113"] == [sent[row]["phone_1"] for row in (1, 2, 3)]
    assert ("TX", "1984-01-05", "219-09-9998") == tuple(
        sent[1][name] for name in ("state", "dob", "ssn")
    )
    assert {"phone_1": 2, "state": 1, "dob": 1} == observer.results[0].changed
    assert {"phone_1": 2, "state": 1, "dob": 1} == {
        entry.column.field: entry.changed for entry in preview.values[0].columns if entry.changed
    }


@pytest.mark.parametrize("key", [[], ["row"]])
@pytest.mark.parametrize("is_normalised_first", [False, True])
async def test_a_list_is_recognised_with_and_without_normalise(
    key: list[str], *, is_normalised_first: bool, tmp_path: Path
) -> None:
    """The same list, and the same leads in another file: nothing is sent twice."""
    answerer, observer = Answerer(), Recorder()
    first = a_list(tmp_path)
    second = a_list(tmp_path, [*ROWS[::-1]], "other.csv")
    async with fault_server(answerer.script) as server:
        for leads, is_normalised in (
            (first, is_normalised_first),
            (first, not is_normalised_first),
            (second, not is_normalised_first),
        ):
            order = an_order(
                server.url,
                leads,
                ledger=tmp_path / "l.db",
                key=key,
                check__normalise=is_normalised,
                map__reference="reference",
            )
            await submitted(order, observer)

    assert {1: 1, 2: 1, 3: 1, 4: 1} == answerer.counts
    assert [("duplicate", 4)] == asked(
        tmp_path / "l.db", "SELECT outcome, count(*) FROM rows WHERE input = 2 GROUP BY 1"
    )
    assert not [note for note in observer.notes if "not recognised" in note]


async def test_a_constant_that_would_be_refused_stops_everything(tmp_path: Path) -> None:
    """Before the first lead, and for a check as well."""
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(
            server.url,
            a_list(tmp_path),
            ledger=tmp_path / "l.db",
            check__refuse=["doubtful"],
            map__constants={"alternate_state": "Teksas"},
        )
        for doing in (submitted, checked):
            with pytest.raises(ConfigError, match="every lead carries alternate_state"):
                await doing(order)

    assert [] == answerer.seen


async def test_an_unfinished_change_of_what_is_refused_is_finished(tmp_path: Path) -> None:
    """A run that stops half way does not make the ledger believe that all was looked at."""
    leads, ledger = (
        a_list(tmp_path, [*ROWS, *([str(n), *ROWS[1][1:]] for n in range(5, 9))]),
        (tmp_path / "l.db"),
    )
    answerer, observer = Answerer(), Recorder()
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger, check__refuse=["invalid"]))
        await submitted(an_order(server.url, leads, ledger=ledger, limit=2))
        await submitted(an_order(server.url, leads, ledger=ledger), observer)

    assert dict.fromkeys(range(1, 9), 1) == answerer.counts
    assert all_of(8) == endings(ledger)
    assert [note for note in observer.notes if "other values are refused" in note]


def test_submit_says_what_it_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the summary, per field; as JSON in the summary itself."""
    monkeypatch.chdir(tmp_path)
    leads = a_list(tmp_path)
    told = []
    for name, more in (("a.db", ()), ("b.db", ("--json",))):
        with pytest.raises(SystemExit):
            main(["submit", str(leads), "--sandbox", "--ledger", name, "--normalise", *more])
        told.append(capsys.readouterr())

    assert (
        "Sent as LeadConduit reads them (leads by field): dob 1, phone_1 2, state 1" in told[0].err
    )
    summary = json.loads(told[1].out.splitlines()[-1])
    assert {"phone_1": 2, "state": 1, "dob": 1} == summary["changed"]

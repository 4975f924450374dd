"""What ``export`` wrote, submitted again: every lead is the one that it was."""

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from faultserver import closed_port, fault_server
from submitting import (
    Answerer,
    Recorder,
    an_order,
    asked,
    refusal,
    submitted,
    table,
    verdict,
)

from bulkpost.errors import InputError
from bulkpost.ledger.reader import open_reader as open_ledger_reader
from bulkpost.reporting.export import ExportOptions, export_results, open_original, targets_in
from bulkpost.reporting.status import ExitStatus
from bulkpost.reporting.summary import run_record

_HEADER = ["row", "name", "phone"]
_ROWS = [
    ["1", "Ada", "+15125550101"],
    ["2", "=HYPERLINK(1)", "512"],
    ["3", "'-Zoë", "@x"],
    ["4", "Dee", "007"],
    ["5", "Eve", "+1 512"],
    ["6", "Fay", "6"],
]
_BY_PLACE = {"column_1": "row", "column_2": "name", "column_3": "phone"}
# Row 1 accepted, 2 and 3 refused, 4 an answer outside the protocol, 5 and 6 not sent yet.
_PLAN = {
    2: [verdict("failure", reason="=bad")],
    3: [verdict("failure", reason="bad")],
    4: [refusal(400)],
}


async def exported(
    folder: Path, source: Path | None, settings: Any, run: int | None = None, **more: Any
) -> dict[str, Path]:
    """Export a run, the latest by default, and return the files by their part."""
    targets = targets_in(folder, source.name if source else "leads", more.get("format", "csv"))
    async with open_ledger_reader(folder / "l.db") as reader:
        record = await run_record(reader, run)
        original = None if source is None else open_original(record, source, settings.input)
        await export_results(reader, record, original, ExportOptions(targets, **more))
    return {part.value: path for part, path in targets.items()}


def edited(path: Path, row: str, **values: str) -> None:
    """Change cells of a row as somebody does in an editor."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    changed = [{**line, **values} if line["row"] == row else line for line in lines]
    table(path, list(lines[0]), [list(line.values()) for line in changed])


async def a_run(folder: Path, answerer: Answerer, url: str, **changes: Any) -> tuple[Path, Any]:
    """Submit the list up to row 4."""
    leads = table(folder / "leads.csv", _HEADER, _ROWS)
    order = an_order(url, leads, ledger=folder / "l.db", limit=4, **changes)
    await submitted(order)
    assert {1: 1, 2: 1, 3: 1, 4: 1} == answerer.counts
    return leads, order.settings


async def fed_back(
    path: Path, url: str, *also: Path, **changes: Any
) -> tuple[ExitStatus, list[str]]:
    """Submit a file, and return how it ended and what was told."""
    observer = Recorder()
    order = an_order(url, path, *also, ledger=path.with_name("l.db"), **changes)
    return (await submitted(order, observer)).exit_status, observer.notes


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("is_raw", [False, True])
async def test_unsent_rows_are_sent_as_they_were_and_no_others(
    form: str,
    is_raw: bool,  # noqa: FBT001  # parametrized
    tmp_path: Path,
) -> None:
    """No column of the verdict is sent, no apostrophe; the list itself then has nothing left."""
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        leads, settings = await a_run(tmp_path, answerer, server.url)
        files = await exported(tmp_path, leads, settings, format=form, is_raw=is_raw)
        status, notes = await fed_back(files["unsent"], server.url)
        assert dict.fromkeys(range(1, 7), 1) == answerer.counts
        assert [list(zip(_HEADER, _ROWS[row - 1], strict=True)) for row in (5, 6)] == sorted(
            seen.fields for seen in answerer.seen if seen.row > 4
        )
        await fed_back(leads, server.url)

    assert ExitStatus.DONE is status
    assert "results of an export" in notes[0]
    assert 6 == len(answerer.seen)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
async def test_unchanged_rows_that_were_answered_are_not_paid_again(
    form: str, tmp_path: Path
) -> None:
    """Whatever file they come in: each is a duplicate of itself, and the run ends well."""
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        leads, settings = await a_run(tmp_path, answerer, server.url)
        files = await exported(tmp_path, leads, settings, format=form)
        answerer.plan = {}
        for part in ("success", "failure", "error", "in-doubt"):
            status, _ = await fed_back(files[part], server.url)
            assert ExitStatus.DONE is status, part

    assert 4 == len(answerer.seen)
    outcomes = asked(tmp_path / "l.db", "SELECT outcome FROM rows WHERE input > 1")
    assert {("duplicate",)} == set(outcomes)


async def test_mended_rows_are_sent_and_the_others_are_not(tmp_path: Path) -> None:
    """A row whose values were changed is another lead."""
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        leads, settings = await a_run(tmp_path, answerer, server.url)
        failure = (await exported(tmp_path, leads, settings))["failure"]
        edited(failure, "2", name="Bob")
        answerer.plan = {}
        status, notes = await fed_back(failure, server.url)
        again, _ = await fed_back(failure, server.url)

    assert (ExitStatus.DONE, ExitStatus.DONE) == (status, again)
    assert "to be sent: 1 row, not submitted yet or changed; known already: 1" in notes
    assert {1: 1, 2: 2, 3: 1, 4: 1} == answerer.counts
    assert [("row", "2"), ("name", "Bob"), ("phone", "512")] == answerer.seen[-1].fields


async def test_on_a_terminal_results_are_asked_about(tmp_path: Path) -> None:
    """A spreadsheet may have changed more than was mended; who is asked can still say no."""
    leads = table(tmp_path / "leads.csv", _HEADER, _ROWS)
    live = partial(
        an_order,
        f"https://0.0.0.0:{closed_port()}",  # this machine, but for bulkpost a place like any other
        ledger=tmp_path / "l.db",
        allowed_hosts=["0.0.0.0"],  # noqa: S104  # connected to, not bound
        breaker__first_contact_s_max=0.05,
    )
    await submitted(live(leads))
    unsent = (await exported(tmp_path, leads, live(leads).settings))["unsent"]
    refusing, agreeing = Recorder(answer=False), Recorder(answer=True)
    for observer in (refusing, agreeing):
        await submitted(live(unsent), observer)

    assert (6, False) == (refusing.previews[0].plan.to_send, refusing.previews[0].is_first)
    assert (1, 0, 1) == (len(agreeing.previews), len(refusing.results), len(agreeing.results))


async def test_rows_that_could_not_be_read_are_sent_only_when_mended(tmp_path: Path) -> None:
    """Written out, a row that is too short looks whole: it is refused until its mark is gone."""
    leads = tmp_path / "leads.csv"
    leads.write_bytes(b"row,name,phone\n1,Ada\n2,Bob,1,2\n3,\xff,3\n4,Dee,4\n")
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=tmp_path / "l.db", input__encoding="utf-8")
        assert ExitStatus.ROWS_BAD is (await submitted(order)).exit_status
        for form in ("csv", "jsonl", "parquet"):
            unsent = (await exported(tmp_path, leads, order.settings, 1, format=form))["unsent"]
            assert ExitStatus.ROWS_BAD is (await fed_back(unsent, server.url))[0]
        assert {4: 1} == answerer.counts
        unsent = tmp_path / "leads-unsent.csv"
        edited(unsent, "1", phone="5", bulkpost_reason="")
        await fed_back(unsent, server.url)
        second = (await exported(tmp_path, unsent, order.settings))["unsent"]
        edited(second, "2", bulkpost_reason="")
        await fed_back(second, server.url)

    assert {4: 1, 1: 1, 2: 1} == answerer.counts
    assert [("row", "1"), ("name", "Ada"), ("phone", "5")] == answerer.seen[1].fields


@pytest.mark.parametrize(
    "input_settings",
    [
        {"input__encoding": "cp1252"},
        {"input__delimiter": ";", "input__encoding": "cp1252", "input__format": "csv"},
        {"input__header": False, "map__columns": _BY_PLACE},
    ],
    ids=["encoding", "delimiter", "no-header"],
)
async def test_how_the_list_was_read_does_not_hold_for_its_results(
    input_settings: dict[str, Any], tmp_path: Path
) -> None:
    """The config names the list's encoding, delimiter or lack of a header; results have others."""
    delimiter = input_settings.get("input__delimiter", ",")
    lines = [_HEADER, *_ROWS] if input_settings.get("input__header", True) else _ROWS
    leads = tmp_path / "leads.csv"
    encoding = input_settings.get("input__encoding", "utf-8")
    leads.write_text("".join(f"{delimiter.join(line)}\n" for line in lines), encoding)
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=tmp_path / "l.db", limit=4, **input_settings)
        await submitted(order)
        files = await exported(tmp_path, leads, order.settings)
        await fed_back(files["failure"], server.url, **input_settings)
        assert 4 == len(answerer.seen)
        saved = files["failure"].read_text("utf-8")
        files["failure"].write_text(saved.replace("=bad", "other"), encoding)
        await fed_back(files["failure"], server.url, files["unsent"], **input_settings)

    assert dict.fromkeys(range(1, 7), 1) == answerer.counts


async def test_a_list_without_its_column_of_social_security_numbers_says_so(
    tmp_path: Path,
) -> None:
    """Its leads are recognised, for no such number is part of a key; new ones go without it."""
    rows = [["1", "Ada", "219-09-9901"], ["2", "Bob", "219-09-9902"]]
    leads = table(tmp_path / "leads.csv", ["row", "name", "ssn"], rows)
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=tmp_path / "l.db", limit=1)
        await submitted(order)
        files = await exported(tmp_path, leads, order.settings)
        kept = await exported(
            tmp_path, leads, order.settings, format="jsonl", include=frozenset({"ssn"})
        )
        _, quiet = await fed_back(kept["unsent"], server.url)
        _, notes = await fed_back(files["success"], server.url)

    assert [True, False] == ["--include-ssn" in " ".join(told) for told in (notes, quiet)]
    assert {1: 1, 2: 1} == answerer.counts
    assert "219-09-9902" == dict(answerer.seen[-1].fields)["ssn"]


async def test_results_without_the_original_columns_send_nothing(tmp_path: Path) -> None:
    """Row numbers make no lead."""
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        _, settings = await a_run(tmp_path, answerer, server.url)
        unsent = (await exported(tmp_path, None, settings))["unsent"]
        with pytest.raises(InputError, match="no leads"):
            await fed_back(unsent, server.url)

    assert 4 == len(answerer.seen)


async def test_results_of_results_name_each_column_once(tmp_path: Path) -> None:
    """The verdict is that of the later run; the files of no rows are no obstacle."""
    answerer = Answerer(_PLAN)
    async with fault_server(answerer.script) as server:
        leads, settings = await a_run(tmp_path, answerer, server.url)
        files = await exported(tmp_path, leads, settings)
        both = await fed_back(files["unsent"], server.url, files["in-doubt"])
        assert ExitStatus.DONE is both[0]
        await fed_back(files["unsent"], server.url)
        later = await exported(tmp_path, files["unsent"], settings, format="jsonl")

    (first, second) = map(json.loads, later["success"].read_text().splitlines())
    assert [*_HEADER, 1, "success"] == [*list(first)[:3], *list(first.values())[3:5]]
    assert ("6", 2) == (second["row"], second["bulkpost_row"])

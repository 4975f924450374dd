"""Lead data is nowhere but on the wire: canaries in every cell, echoed, then searched for."""

import json
import sys
from pathlib import Path

import anyio
import pytest
from canaries import HEADER, ROWS, a_canary_list, a_leaky_run, canaries, echoes, leaks
from faultserver import fault_server
from harness.points import UNDER_WAY
from submitting import (
    Answerer,
    an_order,
    asked,
    bulkpost,
    child_env,
    documents,
    endings,
    path_of,
    quick_config,
    row_in,
    submitted,
    table,
    verdict,
)


async def test_t1_the_search_finds_what_it_is_to_find(tmp_path: Path) -> None:
    """A canary that is written anywhere is found: the tests below can fail."""
    (tmp_path / "log").write_text(f"row=3 email={canaries(3)[2]}")

    assert ("log", canaries(3)[2]) in leaks(tmp_path)
    assert ("output 1", "219099903") in leaks(tmp_path, b"digits 219099903")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="plain"),
        pytest.param(["-vv"], id="verbose"),
        pytest.param(["-vv", "--log-format", "json"], id="json-log"),
        pytest.param(["--json", "-vv"], id="json"),
        pytest.param(["--key", "email"], id="key"),
    ],
)
async def test_t1_nothing_a_server_echoes_reaches_a_file_or_an_output(
    words: list[str], tmp_path: Path
) -> None:
    """Reasons, headers, bodies, titles, status lines, redirects: all kept without the lead."""
    done, answerer, home = await a_leaky_run(tmp_path, *words)

    assert [] == leaks(home, done.stdout, done.stderr)
    assert 5 == done.returncode, done.stderr
    kept = endings(home / "bulkpost.db")
    assert ROWS == len(kept)
    assert ("invalid", "duplicate") == (kept[12], kept[13])
    assert set(range(1, ROWS + 1)) - {12, 13} == set(answerer.counts)
    # Scrubbed, not dropped: what is no lead data is still there for support.
    exchanges = asked(home / "bulkpost.db", "SELECT row, request, reply FROM exchanges")
    assert {2, 3, 4, 8, 10, 15, 16} == {row for row, _, _ in exchanges}
    for request in (json.loads(request) for _, request, _ in exchanges):
        assert "POST" == request["method"]
        assert [*HEADER, "reference"] == request["fields"]
    assert "[email]" in "".join(reply for _, _, reply in exchanges)


async def test_t1_what_is_read_back_shows_no_lead(tmp_path: Path) -> None:
    """The commands that read a ledger find nothing there to leak."""
    _, _, home = await a_leaky_run(tmp_path)

    for words in (["show", "--support"], ["show", "--json"], ["doubt", "list"]):
        done = await bulkpost(*words, cwd=home)
        assert [] == leaks(home, done.stdout, done.stderr)
        assert done.stdout


@pytest.mark.parametrize("name", UNDER_WAY)
async def test_t1_a_failure_at_any_point_shows_no_lead(name: str, tmp_path: Path) -> None:
    """Whatever breaks, wherever: the message, the log and the ledger know rows by number only."""
    done, _, home = await a_leaky_run(
        tmp_path, "-vv", "--log-format", "json", env={"BULKPOST_FAULT": f"{name}:1:raise"}
    )

    assert [] == leaks(home, done.stdout, done.stderr)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["commit.middle", "answered", "run.end"])
async def test_t1_a_process_that_died_left_no_lead_in_the_wal(name: str, tmp_path: Path) -> None:
    """The write-ahead log is as clean as the ledger."""
    nth = 1 if name == "run.end" else 2
    done, _, home = await a_leaky_run(tmp_path, env={"BULKPOST_FAULT": f"{name}:{nth}"})

    assert 137 == done.returncode, done.stderr
    assert (home / "bulkpost.db-wal").stat().st_size
    assert [] == leaks(home, done.stdout, done.stderr)


MISTAKE = """
from bulkpost.cli.main import main
from {module} import {name}

def mistaken(self, *args):
    raise ValueError(f"cannot handle {{args}} " + repr(getattr(args[0], "fields", None)
                     or getattr(args[0], "cells", None) or getattr(args[0], "body", None)))

{name}.{method} = mistaken
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "method", "log_format"),
    [
        ("bulkpost.mapping.column_map", "ColumnMap", "lead", "json"),
        ("bulkpost.mapping.identity", "Identifier", "identify", "console"),
        ("bulkpost.endpoints.submission", "SubmissionEndpoint", "request", "json"),
        ("bulkpost.endpoints.submission", "SubmissionEndpoint", "verdict", "console"),
        ("bulkpost.endpoints.submission", "SubmissionEndpoint", "evidence", "json"),
        ("bulkpost.transport.http", "HttpTransport", "send", "json"),
    ],
)
async def test_t3_a_mistake_whose_message_quotes_a_lead_is_named_by_its_place_only(
    module: str, name: str, method: str, log_format: str, tmp_path: Path
) -> None:
    """An exception of ours or a library's may carry cells: type and line are shown, no more."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    async with fault_server(Answerer(echoes()).script) as server:
        words = [
            *("submit", leads, "--url", server.url + path_of(), "--config", quick_config(tmp_path)),
            *("-vv", "--log-format", log_format),
        ]
        code = MISTAKE.format(module=module, name=name, method=method)
        with anyio.fail_after(60):
            done = await anyio.run_process(
                [sys.executable, "-c", code, *map(str, words)],
                check=False,
                cwd=home,
                env=child_env(),
            )

    assert [] == leaks(home, done.stdout, done.stderr)
    assert 1 == done.returncode, done.stderr
    assert b"ValueError" in done.stderr
    assert b"cannot handle" not in done.stderr


async def test_t1_a_message_about_a_bad_header_or_input_shows_no_cell(tmp_path: Path) -> None:
    """A file whose first line is data is refused without that line being printed."""
    folder, home = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    home.mkdir()
    headless = table(folder / "headless.csv", canaries(1), [canaries(2), canaries(3)])
    async with fault_server(Answerer().script) as server:
        done = await bulkpost("submit", headless, "--url", server.url + path_of(), cwd=home)

    assert [] == [leak for leak in leaks(home) if leak[1] not in canaries(1)]
    assert [] == [
        spelling for spelling in canaries(2) + canaries(3) if spelling.encode() in done.stderr
    ]


async def test_t1_only_what_the_row_sent_is_taken_out_of_its_reason(tmp_path: Path) -> None:
    """A reason that helps is kept whole."""
    leads, ledger = table(tmp_path / "l.csv", ["row", "state"], [["1", "TX"]]), tmp_path / "l.db"
    plan = {1: [verdict("failure", reason="state TX is not served")]}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger))

    assert ("state TX is not served",) == row_in(ledger, 1, "reason")


async def test_t1_the_summary_of_a_leaky_run_is_json_without_leads(tmp_path: Path) -> None:
    """Each line of --json is a document, and the reasons in it are scrubbed ones."""
    done, _, _ = await a_leaky_run(tmp_path, "--json")

    (summary,) = documents(done.stdout)
    assert "summary" == summary["message_type"]
    assert any("[email]" in reason["reason"] for reason in summary["reasons"])

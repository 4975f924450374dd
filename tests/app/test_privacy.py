"""Lead data is nowhere but on the wire: canaries in every cell, echoed by the server, then grepped.

What is searched: every file that a run leaves behind (the ledger, its -wal and -shm, the lock, the
rescue file, ...), standard output and standard error.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import quote, quote_plus

import anyio
import pytest
from faultserver import JSON, Peer, close, fault_server, response, say
from harness.points import UNDER_WAY
from submitting import (
    Answerer,
    Doing,
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
    taken,
    verdict,
)

HEADER = ["row", "first_name", "last_name", "email", "phone_1", "ssn", "dob", "notes"]
ROWS = 16


def canaries(row: int) -> list[str]:
    """Return the cells of a row, each of which would be known again anywhere."""
    return [
        f"Zyxquorra{row}",
        f"Vandenplörk-{row}ius",
        f"canary.{row}@leaky.example.com",
        f"(512) 555-01{row:02d}",
        f"219-09-{9900 + row}",
        f"1948-07-{row + 10}",
        f'said "hush {row}", went home & <b>slept</b>',
    ]


def a_canary_list(folder: Path) -> Path:
    folder.mkdir()
    rows = [[str(row), *canaries(row)] for row in range(1, ROWS + 1)]
    rows[11] = [*rows[11], "one", "cell", "too many " + rows[11][3]]  # invalid
    rows[12] = rows[0]  # a duplicate
    return table(folder / "leads.csv", HEADER, rows)


def spellings(row: int) -> Iterator[str]:
    """Yield what may not be found: the cells as they are, escaped, and as bare digits."""
    for cell in canaries(row):
        digits = "".join(filter(str.isdigit, cell))
        yield from (cell, cell.upper(), quote(cell), quote_plus(cell), json.dumps(cell)[1:-1])
        if len(digits) >= 8:
            yield digits


def leaks(folder: Path, *outputs: bytes) -> list[tuple[str, str]]:
    """Return each canary that stands in a file or an output, with the place."""
    places = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    texts = {name: path.read_bytes() for name, path in places.items()}
    texts |= {f"output {number}": output for number, output in enumerate(outputs, 1)}
    return [
        (place, spelling)
        for row in range(1, ROWS + 1)
        for spelling in spellings(row)
        for place, text in texts.items()
        if spelling.encode() in text
    ]


def echoes() -> dict[int, list[Doing]]:
    """Return a plan in which every part of an answer repeats what was sent."""

    def told(row: int) -> str:
        return "; ".join(canaries(row))

    def document(row: int, **fields: str) -> bytes:
        return json.dumps({"message": told(row), **fields}, ensure_ascii=False).encode()

    def header_text(row: int) -> str:
        return told(row).encode("ascii", "replace").decode()

    async def shout(peer: Peer) -> None:
        await peer.write(f"HTTP/1.1 500 {header_text(10)}\r\nContent-Length: 0\r\n\r\n".encode())

    return {
        1: [verdict("failure", reason=told(1), lead={"id": "a" * 24})],
        2: [response(500, told(2).encode(), ())],
        3: [response(400, document(3), JSON)],
        4: [response(422, b"", (("X-Echo", header_text(4)), ("X-" + "Zyxquorra4", "1")))],
        5: [response(201, told(5).encode(), ())],
        6: [verdict(told(6))],
        7: [response(503, told(7).encode(), (("X-Echo", header_text(7)),)), taken(7, 2)],
        8: [response(301, b"", (("Location", f"https://x.example/?e={quote_plus(told(8))}"),))],
        9: [[say(response(201, document(9, outcome="success"))[:-3]), close]],
        10: [shout],
        11: [[say(told(11).encode() + b"\r\n\r\n"), close]],
        14: [verdict("error", reason="ssn " + "".join(filter(str.isdigit, canaries(14)[4])))],
        15: [response(500, f"<html><title>{told(15)}</title></html>".encode(), ())],
        16: [response(409, ("x" * 150 + told(16)).encode(), ())],
    }


async def a_leaky_run(
    folder: Path, *words: str, env: dict[str, str] | None = None
) -> tuple["CompletedProcess[bytes]", Answerer, Path]:
    """Submit the canaries in a child whose folder holds nothing but what it writes itself."""
    leads, home = a_canary_list(folder / "in"), folder / "out"
    home.mkdir()
    answerer = Answerer(echoes())
    async with fault_server(answerer.script) as server:
        done = await bulkpost(
            "submit", leads, "--url", server.url + path_of(), "--config",
            quick_config(folder), "--reference", "reference", *words, cwd=home, env=env,
        )  # fmt: skip
    return done, answerer, home


async def test_the_search_finds_what_it_is_to_find(tmp_path: Path) -> None:
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
async def test_nothing_a_server_echoes_reaches_a_file_or_an_output(
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


async def test_what_is_read_back_shows_no_lead(tmp_path: Path) -> None:
    """The commands that read a ledger find nothing there to leak."""
    _, _, home = await a_leaky_run(tmp_path)

    for words in (["show", "--support"], ["show", "--json"], ["doubt", "list"]):
        done = await bulkpost(*words, cwd=home)
        assert [] == leaks(home, done.stdout, done.stderr)
        assert done.stdout


@pytest.mark.parametrize("name", UNDER_WAY)
async def test_a_failure_at_any_point_shows_no_lead(name: str, tmp_path: Path) -> None:
    """Whatever breaks, wherever: the message, the log and the ledger know rows by number only."""
    done, _, home = await a_leaky_run(
        tmp_path, "-vv", "--log-format", "json", env={"BULKPOST_FAULT": f"{name}:1:raise"}
    )

    assert [] == leaks(home, done.stdout, done.stderr)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["commit.middle", "answered", "run.end"])
async def test_a_process_that_died_left_no_lead_in_the_wal(name: str, tmp_path: Path) -> None:
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
async def test_a_mistake_whose_message_quotes_a_lead_is_named_by_its_place_only(
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


async def test_a_message_about_a_bad_header_or_input_shows_no_cell(tmp_path: Path) -> None:
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


async def test_only_what_the_row_sent_is_taken_out_of_its_reason(tmp_path: Path) -> None:
    """A reason that helps is kept whole."""
    leads, ledger = table(tmp_path / "l.csv", ["row", "state"], [["1", "TX"]]), tmp_path / "l.db"
    plan = {1: [verdict("failure", reason="state TX is not served")]}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger))

    assert ("state TX is not served",) == row_in(ledger, 1, "reason")


async def test_the_summary_of_a_leaky_run_is_json_without_leads(tmp_path: Path) -> None:
    """Each line of --json is a document, and the reasons in it are scrubbed ones."""
    done, _, _ = await a_leaky_run(tmp_path, "--json")

    (summary,) = documents(done.stdout)
    assert "summary" == summary["message_type"]
    assert any("[email]" in reason["reason"] for reason in summary["reasons"])

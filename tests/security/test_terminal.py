"""What a terminal is sent: our own colours and cursor movements, nothing that a text asks for."""

import asyncio
import json
import os
import pty
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from commands import Commands
from faultserver import JSON, fault_server, response
from past_runs import Ending, Past, ended, leads_csv, make_past, ok
from submitting import Answerer, child_env, path_of, quick_config, table, verdict

from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.redact import json_text

_CLIPBOARD = "\x1b]52;c;aGFja2Vk\x07"
_HOSTILE = f"evil{_CLIPBOARD}\x1b[2J\x1b[31mred\x9b5n\u202egnp.exe\u2066\x08\x85end"
# What rich and we ourselves send: colours, cursor, erasing a line.
_OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AKG]|\r|\n")
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def obeyed(sent: bytes) -> list[str]:
    """Return what a terminal would obey that is not ours, with what follows it."""
    text = _OURS.sub(b"", sent).decode("utf-8", "surrogateescape")
    return [text[found.start() : found.start() + 20] for found in _OBEYED.finditer(text)]


async def on_a_terminal(*words: str | Path, cwd: Path) -> bytes:
    """Run the command on a pseudo-terminal and return every byte that it wrote."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bulkpost", *map(str, words)]
    env = child_env({"TERM": "xterm-256color", "COLUMNS": "120"})
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    sent = bytearray()

    def read() -> None:
        try:
            while chunk := os.read(ours, 65_536):
                sent.extend(chunk)
        except OSError:
            pass  # the other end is closed

    with anyio.fail_after(60):
        await anyio.to_thread.run_sync(read)
        await process.wait()
    os.close(ours)
    return bytes(sent)


async def test_t16_reasons_headers_columns_and_file_names_cannot_speak_to_the_terminal(
    tmp_path: Path,
) -> None:
    """With progress, notes, plan, summary, doubts, support text and errors on a real terminal."""
    name = _HOSTILE.replace("/", "")
    header = ["row", f"note {_HOSTILE}"]
    leads = table(tmp_path / f"{name}.csv", header, [[str(row), "x"] for row in range(1, 6)])
    told = _HOSTILE.replace("\x85", "")
    plan = {
        1: [verdict("failure", reason=told)],
        2: [response(500, told.encode(), (("X-Echo", told.encode().decode("latin-1")),))],
        3: [response(201, told.encode(), JSON)],
        4: [verdict(told)],
    }
    async with fault_server(Answerer(plan).script) as server:
        to = ("--url", server.url + path_of(), "--config", quick_config(tmp_path))
        sent = [await on_a_terminal("check", leads, *to, cwd=tmp_path)]
        sent += [await on_a_terminal("submit", leads, *to, "-vv", cwd=tmp_path)]
    for words in (
        ["show"],
        ["show", "--support"],
        ["doubt", "list", "--json"],
        [name],
        ["show", name],
    ):
        sent += [await on_a_terminal(*words, cwd=tmp_path)]

    assert [] == [found for one in sent for found in obeyed(one)]
    assert b"evil" in sent[1]
    assert b"\x1b[" in sent[1], "there was no colour: it was no terminal"


def test_t16_a_ledger_made_by_somebody_else_cannot_speak_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever stands in its texts, every command that reads it shows it harmless."""
    ledger = tmp_path / "l.db"
    endings = [
        ok(1),
        ended(2, OutcomeKind.FAILURE, "no", 201),
        ended(3, OutcomeKind.HTTP_ERROR, "500", 500),
        Ending(4, Outcome(OutcomeKind.IN_DOUBT, "cut", 201)),
    ]
    anyio.run(make_past, ledger, leads_csv(tmp_path / "leads.csv", 5), Past(endings))
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        for statement in (
            "UPDATE reason SET text = ? || id",
            "UPDATE run SET ending = ?, command = ?1, host = ?1, version = ?1",
            "UPDATE input SET path = ?, format = ?1, key_spec = ?1",
            "UPDATE destination SET name = ?",
            "UPDATE message SET document = json_object('method', ?, 'reply_body', ?1)",
        ):
            database.execute(statement, (_HOSTILE,))
    bulkpost = Commands(capsys, str(ledger))

    for words in (
        ["runs"], ["show"], ["show", "--row", "2"], ["show", "--row", "3"], ["show", "--support"],
        ["doubt", "list"], ["verify"], ["export", str(tmp_path / "o"), "--no-join"],
        ["report", str(tmp_path / "o.html"), "--force"],
    ):  # fmt: skip
        for more in ([], ["--json"], ["-vv", "--log-format", "json"]):
            done = bulkpost(*words, *more)
            assert [] == obeyed((done.out + done.err).encode()), words


def test_t16_json_on_a_terminal_is_harmless_and_says_the_same() -> None:
    """Every character that could be obeyed is escaped; a reader of JSON gets it back."""
    value = {"reason": _HOSTILE, "name": "leads\udcff.csv", "city": "Orléans \U0001f600"}
    text = json_text(value)

    assert [] == obeyed(text.encode())
    assert value == json.loads(text)
    assert "Orléans" in text

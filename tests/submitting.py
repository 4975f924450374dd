"""What the end-to-end tests share: a list, a server that answers row by row, a run, two judges.

The judges are the ledger (``endings``) and the server's own count (``Answerer.counts``); neither
asks the code under test.
"""

import csv
import ipaddress
import json
import os
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
import pytest
from faultserver import (
    JSON,
    HungUp,
    Peer,
    ReceivedRequest,
    Script,
    Step,
    response,
)

from bulkpost.app import commands
from bulkpost.app.order import Observer, Order, Preview, RunResult, SubmitResult, Watched
from bulkpost.config import Settings, changed
from bulkpost.ledger.reader import LedgerReader

FLOW: Final = "5f0c1d2e3a4b5c6d7e8f9a0b"
SOURCE: Final = "6a1b2c3d4e5f60718293a4b5"
# Quick, so that a test that waits waits for milliseconds.
QUICK: Final[Mapping[str, Any]] = {
    "engine.concurrency": 4,
    "engine.drain_s": 5.0,
    "retry.base_s": 0.01,
    "retry.unsent_base_s": 0.01,
    "retry.cap_s": 0.05,
    "breaker.base_s": 0.02,
    "breaker.cap_s": 0.05,
    "transport.connect_s": 2.0,
    "transport.read_s": 5.0,
    "transport.total_s": 10.0,
}

# What a server does with one request: bytes to send, or steps to take (hang, reset, close, ...).
Doing = bytes | Step | Sequence[Step]
# By row: what it does with the first, second, ... request; the last one for ever.
Plan = Mapping[int, Sequence[Doing]]


def path_of(flow: str = FLOW, source: str = SOURCE) -> str:
    return f"/flows/{flow}/sources/{source}/submit"


def lead_id_of(row: int, nth: int = 1) -> str:
    """Return the id that the server gives to the nth request of a row."""
    return f"{row:012x}{nth:012x}"


def verdict(outcome: str = "success", **fields: Any) -> bytes:
    """Return LeadConduit's answer, whole."""
    return response(201, json.dumps({"outcome": outcome, **fields}).encode(), JSON)


def taken(row: int, nth: int = 1) -> bytes:
    return verdict(lead={"id": lead_id_of(row, nth)}, price=1.5)


def refusal(status: int, *headers: tuple[str, str], body: bytes = b"<html>busy</html>") -> bytes:
    return response(status, body, (("Content-Type", "text/html"), *headers))


@dataclass(slots=True)
class Seen:
    """One whole request, as the server saw it."""

    row: int
    nth: int
    at_s: float
    request: ReceivedRequest = field(repr=False)

    @property
    def fields(self) -> list[tuple[str, str]]:
        return parse_qsl(self.request.body.decode("ascii"), keep_blank_values=True)


@dataclass(slots=True)
class Answerer:
    """Answers each row by its plan, and every other row with a success.

    Attributes:
        plan: What happens to which row.
        otherwise: What happens to the others; a success if None.
        on_request: Told of each whole request before it is answered.
        seen: Every whole request, in order.
    """

    plan: Plan = field(default_factory=dict)
    otherwise: Doing | None = None
    on_request: Callable[[Seen], None] | None = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def counts(self) -> dict[int, int]:
        """How often each row came."""
        return dict(Counter(entry.row for entry in self.seen))

    @property
    def rows(self) -> list[int]:
        """The rows in the order in which they came."""
        return [entry.row for entry in self.seen]

    @property
    def script(self) -> Script:
        """Return the script to give to ``fault_server``."""
        return [self._serve]

    def row_of(self, request: ReceivedRequest) -> int:
        """Return the row that a request is about."""
        return int(dict(parse_qsl(request.body.decode("ascii")))["row"])

    async def _serve(self, peer: Peer) -> None:
        while True:
            request = await peer.read_request()
            if request is None or not request.is_complete:
                raise HungUp
            row = self.row_of(request)
            nth = 1 + sum(entry.row == row for entry in self.seen)
            seen = Seen(row, nth, time.monotonic(), request)
            self.seen.append(seen)
            if self.on_request is not None:
                self.on_request(seen)
            await _do(self._doing(row, nth), peer)

    def _doing(self, row: int, nth: int) -> Doing:
        doings = self.plan.get(row)
        if doings is not None:
            return doings[min(nth, len(doings)) - 1]
        return taken(row, nth) if self.otherwise is None else self.otherwise


async def _do(doing: Doing, peer: Peer) -> None:
    if isinstance(doing, bytes):
        await peer.write(doing)
        return
    for step in [doing] if callable(doing) else doing:
        await step(peer)


def a_list(folder: Path, rows: int | Iterable[int], name: str = "leads.csv") -> Path:
    """Write a list of leads that name their own row, and return it."""
    numbers = range(1, rows + 1) if isinstance(rows, int) else rows
    path = folder / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "first_name", "email"])
        writer.writerows([number, f"Ada{number}", f"ada{number}@example.com"] for number in numbers)
    return path


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """Write a CSV file and return it."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@dataclass(slots=True)
class Recorder:
    """An observer that remembers; it asks nobody unless told to."""

    answer: bool | None = None
    notes: list[str] = field(default_factory=list)
    results: list[RunResult] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)

    @property
    def is_asking(self) -> bool:
        return self.answer is not None

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def surveyed(self, path: Path, rows: int) -> None:
        pass

    async def approves(self, preview: Preview) -> bool:
        self.previews.append(preview)
        return bool(self.answer)

    async def confirms(self, question: str) -> bool:  # noqa: ARG002  # the interface
        return bool(self.answer)

    async def watch(self, watched: Watched) -> None:
        self.watched.append(watched)
        await anyio.sleep_forever()

    async def ended(self, reader: LedgerReader, result: RunResult) -> None:  # noqa: ARG002  # the interface
        self.results.append(result)


def an_order(origin: str, *inputs: Path | str, ledger: Path, **changes: Any) -> Order:
    """Return an order for quick settings. Changes name settings, with ``__`` for the dot."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    limit = named.pop("limit", None)
    values = {"url": origin + path_of(), "ledger": str(ledger), **QUICK, **named}
    return Order(tuple(map(str, inputs)), changed(Settings(), values), limit)


async def submitted(order: Order, observer: Observer | None = None) -> SubmitResult:
    """Submit within a limit of time, so that a lost wake-up is a failure and not a hang."""
    with anyio.fail_after(30):
        return await commands.submit(order, observer or Recorder())


def resolving(
    monkeypatch: pytest.MonkeyPatch, **addresses: Sequence[tuple[socket.AddressFamily, str]]
) -> None:
    """Let the system's resolver know these names (``__`` for the dot), and no other name."""
    known = {name.replace("__", "."): found for name, found in addresses.items()}
    genuine = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        with suppress(ValueError):
            ipaddress.ip_address(host)
            return genuine(host, port, *more, **options)
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            if family == socket.AF_INET
            else (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
            for family, address in known[host]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


# -- judges ----------------------------------------------------------------------------------------


def asked(ledger: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask a ledger without opening it for writing."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def endings(ledger: Path) -> dict[int, str]:
    """Return the outcome of each row of the ledger's first input."""
    assert [] == asked(ledger, "SELECT row_id FROM intent")
    return dict(asked(ledger, "SELECT row, outcome FROM rows WHERE input = 1 ORDER BY row"))


def all_of(rows: int, outcome: str = "success", **other: str) -> dict[int, str]:
    """Return the endings of a list of which all but some rows ended alike: ``_3="in_doubt"``."""
    odd = {int(name.removeprefix("_")): value for name, value in other.items()}
    return {row: odd.get(row, outcome) for row in range(1, rows + 1)}


def row_in(ledger: Path, row: int, columns: str) -> tuple[Any, ...]:
    """Return columns of the view ``rows`` for one row."""
    found = asked(ledger, f"SELECT {columns} FROM rows WHERE input = 1 AND row = {row}")  # noqa: S608  # a test's own words
    assert 1 == len(found)
    return found[0]


# -- the command -----------------------------------------------------------------------------------


async def bulkpost(
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> "CompletedProcess[bytes]":
    """Run the command in a child process."""
    with anyio.fail_after(60):
        return await anyio.run_process(
            [sys.executable, "-m", "bulkpost", *map(str, words)],
            check=False,
            cwd=cwd,
            env=child_env(env),
            input=stdin,
        )


def child_env(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a bare environment for a child."""
    root = Path(__file__).parent.parent
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(root),
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "XDG_STATE_HOME": os.environ.get("XDG_STATE_HOME", "/nonexistent"),
        **(env or {}),
    }


def documents(stdout: bytes) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in stdout.splitlines()]


def quick_config(folder: Path, **changes: Any) -> Path:
    """Write the quick settings as a config file."""
    values: dict[str, Any] = {**QUICK}
    values.update({name.replace("__", "."): value for name, value in changes.items()})
    path = folder / "quick.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in sorted(values.items())]
    path.write_text("\n".join(lines) + "\n")
    return path

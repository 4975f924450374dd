"""Lists full of canaries, servers that repeat them, and the search for where they sing.

What is searched: every file that a command leaves behind (the ledger, its -wal and -shm, the lock,
the rescue file, ...), standard output and standard error.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import quote, quote_plus

from faultserver import JSON, Peer, close, fault_server, response, say
from submitting import Answerer, Doing, bulkpost, path_of, quick_config, table, taken, verdict

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
    yield from ssn_spellings(row)


def ssn_spellings(row: int) -> list[str]:
    """Return a row's social security number as people and programs write it."""
    area, group, serial = canaries(row)[4].split("-")
    return [mark.join((area, group, serial)) for mark in ("", "-", " ", ".", "/", " - ", "\u2011")]


def leaks(folder: Path, *outputs: bytes) -> list[tuple[str, str]]:
    """Return each canary that stands in a file or an output, with the place."""
    words = (spelling for row in range(1, ROWS + 1) for spelling in spellings(row))
    return leaks_of(words, folder, *outputs)


def leaks_of(words: Iterable[str], folder: Path, *outputs: bytes) -> list[tuple[str, str]]:
    """Return each word that stands in a file or an output, with the place."""
    places = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    # The ballast is megabytes of zeros.
    texts = {name: path.read_bytes().strip(b"\0") for name, path in places.items()}
    texts |= {f"output {number}": output for number, output in enumerate(outputs, 1)}
    return [
        (place, word) for word in words for place, text in texts.items() if word.encode() in text
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
        14: [verdict("error", reason="ssn " + ", ".join(ssn_spellings(14)))],
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

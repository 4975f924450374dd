"""Cases P6 and P13 of the fault catalogue: little memory, few files. Each by a real child."""

import re
import sys
from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess

import anyio
import pytest
from faultserver import HungUp, Peer, fault_server, hang
from submitting import (
    Answerer,
    a_list,
    all_of,
    child_env,
    endings,
    path_of,
    quick_config,
    table,
    taken,
)

LIMITED = """
import resource, sys
for limit in filter(None, sys.argv.pop(1).split(",")):
    name, soft, hard = limit.split(":")
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(soft), int(hard)))
from bulkpost.cli.main import main
try:
    main(sys.argv[1:])
finally:
    with open("/proc/self/status") as status:
        print(*(line for line in status if line.startswith("VmPeak:")), file=sys.stderr)
"""
KIB = 1024
MIB = KIB * KIB


async def limited(limits: str, *words: str | Path, cwd: Path) -> "CompletedProcess[bytes]":
    """Submit under limits of its own: ``NAME:SOFT:HARD``, with commas between them."""
    with anyio.fail_after(120):
        return await anyio.run_process(
            [sys.executable, "-c", LIMITED, limits, "submit", *map(str, words)],
            check=False,
            cwd=cwd,
            env=child_env({"MALLOC_ARENA_MAX": "1"}),
        )


def at_most(size_bytes: int) -> str:
    return f"AS:{size_bytes}:{size_bytes}"


def peak_bytes(done: "CompletedProcess[bytes]") -> int:
    """Return the most address space that a child had."""
    found = re.search(rb"VmPeak:\s*(\d+) kB", done.stderr)
    assert found is not None, done.stderr
    return int(found[1]) * KIB


def a_wide_list(folder: Path, rows: int) -> Path:
    """Write rows of 2,000 columns, three of them with a cell of a megabyte."""
    header = ["row", *(f"c{number}" for number in range(1999))]
    cells = [*["x" * 100] * 1996, *["y" * 1_000_000] * 3]
    content = ([str(row), *cells] for row in range(1, rows + 1))
    return table(folder / f"wide-{rows}.csv", header, content)


async def test_p6_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """With 2,000 columns and cells of a megabyte, a long list takes no more memory than a short.

    Not more than a few rows are in memory at a time.
    """
    counts: Counter[int] = Counter()

    async def answer(peer: Peer) -> None:
        while request := await peer.read_request():
            row = int(request.body[4 : request.body.index(b"&")])
            request.body = b""
            counts[row] += 1
            await peer.write(taken(row))
        raise HungUp

    async with fault_server([answer]) as server:
        words = ("--url", server.url + path_of(), "--concurrency", "2")
        short = await limited("", a_wide_list(tmp_path, 4), *words, cwd=tmp_path)
        assert 0 == short.returncode, short.stderr
        counts.clear()
        limit = at_most(peak_bytes(short) + 32 * MIB)
        ledger = ("--ledger", tmp_path / "l.db")
        long = await limited(limit, a_wide_list(tmp_path, 28), *words, *ledger, cwd=tmp_path)

    assert 0 == long.returncode, long.stderr
    assert all_of(28) == endings(tmp_path / "l.db")
    assert dict.fromkeys(range(1, 29), 1) == counts


async def test_p6_a_run_that_gets_no_memory_sends_nothing_twice(tmp_path: Path) -> None:
    """If the system gives no more memory, the run stops, and every answer that it had is kept.

    What was under way is in doubt, at most as many rows as requests at once, as after a kill. The
    next run sends the rest, and nothing twice.
    """
    small, big = range(1, 31), range(31, 49)
    rows = [[str(row), *["y" * 1_000_000 * (row in big)] * 3] for row in (*small, *big)]
    header, config = ["row", "a", "b", "c"], quick_config(tmp_path, engine__drain_s=0.2)
    few = table(tmp_path / "few.csv", header, rows[:31])
    leads = table(tmp_path / "leads.csv", header, rows)
    starved = Answerer({row: [hang] for row in big})
    words = ("--config", config, "--concurrency", "16", "--ledger")
    async with fault_server(Answerer().script) as server:
        url = ("--url", server.url + path_of())
        enough = await limited("", few, *url, *words, tmp_path / "few.db", cwd=tmp_path)
    async with fault_server(starved.script) as server:
        limit = at_most(peak_bytes(enough) + 40 * MIB)
        url = ("--url", server.url + path_of())
        first = await limited(limit, leads, *url, *words, tmp_path / "l.db", cwd=tmp_path)
        port = server.port
    answerer = Answerer()
    async with fault_server(answerer.script, port=port):
        second = await limited("", leads, *url, *words, tmp_path / "l.db", cwd=tmp_path)
    found = endings(tmp_path / "l.db")
    doubts = {row for row, outcome in found.items() if outcome == "in_doubt"}

    # Where memory runs out, and so how the run ends, is up to the system.
    assert 0 != first.returncode, first.stderr
    assert (5 if doubts else 0) == second.returncode, second.stderr
    assert {1} == set((Counter(starved.counts) + Counter(answerer.counts)).values())
    assert doubts >= starved.counts.keys() & set(big)
    assert len(doubts) <= 16
    assert all_of(48) | dict.fromkeys(doubts, "in_doubt") == found


async def all_under_way(answerer: Answerer, concurrency: int, peer: Peer) -> None:
    """Answer only once so many requests are there at the same time."""
    with anyio.fail_after(60):
        while len(answerer.seen) < concurrency:  # noqa: ASYNC110  # requests are no event
            await anyio.sleep(0.01)
    await peer.write(taken(len(answerer.seen)))


@pytest.mark.parametrize(
    ("limit", "concurrency"),
    [
        pytest.param("NOFILE:64:64", 16, id="enough-for-the-default"),
        pytest.param("NOFILE:64:1024", 100, id="raised-as-far-as-allowed"),
    ],
)
async def test_p13_few_open_files_are_enough_or_are_raised(
    limit: str, concurrency: int, tmp_path: Path
) -> None:
    """With 64 open files the default concurrency runs as always.

    A higher one runs if the system lets the process raise its own limit.
    """
    leads, answerer = a_list(tmp_path, concurrency), Answerer()

    async def together(peer: Peer) -> None:
        await all_under_way(answerer, concurrency, peer)

    answerer.otherwise = together
    async with fault_server(answerer.script) as server:
        words = ("--url", server.url + path_of(), "--concurrency", str(concurrency))
        done = await limited(limit, leads, *words, cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert all_of(concurrency) == endings(tmp_path / "bulkpost.db")
    assert dict.fromkeys(range(1, concurrency + 1), 1) == answerer.counts


async def test_p13_too_few_open_files_are_told_before_the_first_lead(tmp_path: Path) -> None:
    """If the system allows too few open files for the concurrency, nothing is sent: exit status 2.

    The message names the highest concurrency that would do, and it does.
    """
    leads, answerer = a_list(tmp_path, 40), Answerer()
    async with fault_server(answerer.script) as server:
        words = (leads, "--url", server.url + path_of(), "--concurrency")
        refused = await limited("NOFILE:64:64", *words, "100", cwd=tmp_path)
        connections = server.connections
        found = re.search(rb"(?i)lower --concurrency to (\d+)", refused.stderr)
        assert found is not None, refused.stderr
        done = await limited("NOFILE:64:64", *words, found[1].decode(), cwd=tmp_path)

    assert (2, 0) == (refused.returncode, connections)
    assert b"this process may open 64 files" in refused.stderr
    assert 0 == done.returncode, done.stderr
    assert dict.fromkeys(range(1, 41), 1) == answerer.counts

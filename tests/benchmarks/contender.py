"""The contenders: a bare aiohttp loop, and the script that a user would write.

Run as a child: ``python contender.py bare|script uvloop|asyncio FILE URL CONCURRENCY``. Prints the
seconds from the first request to the last answer, imports and start-up left out.
"""

import asyncio
import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import uvloop

_HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


async def bare(path: Path, url: str, concurrency: int) -> float:
    """Post bodies encoded beforehand and read the answers; keep nothing."""
    with path.open(newline="", encoding="utf-8") as file:
        bodies = [
            urlencode([(name, text) for name, text in row.items() if text]).encode()
            for row in csv.DictReader(file)
        ]
    todo = iter(bodies)

    async def work(session: aiohttp.ClientSession) -> None:
        for body in todo:
            async with session.post(url, data=body, headers=_HEADERS) as response:
                assert response.status == 201
                await response.read()

    return await _all_at_once(work, concurrency)


async def script(path: Path, url: str, concurrency: int) -> float:
    """What somebody writes in ten lines."""
    with path.open(newline="", encoding="utf-8") as file:
        rows: Iterator[dict[str, str]] = csv.DictReader(file)

        async def work(session: aiohttp.ClientSession) -> None:
            for row in rows:
                async with session.post(url, data=row) as response:
                    answer = await response.json()
                    assert answer["outcome"] == "success"

        return await _all_at_once(work, concurrency)


async def _all_at_once(work, concurrency: int) -> float:  # type: ignore[no-untyped-def]  # noqa: ANN001
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        began_s = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(work(session))
        return time.perf_counter() - began_s


def main() -> None:
    """Run one contender."""
    kind, loop, path, url, concurrency = sys.argv[1:]
    contend = {"bare": bare, "script": script}[kind](Path(path), url, int(concurrency))
    print(uvloop.run(contend) if loop == "uvloop" else asyncio.run(contend))  # noqa: T201  # for the parent


if __name__ == "__main__":
    main()

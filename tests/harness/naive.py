"""A recorder that writes down each answer after it came: how most scripts do it.

Whatever was sent and not yet written down when it dies, it sends again. The harness must find that.
"""

import argparse
import asyncio
import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp


async def submit(path: Path, url: str, ledger: Path, concurrency: int) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE IF NOT EXISTS done (reference TEXT PRIMARY KEY, lead_id)")
        done = {row[0] for row in database.execute("SELECT reference FROM done")}
        with path.open(encoding="utf-8", newline="") as file:
            todo = [row for row in csv.DictReader(file) if row["reference"] not in done]
        headers = {"Accept": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as session:
            queue = iter(todo)

            async def work() -> None:
                for row in queue:
                    async with session.post(url, data=row) as reply:
                        answer = await reply.json()
                    database.execute(
                        "INSERT INTO done VALUES (?, ?)", (row["reference"], answer["lead"]["id"])
                    )

            async with asyncio.TaskGroup() as tasks:
                for _ in range(concurrency):
                    tasks.create_task(work())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("input", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(submit(given.input, given.url, given.ledger, given.concurrency))


if __name__ == "__main__":
    main()

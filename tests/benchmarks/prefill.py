"""A ledger in which most of a list is done, made by the real writer in large groups."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from bulkpost.app.inputs import parts_of, take_in_all
from bulkpost.app.leads import LEADS
from bulkpost.app.order import Batch, Order
from bulkpost.clock import SystemClock
from bulkpost.config import Settings, destination_of
from bulkpost.lead import Lead
from bulkpost.ledger.entries import Intent, Settlement, row_id_of
from bulkpost.ledger.group import Group, Texts, write
from bulkpost.ledger.ledger import Ledger, LedgerOptions, open_ledger
from bulkpost.ledger.reader import InputRecord
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.run import Run, RunEnding

_ROWS_AT_ONCE = 20_000
_DONE = Outcome(OutcomeKind.SUCCESS, None, 201, "5fd2a9d26e7f5a3b1c8e4d70", 0)


class Silent:
    """An observer who says nothing."""

    is_asking = False

    def noted(self, text: str) -> None:
        """Say nothing."""

    def surveyed(self, path: Path, rows: int) -> None:
        """Say nothing."""


async def prefill(path: Path, url: str, ledger_path: Path, rows_done: int) -> None:
    """Make a ledger as a run leaves it that was stopped after ``rows_done`` rows."""
    order = Order((str(path),), Settings(url=url, ledger=str(ledger_path)))
    destination = destination_of(order.settings)
    options = LedgerOptions(destination.environment, "benchmark")
    async with open_ledger(ledger_path, options, SystemClock()) as ledger:
        taken: list[Batch[Lead]] = await take_in_all(
            LEADS,
            order,
            [path],
            destination,
            ledger.reader,
            Silent(),  # type: ignore[arg-type]  # nobody watches
        )
        intake = taken[0].intake
        record = await ledger.store_input(intake.record, intake.marks)
        await parts_of(ledger.reader, record, intake)
        run_id = await ledger.begin_run(Run(record.id, "submit", 0, {}))
        await _fill(ledger, record, run_id, rows_done)
        await ledger.end_run(run_id, RunEnding.LIMIT, 6)


async def _fill(ledger: Ledger, record: InputRecord, run_id: int, rows_done: int) -> None:
    texts = Texts()
    for start in range(1, rows_done + 1, _ROWS_AT_ONCE):
        numbers = range(start, min(start + _ROWS_AT_ONCE, rows_done + 1))
        row_ids = [row_id_of(record.id, number) for number in numbers]
        armed, settled = Group(run_id), Group(run_id)
        armed.intents = [(Intent(row_id, _key(row_id)), start) for row_id in row_ids]
        settled.settlements = [
            (Settlement(row_id, _DONE, latency_ms=200), start) for row_id in row_ids
        ]
        settled.low_waters[record.id] = numbers[-1]
        for group in (armed, settled):
            await ledger.writer.transact(partial(write, group, texts))
    await ledger.store_input(replace(record, low_water=rows_done))


def _key(row_id: int) -> bytes:
    return hashlib.blake2b(row_id.to_bytes(8, "big"), digest_size=16).digest()

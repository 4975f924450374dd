"""Ledgers with a past, made through the real writer, for whoever tests what is read from them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from bulkpost.clock import SystemClock
from bulkpost.destination import Environment
from bulkpost.ledger.entries import Intent, Rearm, Refused, Settlement, Wait, row_id_of
from bulkpost.ledger.ledger import LedgerOptions, open_ledger
from bulkpost.ledger.reader import InputRecord
from bulkpost.ledger.states import REFUSED, State
from bulkpost.ledger.writer import LedgerWriter
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reading import open_reader, survey
from bulkpost.run import Run, RunEnding

DESTINATION = (
    "https://app.leadconduit.com/flows/5f3a1c0000000000000000aa/sources/5f3a1c0000000000000000bb"
    "/submit"
)
CLOCK = SystemClock()
EVIDENCE = (
    json.dumps(
        {
            "method": "POST",
            "url": DESTINATION,
            "request_headers": {"Accept": "application/json"},
            "fields": ["first_name", "email"],
        }
    ),
    json.dumps(
        {
            "status": 500,
            "reply_headers": [["Server", "nginx"]],
            "reply_body": "we are sorry, [first_name]",
            "reply_cut": None,
        }
    ),
)


@dataclass(frozen=True)
class Ending:
    """How a row of a made-up run ends; ``waits`` are its attempts before that."""

    row: int
    outcome: Outcome | None  # None: it stays under way
    waits: Sequence[Outcome] = ()
    ambiguous: int = 0
    evidence: tuple[str, str] | None = None
    key: bytes | None = None
    earlier_attempts: int = 0
    detail: int | None = None
    allow_duplicate: bool = False


@dataclass(frozen=True)
class Past:
    """A run to be made."""

    endings: Sequence[Ending]
    ending: RunEnding | None = RunEnding.FINISHED
    exit_status: int = 0
    low_water: int = 0
    settings: dict[str, str | int | float | bool | None] = field(default_factory=dict)


def ok(row: int, lead: int = 0, price_micros: int | None = 1_500_000) -> Ending:
    """A success with a lead id of its own."""
    lead_id = f"{lead or row:024x}"
    return Ending(row, Outcome(OutcomeKind.SUCCESS, None, 201, lead_id, price_micros))


def ended(row: int, kind: OutcomeKind, reason: str | None, status: int | None = None) -> Ending:
    evidence = EVIDENCE if kind is OutcomeKind.HTTP_ERROR else None
    return Ending(row, Outcome(kind, reason, status), evidence=evidence)


def key_of(row: int) -> bytes:
    return hashlib.blake2b(str(row).encode(), digest_size=16).digest()


def leads_csv(path: Path, rows: int) -> Path:
    """Write a list of rows with a header."""
    lines = [f"Ada{row},a{row}@example.com,{900_000_000 + row}" for row in range(1, rows + 1)]
    path.write_text("\n".join(["first_name,email,ssn", *lines]) + "\n")
    return path


async def make_past(ledger_path: Path, input_path: Path, *pasts: Past) -> list[int]:
    """Run every past over an input, one after the other; return the runs' numbers."""
    options = LedgerOptions(Environment.LIVE, "test")
    runs = []
    with open_reader(input_path) as reader:
        surveyed = survey(reader)
        described = reader.format.description
    async with open_ledger(ledger_path, options, CLOCK) as ledger:
        known = await ledger.reader.find("submission", DESTINATION, surveyed.digest)
        record = await ledger.store_input(
            InputRecord(
                id=known.id if known else 0,
                destination=DESTINATION,
                digest=surveyed.digest,
                size_bytes=surveyed.size_bytes,
                rows=surveyed.rows,
                low_water=0,
                key_spec="content",
                map_digest="",
                duplicates="skip",
                path=str(input_path),
                format=described,
            )
        )
        for past in pasts:
            run_id = await ledger.begin_run(Run(record.id, "submit", 0, past.settings))
            runs.append(run_id)
            ledger.writer.reopen()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ledger.writer.run)
                for ending in past.endings:
                    await _live(ledger.writer, record.id, ending)
                if past.low_water:
                    ledger.writer.advance(record.id, past.low_water)
                ledger.writer.close()
            if past.ending is not None:
                await ledger.end_run(run_id, past.ending, past.exit_status)
    return runs


async def _live(writer: LedgerWriter, input_id: int, ending: Ending) -> None:
    row_id = row_id_of(input_id, ending.row)
    outcome = ending.outcome
    if outcome is not None and State.of(outcome.kind) in REFUSED:
        state = State.of(outcome.kind)
        writer.put(Refused(row_id, state, outcome.reason or "", ending.detail))
        return
    first = ending.earlier_attempts + 1
    intent = Intent(
        row_id,
        ending.key or key_of(row_id),
        attempt=first,
        ambiguous=ending.ambiguous if ending.earlier_attempts else 0,
        supersedes=bool(ending.earlier_attempts),
        allow_duplicate=ending.allow_duplicate,
    )
    assert await writer.arm(intent)
    for number, waited in enumerate(ending.waits, start=first):
        writer.put(Wait(row_id, number, waited, ending.ambiguous, 0, 40))
        assert await writer.arm(Rearm(row_id, number + 1))
    if outcome is not None:
        attempts = ending.earlier_attempts + len(ending.waits) + 1
        writer.put(
            Settlement(row_id, outcome, attempts, ending.ambiguous, 120, None, ending.evidence)
        )
        await writer.flush()

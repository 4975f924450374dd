"""What the worker's tests share: a worker that is answered as told, with the real machines.

Ledger, endpoint and pacing are the real ones. The transport answers as it is told, for what a
network does is tried elsewhere; it looks into the ledger at the moment of each request.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import anyio
from ledgers import LEAD_ID, content, opened

from bulkpost.clock import SystemClock
from bulkpost.destination import parse_url
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.engine.gate import Gate
from bulkpost.engine.halt import Halt
from bulkpost.engine.job import Job, Prepared
from bulkpost.engine.supply import Supply
from bulkpost.engine.tally import Tally
from bulkpost.engine.waterline import Waterline
from bulkpost.engine.worker import Machines, Worker
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Identity, Lead
from bulkpost.ledger.entries import row_id_of
from bulkpost.pacing.breaker import Breaker, BreakerSettings
from bulkpost.pacing.budget import BudgetSettings
from bulkpost.pacing.rate import RateLimit
from bulkpost.pacing.retry import RetrySettings

URL = f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit"
DESTINATION = parse_url(f"{URL}?campaign=summer")
NOW_S = 1_000.0
NOW_AT_MS = 1_795_313_647_250
TAKEN = Reply(201, (), b'{"outcome":"success","lead":{"id":"%s"}}' % LEAD_ID.encode(), None, 2.5)

Doing = Reply | Exception


class Still(SystemClock):
    """A clock that stands."""

    def now_s(self) -> float:
        return NOW_S

    def now_at(self) -> datetime:
        return datetime.fromtimestamp(NOW_AT_MS / 1000, UTC)


class Half(Random):
    """Chance that is always in the middle."""

    def random(self) -> float:
        return 0.5


@dataclass
class Told:
    """A transport that does as it is told, and stops the supply after the last request."""

    path: Path
    doings: list[Doing]
    requests: list[Request] = field(default_factory=list)
    intents: list[tuple[Any, ...]] = field(default_factory=list)
    supply: Supply[Lead] | None = None

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        self.intents += content(
            self.path,
            "SELECT row_id & 0xFF, phase, attempt, ambiguous, content FROM intent ORDER BY row_id",
        )
        doing = self.doings.pop(0) if self.doings else None
        if not self.doings and self.supply is not None:
            self.supply.stop()
        if doing is None:
            await anyio.sleep_forever()
        if isinstance(doing, Exception):
            raise doing
        assert isinstance(doing, Reply)
        return doing


@dataclass
class Rig:
    """A worker with its machines."""

    machines: Machines[Lead]
    told: Told
    path: Path
    halts: list[Halt] = field(default_factory=list)

    @property
    def tally(self) -> Tally:
        return self.machines.tally

    @property
    def breaker(self) -> Breaker:
        return self.machines.gate.breaker

    async def work(self, *jobs: Job[Lead]) -> None:
        """Let the worker do these jobs, then write down what it did."""
        supply = self.machines.supply
        await supply.fill(jobs)
        supply.end()
        with anyio.fail_after(20):
            await Worker(self.machines, self.halts.append).run()
            await self.machines.ledger.writer.flush()

    def ended(self) -> list[tuple[Any, ...]]:
        return content(
            self.path,
            "SELECT row_id & 0xFF, state, http_status, attempts, ambiguous, text, latency_ms"
            " FROM outcome LEFT JOIN reason ON reason.id = reason_id ORDER BY row_id",
        )

    def waiting(self) -> list[tuple[Any, ...]]:
        return content(
            self.path,
            "SELECT row_id & 0xFF, phase, attempt, ambiguous, due_at_ms FROM intent",
        )


@asynccontextmanager
async def a_rig(folder: Path, *doings: Doing, **settings: Any) -> AsyncIterator[Rig]:
    """Open a ledger and make a worker that will be answered like this."""
    path = folder / "leads.db"
    clock = Still()
    async with opened(path) as ledger:
        tally = Tally()
        breaker = Breaker(settings.get("breaker", BreakerSettings()), lambda: 1.0)
        told = Told(path, list(doings))
        machines: Machines[Lead] = Machines(
            ledger=ledger,
            transport=told,
            endpoint=settings.get("endpoint", SubmissionEndpoint()),
            gate=Gate(clock, breaker, RateLimit(), tally),
            supply=Supply(clock, 10),
            waterline=Waterline(),
            tally=tally,
            clock=clock,
            random=Half(),
            input_id=1,
            retry=settings.get("retry", RetrySettings()),
            budget=settings.get("budget", BudgetSettings()),
            is_routed=settings.get("is_routed", False),
        )
        if not settings.get("is_endless", False):
            told.supply = machines.supply
        yield Rig(machines, told, path)


def a_job(row: int, key: int | None = None, **more: Any) -> Job[Lead]:
    lead = Lead(row, DESTINATION, (("row", str(row)),))
    identity = Identity((key or row).to_bytes(16, "big"), b"c" * 8)
    prepared = Prepared(
        lead,
        identity,
        more.pop("destination", "here"),
        (("reference", "abc234"),),
        more.pop("changed", ()),
        more.pop("found", ()),
    )
    return Job(row, row_id_of(1, row), prepared, **more)


def an_answer(status: int, *headers: tuple[str, str], body: bytes = b"") -> Reply:
    return Reply(status, headers, body, None, 2.5)


def half_open(rig: Rig) -> None:
    """Let the next request be a probe; the breaker's settings say ``failures_max=1``."""
    first = rig.breaker.admit(NOW_S - 5.0)
    assert first is not None
    rig.breaker.failed(NOW_S - 5.0, first)

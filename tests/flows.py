"""What the tests of a sandbox with a flow share: a flow, a standing clock, leads over a socket."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bulkpost.clock import SystemClock
from bulkpost.sandbox.flow.settings import FlowSettings
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import Address, serve
from bulkpost.sandbox.settings import SandboxSettings

FORM = "application/x-www-form-urlencoded"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday


class SetClock(SystemClock):
    """A wall clock that shows what it is told."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now_at(self) -> datetime:
        return self.at


def a_flow(*names: str, **table: Any) -> FlowSettings:
    """Return a flow as its TOML table would give it; names are ``name`` or ``name:type``."""
    split = (name.partition(":") for name in names)
    fields = [{"name": name, "type": kind or "string"} for name, _, kind in split]
    return msgspec.convert({"fields": fields} | table, FlowSettings)


@dataclass(frozen=True)
class Served:
    """A sandbox with a flow, and a client."""

    sandbox: Sandbox
    address: Address
    session: aiohttp.ClientSession

    async def post(self, fields: Mapping[str, str] | None = None, **more: str) -> dict[str, Any]:
        """Submit a lead; return outcome, reason, price and lead."""
        async with self.session.post(
            self.address.submit_url(), data={**(fields or {}), **more}
        ) as reply:
            answer: dict[str, Any] = json.loads(await reply.read())
            assert 201 == reply.status
            return answer

    async def reasons(self, *leads: Mapping[str, str]) -> list[str | None]:
        """Submit leads; return the reason of each, None for an accepted one."""
        answers = [await self.post(lead) for lead in leads]
        for answer in answers:
            assert ("reason" in answer) is (answer["outcome"] != "success")
        return [answer.get("reason") for answer in answers]

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Get an address of the sandbox."""
        url = self.address.origin + path
        async with self.session.get(url, headers=headers) as reply:
            return reply.status, await reply.read()


@asynccontextmanager
async def served(
    flow: FlowSettings | None, clock: SetClock | None = None, **settings: Any
) -> AsyncIterator[Served]:
    """Serve a flow as long as the block lasts."""
    log_path: Path | None = settings.pop("log_path", None)
    sandbox = Sandbox(SandboxSettings(flow=flow, **settings), clock=clock, log_path=log_path)
    async with serve(sandbox) as address, aiohttp.ClientSession() as session:
        yield Served(sandbox, address, session)

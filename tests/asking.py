"""What the tests of LeadConduit's API share: a client, and events as it tells them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from faultserver import JSON, response
from msgspec.structs import replace

from bulkpost.api.questions import Access
from bulkpost.app.api_client import ApiClient, open_api
from bulkpost.clock import SystemClock
from bulkpost.config import Settings
from bulkpost.secret import Secret

KEY: Final = "1f1b96c9150d8050e858c043d543bb4eadae0e6f"
FLOW: Final = "5f0c1d2e3a4b5c6d7e8f9a0b"


@dataclass
class Waits(SystemClock):
    """A clock that does not wait, and remembers how long it should have."""

    waited_s: list[float] = field(default_factory=list)

    async def sleep(self, duration_s: float) -> None:
        self.waited_s.append(duration_s)
        await super().sleep(0)


def event_id(number: int) -> str:
    return f"6a000000{number:016x}"


def event(number: int, **changes: Any) -> dict[str, Any]:
    """Return a source event as LeadConduit tells it, with more in it than anybody asked for."""
    lead_id = f"{number:024x}"
    answered = {"outcome": "success", "lead": {"id": lead_id}, "price": 1.5}
    return {
        "id": event_id(number),
        "type": "source",
        "outcome": "success",
        "reason": None,
        "vars": {
            "lead": {"id": lead_id, "email": "ada@example.com", "reference": f"ref{number}"},
            "flow": {"id": FLOW, "name": "A flow"},
        },
        "response": {"status": 201, "body": json.dumps(answered)},
        "ms": 12,
        **changes,
    }


def page(*events: dict[str, Any]) -> bytes:
    return response(200, json.dumps(events).encode(), JSON)


@asynccontextmanager
async def a_client(
    origin: str, clock: SystemClock | None = None, **changes: Any
) -> AsyncIterator[tuple[ApiClient, Access]]:
    """Open a client that waits for nothing but the network."""
    settings = Settings()
    api = replace(settings.api, **{"rate": "1000/s", **changes})
    quick = replace(settings.transport, connect_s=2.0, read_s=2.0, total_s=4.0)
    async with open_api(replace(settings, api=api, transport=quick), clock or Waits()) as client:
        yield client, Access(origin, Secret(KEY))

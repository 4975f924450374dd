"""What the tests of LeadConduit's API share: a client, and events as it tells them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from faultserver import JSON, HungUp, Peer, Script, response
from msgspec.structs import replace

from bulkpost.app.records_client import ApiClient, open_api
from bulkpost.clock import SystemClock
from bulkpost.config import Settings
from bulkpost.records.questions import Access
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


@dataclass
class Records:
    """What a server says about leads: by reference or lead id, and by full text.

    Attributes:
        events: Text that a rule asks for -> the events told.
        hits: Text that is searched for -> the leads told.
        answers_max: After so many answers the server hangs up for ever.
        on_question: Told of each question before it is answered.
        asked: The text of each question, in order.
    """

    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers_max: int = 1_000
    on_question: Callable[[str], None] | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def script(self) -> Script:
        return [self._serve]

    async def _serve(self, peer: Peer) -> None:
        while True:
            request = await peer.read_request()
            if request is None or len(self.asked) >= self.answers_max:
                raise HungUp
            parts = urlsplit(request.path)
            params = parse_qs(parts.query)
            if parts.path == "/search/leads":
                text = params["query"][0].strip('"')
                told: Any = {"total": 0, "hits": self.hits.get(text, [])}
            else:
                text = json.loads(params["rules"][0])[-1]["rhv"]
                told = self.events.get(text, [])
            self.asked.append(text)
            if self.on_question is not None:
                self.on_question(text)
            await peer.write(response(200, json.dumps(told).encode(), JSON))

"""Asks LeadConduit's API: at a polite rate, again if it is busy, and never for ever.

A question changes nothing, so that it may be asked again, whatever became of it. What comes back is
lead data: it is handed on and never logged.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from bulkpost.clock import Clock, SystemClock
from bulkpost.config import Settings, check_host
from bulkpost.destination import checked_origin, is_loopback
from bulkpost.errors import ApiError, AttemptError, ConfigError, NotSentError
from bulkpost.exchange import Reply, Request
from bulkpost.log import get_logger
from bulkpost.pacing.rate import RateLimit, parse_rate
from bulkpost.pacing.retry import backoff_s, retry_after_s
from bulkpost.records.answers import LeadHit, SourceEvent, read_events, read_hits
from bulkpost.records.questions import Access, EventQuery, events_request, search_request
from bulkpost.records.settings import KEY_VARIABLE, ApiSettings
from bulkpost.secret import Secret, read_secret
from bulkpost.transport.http import HttpTransport
from bulkpost.transport.transport import Transport

_OK: Final = 200
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_BASE_S: Final = 1.0
_CAP_S: Final = 30.0
_RETRY_AFTER_S_MAX: Final = 300.0
_READ_S_MAX: Final = 120.0
_TOTAL_S_MAX: Final = 240.0


def api_key(settings: Settings) -> Secret | None:
    """Return the account's API key; None if none is set.

    Raises:
        ConfigError: It cannot be read, or others can read it.
    """
    return read_secret(settings.api.key_file, KEY_VARIABLE, "API key")


def access_for(settings: Settings, origin: str) -> Access:
    """Return whom to ask about leads that went to an origin, and with what key.

    The origin may come from a ledger that somebody else has made: a key goes to LeadConduit's hosts
    and those that the config allows, and to this machine only if ``api.url`` names it.

    Raises:
        ConfigError: There is no key, or the host is not allowed.
    """
    asked = checked_origin(settings.api.url or origin)
    host = urlsplit(asked).hostname or ""
    check_host(host, settings.allowed_hosts)
    if is_loopback(host) and not settings.api.url:
        return Access(asked, None)
    key = api_key(settings)
    if key is None and not is_loopback(host):
        raise ConfigError(
            "LeadConduit cannot be asked without an API key",
            advice="Put the API key of the flow's owner (in ActiveProspect: account settings) on "
            "one line of a file that only you can read, and name the file as key_file under [api] "
            f"in bulkpost.toml; or set {KEY_VARIABLE}. A vendor who posts into somebody else's "
            "flow has no such key: ask the flow's owner, and decide by hand.",
            command="bulkpost doubt list",
        )
    return Access(asked, key)


@dataclass(slots=True)
class ApiClient:
    """Asks one question after the other.

    Attributes:
        transport: Carries them.
        settings: Its limits.
        clock: Times and waits.
        random: Evenly spread over [0, 1), for the waits.
    """

    transport: Transport
    settings: ApiSettings
    clock: Clock
    random: Callable[[], float] = field(default_factory=lambda: Random().random)  # noqa: S311  # jitter
    _rate: RateLimit = field(init=False)

    def __post_init__(self) -> None:
        self._rate = RateLimit(parse_rate(self.settings.rate))

    async def events(self, access: Access, query: EventQuery) -> list[SourceEvent]:
        """Return the source events that a query selects, oldest first, each once.

        Raises:
            ApiError: It was not answered, or not as it should; or there are too many of them.
            ConfigError: The key is not accepted.
        """
        limit = self.settings.page_events
        found: dict[str, SourceEvent] = {}
        after_id: str | None = None
        for _ in range(self.settings.pages_max):
            reply = await self.ask(events_request(access, query, limit=limit, after_id=after_id))
            page, last_id, count = read_events(reply)
            found.update((event.id, event) for event in page)
            if last_id is None or count < limit:
                return sorted(found.values(), key=lambda event: event.id)
            if after_id is not None and last_id <= after_id:
                raise ApiError(
                    "LeadConduit's API repeats its pages",
                    advice="Nothing was concluded from them. Try again later.",
                )
            after_id = last_id
        raise ApiError(
            f"LeadConduit's API has more than {self.settings.pages_max * limit:,} events for one "
            "question",
            advice="Nothing was concluded from them. Raise api.pages_max or api.page_events.",
        )

    async def search(self, access: Access, text: str) -> list[LeadHit]:
        """Return the first hundred leads in which a text stands.

        Raises:
            ApiError: As ``events``.
            ConfigError: As ``events``.
        """
        return read_hits(await self.ask(search_request(access, text)))

    async def ask(self, request: Request) -> Reply:
        """Return a reply of status 200, after as many tries as it takes and is allowed.

        Raises:
            ApiError: There is none.
            ConfigError: The key is not accepted.
        """
        attempts_max = self.settings.attempts_max
        for attempt in range(1, attempts_max + 1):
            await self.clock.sleep(self._rate.reserve(self.clock.now_s()))
            try:
                reply = await self.transport.send(request)
            except NotSentError as error:
                if error.is_fatal:
                    raise _unanswered(error.message, error.advice) from None
                why, wanted_s = error.message, None
            except AttemptError as error:
                why, wanted_s = error.message, None
            else:
                if reply.status == _OK:
                    return reply
                _check_status(reply, has_key=request.authorization is not None)
                why, wanted_s = f"status {reply.status}", self._retry_after_s(reply)
            if attempt == attempts_max or (wanted_s or 0.0) > _RETRY_AFTER_S_MAX:
                raise _unanswered(f"{why} (attempt {attempt} of {attempts_max})")
            delay_s = backoff_s(attempt, _BASE_S, _CAP_S, wanted_s, self.random)
            get_logger().info("api_not_answered", attempt=attempt, delay_s=delay_s, why=why)
            await self.clock.sleep(delay_s)
        raise AssertionError("the last attempt returns or raises")

    def _retry_after_s(self, reply: Reply) -> float | None:
        value = next((v for name, v in reply.headers if name.lower() == "retry-after"), None)
        return retry_after_s(value, self.clock.now_at())


@asynccontextmanager
async def open_api(settings: Settings, clock: Clock | None = None) -> AsyncIterator[ApiClient]:
    """Open a client under the transport's rules: no redirect, no cookie, checked certificates."""
    clock = clock or SystemClock()
    transport_settings = replace(
        settings.transport,
        read_s=min(settings.transport.read_s, _READ_S_MAX),
        total_s=min(settings.transport.total_s, _TOTAL_S_MAX),
        reply_bytes_max=settings.api.reply_bytes_max,
    )
    async with HttpTransport(transport_settings, 1, clock) as transport:
        yield ApiClient(transport, settings.api, clock)


def _check_status(reply: Reply, *, has_key: bool) -> None:
    """Let pass what may be asked again.

    Raises:
        ConfigError: The key is missing or not accepted.
        ApiError: Any other status that no second try can change.
    """
    if reply.status in _BUSY:
        return
    if reply.status in {401, 403}:
        said = "does not accept the API key" if has_key else "wants an API key"
        raise ConfigError(
            f"LeadConduit's API {said}: status {reply.status}",
            advice="The key must be that of the account that owns the flow, and the account must "
            f"have access to events. Set {KEY_VARIABLE}, or key_file under [api] in bulkpost.toml. "
            "A key goes to a host on this machine only if url under [api] names it.",
        )
    raise ApiError(
        f"LeadConduit's API answered with status {reply.status}",
        advice="Nothing was concluded from it. Check api.url; redirects are not followed.",
    )


def _unanswered(why: str, advice: str = "") -> ApiError:
    return ApiError(
        f"LeadConduit's API did not answer: {why}",
        advice=advice or "What was found out before is kept. Run the same command again later.",
    )

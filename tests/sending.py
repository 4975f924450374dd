"""What the transport's tests share: a quick transport, a request, and what is expected of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

from bulkpost.clock import SystemClock
from bulkpost.errors import InDoubtError, NotSentError
from bulkpost.exchange import Request
from bulkpost.transport.http import HttpTransport
from bulkpost.transport.settings import TransportSettings

QUICK = TransportSettings(connect_s=0.3, read_s=0.3, total_s=0.6)
BODY = b"email=ada%40example.com&last_name=Lovelace"
DONE = b'{"outcome":"success","lead":{"id":"0123456789abcdef01234567"}}'
PATH = "/flows/f/sources/s/submit?campaign=secret"


@asynccontextmanager
async def a_transport(
    settings: TransportSettings = QUICK,
    connections: int = 4,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[HttpTransport]:
    async with HttpTransport(settings, connections, SystemClock(), resolver) as transport:
        yield transport


def a_request(origin: str, body: bytes = BODY) -> Request:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    return Request("POST", origin + PATH, headers, body)


async def not_sent(transport: HttpTransport, origin: str) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        await transport.send(a_request(origin))
    assert "secret" not in f"{caught.value!r} {caught.value.message} {caught.value.advice}"
    return caught.value


async def in_doubt(transport: HttpTransport, origin: str, body: bytes = BODY) -> InDoubtError:
    with pytest.raises(InDoubtError) as caught:
        await transport.send(a_request(origin, body))
    assert "secret" not in f"{caught.value!r} {caught.value.message} {caught.value.advice}"
    return caught.value


def kept(transport: HttpTransport) -> list[ResponseHandler]:
    """Return the connections that wait to be used again."""
    assert transport._session is not None  # noqa: SLF001  # aiohttp shows its pool to nobody
    pool = transport._session.connector._conns  # type: ignore[union-attr]  # noqa: SLF001  # as above
    return [connection for waiting in pool.values() for connection, _ in waiting]


async def until(is_so: Callable[[], bool]) -> None:
    """Let everything else run until something has happened."""
    with anyio.fail_after(10):
        while not is_so():  # noqa: ASYNC110  # the kernel has no event to offer
            await anyio.sleep(0.001)

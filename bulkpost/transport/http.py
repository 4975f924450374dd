"""HTTP by aiohttp: nothing followed, nothing repeated, nothing remembered.

Rule 1: whether a request left is noted just before its first byte is written; head and body go out
in one write. Exception classes do not tell: ``ServerTimeoutError`` is the parent of a connect
timeout and of a read timeout.
Rule 2: a connection on which something came unasked is not used again; aiohttp would take it for
the answer to the next lead.
Rule 3: no message carries a URL's query or user, a header or a body: only host and port.
"""

import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import aiohttp
import anyio.lowlevel
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from bulkpost.clock import Clock
from bulkpost.errors import ConfigError, InDoubtError, NotSentError
from bulkpost.exchange import Reply, Request
from bulkpost.faultpoint import IS_ARMED, fault_point
from bulkpost.transport.settings import TransportSettings
from bulkpost.transport.watch import ReadWatch
from bulkpost.transport.wire import (
    Connector,
    Handler,
    Route,
    StaleConnectionError,
    overlong_reply,
)
from bulkpost.transport.wording import (
    CERTIFICATE_ADVICE,
    lost_in_words,
    place,
    unread_in_words,
    unsent_in_words,
)

_SWITCHING_PROTOCOLS: Final = 101
_FINAL: Final = 200
_ROUTES_KEPT: Final = 1024
_TICKS: Final = 16  # a limit is kept to a sixteenth of the shortest
_FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


@dataclass(slots=True)
class _Attempt:
    """How far one request has come.

    Attributes:
        began_s: When it began to wait for a connection, monotonic.
        sent_s: When it left; None if it cannot have left.
        connection: Its place in the pool.
        handler: The connection that it left on.
    """

    began_s: float
    sent_s: float | None = None
    connection: Connection | None = None
    handler: Handler | None = None


@dataclass(slots=True)
class HttpTransport:
    """A ``Transport`` over HTTP/1.1 with up to ``connections`` kept connections.

    Use it as an async context manager; it connects when the first request is sent.

    Attributes:
        settings: Its limits.
        connections: Requests that may be under way at once.
        clock: For ``Reply.latency_s``.
        resolver: How host names become addresses; aiohttp's own way if None.
    """

    settings: TransportSettings
    connections: int
    clock: Clock
    resolver: AbstractResolver | None = None
    _connector: Connector | None = field(default=None, init=False)
    _watch: ReadWatch = field(init=False)
    _timeout: aiohttp.ClientTimeout = field(init=False)
    _routes: dict[str, Route] = field(default_factory=dict, init=False)

    async def __aenter__(self) -> Self:
        """Open the pool.

        Raises:
            ConfigError: ``ca_file`` cannot be read.
        """
        settings = self.settings
        self._connector = Connector(
            limit=self.connections,
            keepalive_timeout=settings.keepalive_s,
            ssl=_tls_context(settings.ca_file),
            resolver=self.resolver,
        )
        self._timeout = aiohttp.ClientTimeout(connect=min(settings.connect_s, settings.total_s))
        self._watch = ReadWatch(min(settings.read_s, settings.total_s) / _TICKS)
        self._watch.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._connector is not None:
            self._watch.stop()
            await self._connector.close()
            self._connector = None

    async def send(self, request: Request) -> Reply:
        """Send once; see ``Transport.send``.

        Raises:
            NotSentError: The server cannot have seen the request. Fatal if its certificate is
                not to be trusted.
            InDoubtError: The server may have seen it, and no status came back.
        """
        route = self._route(request.url)
        attempt = _Attempt(self.clock.now_s())
        try:
            message, content = await self._head(request, route, attempt)
            return await self._read(message, content, attempt)
        except _FAILURES as error:
            if attempt.sent_s is None:
                raise _unsent(error, route.url) from None
            if overlong := overlong_reply(attempt.handler):
                return self._overlong(overlong, attempt.sent_s)
            raise InDoubtError(f"{place(route.url)} {lost_in_words(error)}.") from None
        finally:
            self._watch.end(attempt.handler)
            if attempt.connection is not None:
                attempt.connection.close()  # unless it was released

    async def _head(
        self, request: Request, route: Route, attempt: _Attempt
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Send a request and return the head of its answer, and where its body comes."""
        connector = self._connector
        assert connector is not None, "used outside its context"
        message = route.message(request)
        connection = await connector.connect(route.anchor, traces=[], timeout=self._timeout)
        attempt.connection = connection
        handler = connection.protocol
        assert isinstance(handler, Handler), type(handler)
        transport = handler.transport
        if transport is None or transport.is_closing() or handler.should_close:
            raise StaleConnectionError
        attempt.handler = handler
        handler.last_bytes = b""
        handler.set_response_params(read_until_eof=True)
        self._watch.begin(handler, self._limit_s(attempt))
        attempt.sent_s = self.clock.now_s()
        transport.write(message)
        if IS_ARMED:
            await anyio.lowlevel.checkpoint()  # uvloop writes at the end of a turn
            fault_point("sent")
        while True:
            head, content = await handler.read()
            if head.code >= _FINAL or head.code == _SWITCHING_PROTOCOLS:
                return head, content

    async def _read(
        self, head: RawResponseMessage, content: StreamReader, attempt: _Attempt
    ) -> Reply:
        """Read the body as far as it comes; the status is known, so nothing raises from here on."""
        limit = self.settings.reply_bytes_max
        chunks: list[bytes] = []
        room = limit + 1
        cut = None
        self._watch.end(attempt.handler)
        try:
            if head.code != _SWITCHING_PROTOCOLS:
                if not content.is_eof():
                    self._watch.begin(content, self._limit_s(attempt))
                while room and not content.at_eof():
                    chunk = await content.read(room)
                    chunks.append(chunk)
                    room -= len(chunk)
                cut = None if room else f"longer than {limit} bytes"
                self._release(attempt, is_whole=cut is None)
        except _FAILURES as error:
            cut = unread_in_words(error)
        finally:
            self._watch.end(content)
        assert attempt.sent_s is not None, "answered, but never seen to leave"
        return Reply(
            status=head.code,
            headers=tuple(
                [(str(name, "latin-1"), str(value, "latin-1")) for name, value in head.raw_headers]
            ),
            body=b"".join(chunks)[:limit],
            cut=cut,
            latency_s=self.clock.now_s() - attempt.sent_s,
        )

    @staticmethod
    def _release(attempt: _Attempt, *, is_whole: bool) -> None:
        """Give the connection back to the pool if nothing of this exchange is left on it."""
        handler, connection = attempt.handler, attempt.connection
        assert handler is not None, "answered without a connection"
        assert connection is not None, "answered without a connection"
        transport = handler.transport
        # What was answered before it was read may still be on its way out.
        is_read = transport is None or not transport.get_write_buffer_size()
        if is_whole and is_read:
            connection.release()

    def _limit_s(self, attempt: _Attempt) -> float:
        left_s = self.settings.total_s - (self.clock.now_s() - attempt.began_s)
        return max(0.0, min(self.settings.read_s, left_s))

    def _route(self, address: str) -> Route:
        route = self._routes.get(address)
        if route is None:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            route = Route.to(address, trust_env=self.settings.trust_env)
            self._routes[address] = route
        return route

    def _overlong(
        self, overlong: tuple[int, tuple[tuple[str, str], ...], bytes], sent_s: float
    ) -> Reply:
        status, headers, body = overlong
        return Reply(
            status=status,
            headers=headers,
            body=body[: self.settings.reply_bytes_max],
            cut="longer than its Content-Length",
            latency_s=self.clock.now_s() - sent_s,
        )


def _unsent(error: Exception, url: URL) -> NotSentError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NotSentError(
            f"{place(url)} {unsent_in_words(error)}.", is_fatal=True, advice=CERTIFICATE_ADVICE
        )
    return NotSentError(f"{place(url)} {unsent_in_words(error)}.")


def _tls_context(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            f"The certificate authorities in {ca_file} cannot be read.",
            advice="Give a PEM file that you may read in transport.ca_file.",
        ) from None

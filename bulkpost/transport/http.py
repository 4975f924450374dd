"""HTTP by aiohttp: nothing followed, nothing repeated, nothing remembered.

Rule 1: whether a request left is noted when aiohttp hands it to a connection, just before its trace
signal ``on_request_headers_sent`` and before the first byte is written (the signal itself says the
same, at a tenth of the throughput), and once more when its body is written. Exception classes do
not tell: ``ServerTimeoutError`` is the parent of a connect timeout and of a read timeout, and a
reply that is not HTTP raises with an invented 400.
Rule 2: a connection on which something came unasked is not used again; aiohttp would take it for
the answer to the next lead.
Rule 3: no message carries a URL's query or user, a header or a body: only host and port.
"""

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import ClassVar, Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter
from aiohttp.connector import Connection
from multidict import CIMultiDict, istr
from yarl import URL

from bulkpost import __version__
from bulkpost.clock import Clock
from bulkpost.errors import ConfigError, InDoubtError, NotSentError
from bulkpost.exchange import Reply, Request
from bulkpost.faultpoint import fault_point
from bulkpost.transport.settings import TransportSettings
from bulkpost.transport.wording import (
    CERTIFICATE_ADVICE,
    lost_in_words,
    place,
    unread_in_words,
    unsent_in_words,
)

USER_AGENT: Final = f"bulkpost/{__version__}"
_SWITCHING_PROTOCOLS: Final = 101
_URLS_KEPT: Final = 1024
# aiohttp wants one; the request's own Content-Type goes before it.
_FALLBACK: Final = CIMultiDict({"Content-Type": "application/octet-stream"})


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A kept connection holds bytes that nobody asked for; nothing was written to it."""


class _Body(aiohttp.Payload):
    """A body in memory, written with the head in one go; it knows whether its request left.

    Attributes:
        sent_s: When the request left, monotonic; None if it cannot have left.
    """

    _autoclose = True

    def __init__(self, value: bytes, clock: Clock) -> None:
        # Not the parent's: a body is made per lead, and its headers are the request's.
        self._value = value
        self._size = len(value)
        self._headers = _FALLBACK
        self.clock = clock
        self.sent_s: float | None = None

    def leave(self) -> None:
        """Note that bytes may be on the wire from now on."""
        if self.sent_s is None:
            self.sent_s = self.clock.now_s()

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it: what aiohttp calls when it sends the request."""
        self.leave()
        await writer.write(self._value)
        fault_point("sent")

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return it as text; aiohttp's interface asks for this and never calls it."""
        return bytes(self._value).decode(encoding, errors)


class _PlainRequest(aiohttp.ClientRequest):
    """A request without headers of aiohttp's own, on a connection without leftovers."""

    DEFAULT_HEADERS: ClassVar[dict[istr, str]] = {}  # type: ignore[misc]  # constant there too

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write to a connection: what aiohttp calls once it has one."""
        if conn.protocol is None or conn.protocol.should_close:
            raise StaleConnectionError
        body = self.body
        assert isinstance(body, _Body), type(body)
        body.leave()
        return await super().send(conn)


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
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        """Open the pool.

        Raises:
            ConfigError: ``ca_file`` cannot be read.
        """
        settings = self.settings
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self.connections,
                keepalive_timeout=settings.keepalive_s,
                ssl=_tls_context(settings.ca_file),
                resolver=self.resolver,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_PlainRequest,
            timeout=aiohttp.ClientTimeout(
                total=settings.total_s, connect=settings.connect_s, sock_read=settings.read_s
            ),
            trust_env=settings.trust_env,
            raise_for_status=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> Reply:
        """Send once; see ``Transport.send``.

        Raises:
            NotSentError: The server cannot have seen the request. Fatal if its certificate is
                not to be trusted.
            InDoubtError: The server may have seen it, and no status came back.
        """
        session = self._session
        assert session is not None, "used outside its context"
        url = _url(request.url)
        body = _Body(request.body, self.clock)
        headers = CIMultiDict(request.headers)
        headers.setdefault("User-Agent", USER_AGENT)
        try:
            response = await session.request(
                request.method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if body.sent_s is None:
                raise _unsent(error, url) from None
            raise InDoubtError(f"{place(url)} {lost_in_words(error)}.") from None
        return await self._read(response, body)

    async def _read(self, response: aiohttp.ClientResponse, request_body: _Body) -> Reply:
        """Read the body as far as it comes; the status is known, so nothing raises from here on."""
        limit = self.settings.reply_bytes_max
        chunks: list[bytes] = []
        room = limit + 1
        cut = None
        content = response.content
        is_whole = False
        try:
            if response.status != _SWITCHING_PROTOCOLS:
                while room and (chunk := await content.read(room)):
                    chunks.append(chunk)
                    room -= len(chunk)
                is_whole = room > 0
                cut = None if is_whole else f"longer than {limit} bytes"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cut = unread_in_words(error)
        finally:
            if not is_whole:
                response.close()  # the rest of it must not become another lead's answer
        assert request_body.sent_s is not None, "answered, but never seen to leave"
        return Reply(
            status=response.status,
            headers=tuple(
                [
                    (str(name, "latin-1"), str(value, "latin-1"))
                    for name, value in response.raw_headers
                ]
            ),
            body=b"".join(chunks)[:limit],
            cut=cut,
            latency_s=self.clock.now_s() - request_body.sent_s,
        )


@lru_cache(maxsize=_URLS_KEPT)
def _url(url: str) -> URL:
    return URL(url, encoded=True)


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

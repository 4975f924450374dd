"""HTTP by aiohttp: nothing followed, nothing repeated, nothing remembered.

Rule 1: whether a request left is noted when aiohttp hands it to a connection, just before its trace
signal ``on_request_headers_sent`` and before the first byte is written (the signal itself says the
same, at a tenth of the throughput), and once more when its body is written. Exception classes do
not tell: ``ServerTimeoutError`` is the parent of a connect timeout and of a read timeout, and a
reply that is not HTTP raises with an invented 400.
Rule 2: a connection on which something came unasked is not used again; aiohttp would take it for
the answer to the next lead.
Rule 3: one call is one request. aiohttp repeats a GET by itself when a kept connection fails; a
second attempt to hand the same request over is refused.
Rule 4: no message carries a URL's query or user, a header or a body: only host and port.
"""

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from bulkpost import __version__
from bulkpost.clock import Clock
from bulkpost.errors import ConfigError, InDoubtError, NotSentError
from bulkpost.exchange import Reply, Request
from bulkpost.transport.settings import TransportSettings
from bulkpost.transport.watch import ReadWatch
from bulkpost.transport.wire import Body, Connector, PlainRequest, overlong_reply
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
    _watch: ReadWatch = field(init=False)

    async def __aenter__(self) -> Self:
        """Open the pool.

        Raises:
            ConfigError: ``ca_file`` cannot be read.
        """
        settings = self.settings
        self._session = aiohttp.ClientSession(
            connector=Connector(
                limit=self.connections,
                keepalive_timeout=settings.keepalive_s,
                ssl=_tls_context(settings.ca_file),
                resolver=self.resolver,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=PlainRequest,
            timeout=aiohttp.ClientTimeout(total=settings.total_s, connect=settings.connect_s),
            trust_env=settings.trust_env,
            raise_for_status=False,
        )
        self._watch = ReadWatch(settings.read_s)
        self._watch.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            self._watch.stop()
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
        if request.query:  # lead data, not to be kept here; yarl keeps the last 128 all the same
            separator = "&" if url.raw_query_string else "?"
            url = URL(f"{request.url}{separator}{request.query}", encoded=True)
        body = Body(request.body, self.clock, self._watch)
        headers = CIMultiDict(request.headers)
        headers.setdefault("User-Agent", USER_AGENT)
        if request.authorization is not None:
            headers["Authorization"] = request.authorization.reveal()
        try:
            response = await session.request(
                request.method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if body.sent_s is None:
                raise _unsent(error, url) from None
            if overlong := overlong_reply(body.connection):
                return self._overlong(overlong, body.sent_s)
            raise InDoubtError(f"{place(url)} {lost_in_words(error)}.") from None
        finally:
            self._watch.end(body.connection)
        return await self._read(response, body)

    async def _read(self, response: aiohttp.ClientResponse, request_body: Body) -> Reply:
        """Read the body as far as it comes; the status is known, so nothing raises from here on."""
        limit = self.settings.reply_bytes_max
        chunks: list[bytes] = []
        room = limit + 1
        cut = None
        content = response.content
        is_whole = False
        try:
            if response.status != _SWITCHING_PROTOCOLS:
                self._watch.begin(content)
                while room and (chunk := await content.read(room)):
                    chunks.append(chunk)
                    room -= len(chunk)
                is_whole = room > 0
                cut = None if is_whole else f"longer than {limit} bytes"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cut = unread_in_words(error)
        finally:
            self._watch.end(content)
            if not is_whole:
                # The rest of it must not become another lead's answer.
                response.close()
                if request_body.connection is not None:
                    request_body.connection.close()  # a bare 101 is back in the pool by now
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
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            f"The certificate authorities in {ca_file} cannot be read.",
            advice="Give a PEM file that you may read in transport.ca_file.",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever the machine's own rules allow
    context.keylog_filename = None  # type: ignore[assignment]  # SSLKEYLOGFILE would keep the keys
    return context

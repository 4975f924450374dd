"""The aiohttp server of the sandbox: loopback only, no cross-origin answers.

The hot path is a plain ``aiohttp.web.Server`` without router, middlewares or access log.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
import msgspec
from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from bulkpost.errors import UsageError
from bulkpost.log import get_logger
from bulkpost.sandbox import records, routes
from bulkpost.sandbox.incoming import Incoming, TooLong
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.wire import Wires

HOST: Final = "127.0.0.1"
FLOW_ID: Final = "000000000000000000000001"
SOURCE_ID: Final = "000000000000000000000002"
_BACKLOG: Final = 1024
_CHUNK_ITEMS: Final = 1000
_STOP_S: Final = 0.1  # aiohttp waits this long twice before it cancels what hangs
# aiohttp logs what it cannot parse, and that may be lead data.
_SILENT: Final = logging.getLogger("bulkpost.sandbox.silent")
_SILENT.disabled = True
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a sandbox listens.

    Attributes:
        port: On 127.0.0.1.
        flow_id: Default of ``submit_url``.
        source_id: Default of ``submit_url``.
    """

    port: int
    flow_id: str = FLOW_ID
    source_id: str = SOURCE_ID

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.port}"

    @property
    def leads_url(self) -> str:
        """Where the leads taken can be read."""
        return self.origin + routes.LEADS_PATH

    @property
    def meta_url(self) -> str:
        """Where the flow's metadata can be read, if the sandbox has a flow."""
        return self.submit_url().removesuffix("submit") + "meta"

    @property
    def requests_url(self) -> str:
        """Where the requests received can be read."""
        return self.origin + routes.REQUESTS_PATH

    @property
    def feedback_url(self) -> str:
        """Where feedback is posted to."""
        return self.origin + routes.FEEDBACK_PATH

    @property
    def stats_url(self) -> str:
        """Where the counts can be read."""
        return self.origin + routes.STATS_PATH

    def submit_url(self, flow_id: str | None = None, source_id: str | None = None) -> str:
        """Return the posting URL of a flow and a source."""
        flow_id, source_id = flow_id or self.flow_id, source_id or self.source_id
        return f"{self.origin}/flows/{flow_id}/sources/{source_id}/submit"


@asynccontextmanager
async def serve(
    sandbox: Sandbox, port: int = 0, *, tells_leads: bool = True
) -> AsyncIterator[Address]:
    """Serve a sandbox until the block ends; then every connection is closed, hanging ones too.

    Enter and leave it in one task. The sandbox's log is closed at the end; what it holds in memory
    can still be read.

    Args:
        sandbox: What to serve.
        port: On 127.0.0.1; 0 for any free one.
        tells_leads: Whoever asks is told what was taken: everybody on this machine can ask.

    Raises:
        UsageError: The port cannot be had.
    """
    listener = _listen(port)
    front = _Front(sandbox, tells_leads=tells_leads)
    runner = web.ServerRunner(front.server(), handle_signals=False, shutdown_timeout=_STOP_S)
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        settings = sandbox.settings
        yield Address(
            listener.getsockname()[1], settings.flow_id or FLOW_ID, settings.source_id or SOURCE_ID
        )
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()
        listener.close()
        sandbox.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} on {HOST} cannot be had: {error.strerror}",
            advice="Choose another port, or 0 for any free one.",
        ) from error
    return listener


class _Connection(RequestHandler):
    """Takes ``get`` for ``GET``, as LeadConduit does and aiohttp's parser does not.

    Only the first request of a connection is read so: later bytes may be in a body.
    """

    __slots__ = ("_is_fresh",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_fresh = True
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._is_fresh:
            self._is_fresh = False
            method, space, rest = data.partition(b" ")
            data = method.upper() + space + rest
        super().data_received(data)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            logger=_SILENT,
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp switches it off
        )


class _Front:
    """Sorts requests: submissions to the sandbox, the sandbox's own pages here."""

    def __init__(self, sandbox: Sandbox, *, tells_leads: bool) -> None:
        self._sandbox = sandbox
        self._tells_leads = tells_leads
        self._wires = Wires(sandbox.settings, sandbox.clock)

    def server(self) -> web.Server:
        # A handler is cancelled when its client leaves, so that no hang outlives its connection;
        # a lead is taken between two awaits, so that cancelling cannot half-take it.
        return _Server(self._handle, request_factory=self._request, handler_cancellation=True)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            asyncio.get_running_loop(),
            client_max_size=self._sandbox.settings.body_bytes_max,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not routes.is_loopback_host(request.headers.get("Host", "")):
            return _text(403, "The sandbox answers to loopback names only")
        path, _, query = request.raw_path.partition("?")
        submitted_to = routes.target(path)
        if submitted_to is not None or path == routes.FEEDBACK_PATH:
            return await self._handed_over(request, submitted_to, query)
        described = routes.meta_target(path)
        if request.method == "GET" and described is not None:
            return self._meta(request, described)
        if request.method == "GET" and (self._tells_leads or path == routes.STATS_PATH):
            return await self._told(request, path, query)
        return _text(404, "Not found")

    async def _handed_over(
        self, request: web.BaseRequest, submitted_to: routes.Target | None, query: str
    ) -> web.StreamResponse:
        """Give a submission, or feedback if it goes to no source, to the sandbox."""
        stats = self._sandbox.stats
        stats.in_flight += 1
        stats.in_flight_max = max(stats.in_flight_max, stats.in_flight)
        try:
            headers = request.headers
            incoming = Incoming(
                method=request.method,
                query=query,
                accept=headers.get("Accept", ""),
                content_type=headers.get("Content-Type", ""),
                body=await _body(request),
                is_ping=submitted_to is not None and submitted_to.is_ping,
                authorization=headers.get("Authorization", ""),
            )
            if submitted_to is None:
                answer = self._sandbox.receive_feedback(incoming)
            else:
                answer = self._sandbox.receive(submitted_to, incoming)
            return await self._wires.deliver(request, answer)
        except Exception as error:  # noqa: BLE001  # aiohttp's own report could show lead data
            get_logger().error("request_failed", error_type=type(error).__name__)
            return _text(500, "The sandbox failed")
        finally:
            stats.in_flight -= 1

    def _meta(self, request: web.BaseRequest, described: routes.Target) -> web.Response:
        answer = self._sandbox.meta(described, request.headers.get("Authorization", ""))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _records(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        authorization = request.headers.get("Authorization", "")
        answer = self._sandbox.records(path, query, authorization)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _told(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        sandbox = self._sandbox
        match path:
            case records.EVENTS_PATH | records.SEARCH_PATH:
                return self._records(request, path, query)
            case routes.LEADS_PATH:
                return await _stream(request, "leads", sandbox.lead_lines)
            case routes.FEEDBACK_LIST_PATH:
                return await _stream(request, "feedback", sandbox.feedback_lines)
            case routes.REQUESTS_PATH:
                lines = (msgspec.json.encode(received) for received in sandbox.requests)
                return await _stream(request, "requests", lines)
            case routes.STATS_PATH:
                body = msgspec.json.encode(sandbox.stats)
                return web.Response(body=body, headers=_JSON)
            case _:
                return _text(404, "Not found")


async def _body(request: web.BaseRequest) -> bytes | TooLong | None:
    """Return the body if one was announced the way LeadConduit's parser looks for it."""
    headers = request.headers
    if "Content-Length" not in headers and headers.get("Transfer-Encoding") != "chunked":
        return None
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return TooLong()


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": "text/plain"})


async def _stream(
    request: web.BaseRequest, name: str, lines: Iterable[bytes]
) -> web.StreamResponse:
    """Write ``{"name":[...]}`` in pieces, so that a long list costs no second copy."""
    response = web.StreamResponse(headers=_JSON)
    await response.prepare(request)
    await response.write(b'{"%s":[' % name.encode())
    piece: list[bytes] = []
    separator = b""
    for line in lines:
        piece.append(line)
        if len(piece) == _CHUNK_ITEMS:
            await response.write(separator + b",".join(piece))
            piece, separator = [], b","
    if piece:
        await response.write(separator + b",".join(piece))
    await response.write(b"]}")
    await response.write_eof()
    return response

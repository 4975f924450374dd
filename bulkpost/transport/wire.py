"""Our own ends of aiohttp's parts: the body, the request, the connection.

Each of them exists because the stock part cannot answer one question: did the request leave, did
bytes come that nobody asked for, what came before the parser gave up.
"""

import functools
import re
from typing import Any, ClassVar, Final

import aiohttp
import anyio.lowlevel
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from multidict import CIMultiDict, istr

from bulkpost.clock import Clock
from bulkpost.faultpoint import IS_ARMED, fault_point
from bulkpost.transport.watch import ReadWatch

# aiohttp wants one; the request's own Content-Type goes before it.
_FALLBACK: Final = CIMultiDict({"Content-Type": "application/octet-stream"})
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([2-5][0-9]{2})(?: [^\r\n]*)?")
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A kept connection holds bytes that nobody asked for; nothing was written to it."""


class RepeatedError(aiohttp.ClientError):
    """aiohttp wants to send again what may have left already; nothing was written to it again."""


class Body(aiohttp.Payload):
    """A body in memory, written with the head in one go; it knows whether its request left.

    Attributes:
        sent_s: When the request left, monotonic; None if it cannot have left.
        connection: The connection that it left on.
    """

    _autoclose = True

    def __init__(self, value: bytes, clock: Clock, watch: ReadWatch) -> None:
        # Not the parent's: a body is made per lead, and its headers are the request's.
        self._value = value
        self._size = len(value)
        self._headers = _FALLBACK
        self.clock = clock
        self.watch = watch
        self.sent_s: float | None = None
        self.connection: ResponseHandler | None = None

    def leave(self) -> None:
        """Note that bytes may be on the wire from now on."""
        if self.sent_s is None:
            self.sent_s = self.clock.now_s()

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it: what aiohttp calls when it sends the request."""
        self.leave()
        await writer.write(self._value)
        if IS_ARMED:
            await anyio.lowlevel.checkpoint()  # uvloop writes at the end of a turn
            fault_point("sent")

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return it as text; aiohttp's interface asks for this and never calls it."""
        return bytes(self._value).decode(encoding, errors)


class PlainRequest(aiohttp.ClientRequest):
    """A request without headers of aiohttp's own, on a connection without leftovers."""

    DEFAULT_HEADERS: ClassVar[dict[istr, str]] = {}  # type: ignore[misc]  # constant there too

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write to a connection: what aiohttp calls once it has one."""
        body = self.body
        assert isinstance(body, Body), type(body)
        if body.sent_s is not None:
            raise RepeatedError
        if conn.protocol is None or conn.protocol.should_close:
            raise StaleConnectionError
        body.leave()
        body.connection = conn.protocol
        body.watch.begin(conn.protocol)
        if isinstance(conn.protocol, Handler):
            conn.protocol.last_bytes = b""
        return await super().send(conn)


class Handler(ResponseHandler):
    """A connection that remembers the bytes that came last."""

    last_bytes = b""

    def data_received(self, data: bytes) -> None:
        """Take what came: what the event loop calls."""
        if data:
            self.last_bytes = data
        super().data_received(data)


class Connector(aiohttp.TCPConnector):
    """A pool of such connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: Any = functools.partial(Handler, loop=self._loop)


def overlong_reply(
    connection: ResponseHandler | None,
) -> tuple[int, tuple[tuple[str, str], ...], bytes] | None:
    """Return (status, headers, body) of a reply whose body is longer than its Content-Length.

    aiohttp drops such a reply whole if it came in one piece, and with it the lead id. LeadConduit
    counts characters where HTTP counts bytes, so that a reason with an accent makes one. Anything
    else is None.
    """
    data = connection.last_bytes if isinstance(connection, Handler) else b""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    pairs = [line.partition(b":") for line in lines]
    lengths = [value.strip() for name, _, value in pairs if name.lower() == b"content-length"]
    if status is None or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return None
    if len(body) <= int(lengths[0]):
        return None
    headers = tuple((str(n, "latin-1"), str(v.strip(), "latin-1")) for n, _, v in pairs)
    return int(status[1]), headers, body

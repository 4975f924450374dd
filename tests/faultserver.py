"""A server that misbehaves on order: raw sockets on loopback, scripted step by step.

A *script* is a list of steps for one connection. ``fault_server(first, second, ...)`` plays one
script per connection, the last one again and again. Every request that arrived, wholly or in part,
is in ``server.requests``: tests judge by what the server saw.

    async with fault_server(hang_up_after_request()) as server:
        ...
    assert 1 == len(server.requests)
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, SO_LINGER, SO_RCVBUF, SOL_SOCKET, socket

import anyio

REQUEST_BYTES_MAX = 64 * 1024 * 1024
JSON = (("Content-Type", "application/json"),)


@dataclass(slots=True)
class ReceivedRequest:
    """One request as it came over the wire.

    Attributes:
        connection: On which connection it came; the first is 1.
        is_complete: Whether all of its body came.
    """

    connection: int
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_complete: bool = False


@dataclass(slots=True)
class Peer:
    """The server's end of one connection, as a step sees it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "FaultServer"

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_request(self) -> ReceivedRequest | None:
        """Read one request and note it; None if the client closed before a new one began."""
        head = await self._read_head()
        if not head:
            return None
        request = _parsed(self.number, head)
        self.server.requests.append(request)
        missing = int(request.headers.get("content-length", "0"))
        while missing and (chunk := await self.reader.read(missing)):
            request.body += chunk
            missing -= len(chunk)
        request.is_complete = not missing
        return request

    async def _read_head(self) -> bytes:
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as cut:
            return cut.partial

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Step = Callable[[Peer], Awaitable[None]]
Script = list[Step]


class HungUp(Exception):  # noqa: N818  # an ending, not an error
    """The script ends this connection here."""


@dataclass(slots=True)
class FaultServer:
    """A running server and what it saw.

    Attributes:
        url: Where it listens: ``http://127.0.0.1:PORT``.
        requests: Everything that came, in the order in which the heads came.
        connections: How many connections were accepted.
        released: Set it to let every step that hangs go on.
        listener: What takes connections; close it to take no more.
    """

    url: str = ""
    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    listener: asyncio.Server | None = field(default=None, repr=False)

    @property
    def complete(self) -> list[ReceivedRequest]:
        """The requests that came wholly."""
        return [request for request in self.requests if request.is_complete]


@asynccontextmanager
async def fault_server(
    *scripts: Script,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[FaultServer]:
    """Serve one script per connection, in the order of the connections, the last one for ever."""
    server = FaultServer()
    tasks: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        peer = Peer(server.connections, reader, writer, server)
        try:
            for step in scripts[min(peer.number, len(scripts)) - 1]:
                await step(peer)
        except (HungUp, OSError, asyncio.CancelledError):
            pass  # an ended connection is what these scripts are about
        finally:
            writer.close()
            tasks.discard(task)

    listener = await asyncio.start_server(play, host, port, ssl=tls, limit=REQUEST_BYTES_MAX)
    server.listener = listener
    server.port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://{host}:{server.port}"
    try:
        yield server
    finally:
        listener.close()
        server.released.set()
        for task in list(tasks):
            task.cancel()
        await asyncio.wait(tasks) if tasks else None


# -- steps -----------------------------------------------------------------------------------------


async def request(peer: Peer) -> None:
    """Read one whole request; ends the connection if none comes."""
    if await peer.read_request() is None:
        raise HungUp


def part(size_bytes: int) -> Step:
    """Read so many bytes of a request and note it as incomplete."""

    async def step(peer: Peer) -> None:
        data = await peer.reader.readexactly(size_bytes)
        peer.server.requests.append(_parsed(peer.number, data.partition(b"\r\n\r\n")[0]))

    return step


def say(data: bytes) -> Step:
    """Send these bytes."""

    async def step(peer: Peer) -> None:
        await peer.write(data)

    return step


def drip(data: bytes, every_s: float) -> Step:
    """Send one byte at a time."""

    async def step(peer: Peer) -> None:
        for byte in data:
            await peer.write(bytes([byte]))
            await anyio.sleep(every_s)

    return step


def flood(chunk: bytes, times: int) -> Step:
    """Send the same bytes many times, as fast as the client takes them."""

    async def step(peer: Peer) -> None:
        for _ in range(times):
            await peer.write(chunk)

    return step


async def hang(peer: Peer) -> None:
    """Do nothing until the test sets ``server.released`` or ends."""
    await peer.server.released.wait()


async def close(_peer: Peer) -> None:
    """Close the connection in the ordinary way."""
    raise HungUp


async def reset(peer: Peer) -> None:
    """Close the connection with a RST."""
    peer.reset()
    raise HungUp


async def half_close(peer: Peer) -> None:
    """Say that nothing more will be sent; go on reading until the client closes."""
    peer.writer.write_eof()
    await peer.reader.read()


# -- ready-made scripts ----------------------------------------------------------------------------


def response(status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = JSON) -> bytes:
    """Return an HTTP/1.1 answer with a right Content-Length."""
    head = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def answer(status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = JSON) -> Script:
    """Answer every request of the connection alike and keep it open."""
    return [_for_ever(request, say(response(status, body, headers)))]


def answers(*replies: bytes) -> Script:
    """Answer the requests of one connection in turn, then close."""
    return [step for reply in replies for step in (request, say(reply))]


def raw_answer(data: bytes) -> Script:
    """Read one request, send these bytes, close."""
    return [request, say(data), close]


def hang_up_after_accept() -> Script:
    """Close as soon as the client has connected."""
    return [close]


def hang_up_after_request() -> Script:
    """Take the whole request, then close without a word."""
    return [request, close]


def reset_after_request() -> Script:
    """Take the whole request, then RST."""
    return [request, reset]


def reset_during_request(after_bytes: int = 1024) -> Script:
    """Take a part of the request, then RST."""
    return [part(after_bytes), reset]


def silence() -> Script:
    """Take the whole request and never answer."""
    return [request, hang]


def hang_in_body(data: bytes) -> Script:
    """Take the request, send the beginning of an answer, never finish it."""
    return [request, say(data), hang]


# -- beside the server -----------------------------------------------------------------------------


def closed_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


@asynccontextmanager
async def full_backlog(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Yield a port whose queue of connections is full, so that connecting to it hangs."""
    family = AF_INET6 if ":" in host else AF_INET
    with socket(family) as listener:
        listener.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        listener.bind((host, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket(family) for _ in range(4)]
        try:
            for filler in fillers:
                filler.settimeout(0)
                filler.connect_ex((host, port))
            yield port
        finally:
            for filler in fillers:
                filler.close()


def _for_ever(*steps: Step) -> Step:
    async def step(peer: Peer) -> None:
        while True:
            for each in steps:
                await each(peer)

    return step


def _parsed(connection: int, head: bytes) -> ReceivedRequest:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path = [*first.split(" "), "", ""][:2]
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return ReceivedRequest(connection, method, path, headers)

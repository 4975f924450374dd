"""Delivers an answer, whole or broken on order.

Broken answers are written to the transport directly: aiohttp would not send a wrong length.
"""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bulkpost.clock import Clock
from bulkpost.sandbox.answer import SOURCE_DISABLED, Answer
from bulkpost.sandbox.faults import Fault, Wire
from bulkpost.sandbox.settings import SandboxSettings

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time
_GARBAGE: Final = b'<html><body>\x00\xff{"outcome": "succ'
_ODD: Final = b'{"outcome":null,"lead":[],"price":"0"}'
_CUT_BYTES: Final = 12  # inside the outcome: neither it nor the lead id arrives
_ELSEWHERE: Final = "https://elsewhere.invalid/"  # where a 3xx fault points; it cannot exist


class Wires:
    """Sends answers as settings and faults want them."""

    def __init__(self, settings: SandboxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def deliver(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Answer a request; returns when nothing more will be sent."""
        if answer.latency_s > 0:
            await self._clock.sleep(answer.latency_s)
        if answer.fault is None:
            return self._whole(answer)
        return await self._broken(request, answer, answer.fault)

    def _whole(self, answer: Answer) -> web.Response:
        headers, body = answer.headers, answer.body
        if answer.counts_characters:
            body = body[: len(body.decode("utf-8").encode("utf-16-le")) // 2]  # JavaScript's count
        return web.Response(status=answer.status, headers=headers, body=body)

    async def _broken(
        self, request: web.BaseRequest, answer: Answer, fault: Fault
    ) -> web.StreamResponse:
        transport = request.transport
        if fault.wire in _WHOLE:
            return _in_place_of(answer, fault)
        if transport is None or transport.is_closing():
            return web.Response()
        match fault.wire:
            case Wire.HANG:
                await asyncio.get_running_loop().create_future()
            case Wire.RESET:
                _reset(transport)
            case Wire.CUT:
                transport.write(_head(answer, len(answer.body)) + answer.body[:_CUT_BYTES])
            case Wire.CUT_LATE:
                transport.write(_head(answer, len(answer.body)) + answer.body[:-1])
            case Wire.DRIP:
                await self._drip(transport, _head(answer, len(answer.body)) + answer.body)
            case _:
                pass
        transport.close()
        # The connection is closing: aiohttp finds that this cannot be sent, and lets it be.
        return web.Response()

    async def _drip(self, transport: asyncio.Transport, data: bytes) -> None:
        for at in range(len(data)):
            if transport.is_closing():
                return
            transport.write(data[at : at + 1])
            await self._clock.sleep(self._settings.drip_interval_s)


_WHOLE: Final = frozenset(
    {Wire.STATUS, Wire.DISABLED, Wire.GARBAGE, Wire.EMPTY, Wire.ODD, Wire.MISLABELLED}
)


def _in_place_of(answer: Answer, fault: Fault) -> web.Response:
    """Return a whole response that says something else."""
    assert fault.status is not None
    content_type, body = _wrong_body(answer, fault)
    headers = {"Content-Type": content_type}
    if fault.retry_after is not None:
        headers["Retry-After"] = fault.retry_after
    if 300 <= fault.status < 400:
        headers["Location"] = _ELSEWHERE
    return web.Response(status=fault.status, headers=headers, body=body)


def _wrong_body(answer: Answer, fault: Fault) -> tuple[str, bytes]:
    assert fault.status is not None
    match fault.wire:
        case Wire.DISABLED:
            return "application/json", SOURCE_DISABLED
        case Wire.GARBAGE:
            return answer.headers["Content-Type"], _GARBAGE
        case Wire.EMPTY:
            return answer.headers["Content-Type"], b""
        case Wire.ODD:
            return answer.headers["Content-Type"], _ODD
        case Wire.MISLABELLED:
            return "text/html", answer.body
        case _:
            title = f"{fault.status} {_phrase(fault.status)}".strip()
            page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
            return "text/html", page.encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _head(answer: Answer, length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        f"Content-Length: {length}",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()

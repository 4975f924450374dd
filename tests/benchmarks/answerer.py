"""A server as small as can be: reads requests, answers each after a delay, notes when it came.

Run as a child: ``python answerer.py DELAY_S TIMES_FILE PORT``. The first line of its output is
its port (any free one for 0); on SIGTERM it writes the arrival times (monotonic seconds, 8-byte
floats) and ends.
"""

import asyncio
import signal
import sys
import time
from array import array
from pathlib import Path
from typing import cast

import uvloop

_BODY = b'{"outcome":"success","lead":{"id":"5fd2a9d26e7f5a3b1c8e4d70"},"price":0}'
ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(_BODY)).encode()
    + b"\r\n\r\n"
    + _BODY
)
_LENGTH = b"content-length:"


class Answerer(asyncio.Protocol):
    """One connection."""

    def __init__(self, delay_s: float, arrivals_s: "array[float]") -> None:
        self._delay_s = delay_s
        self._arrivals_s = arrivals_s
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._buffer += data
        while (end := _request_end(self._buffer)) is not None:
            self._buffer = self._buffer[end:]
            self._arrivals_s.append(time.monotonic())
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(ANSWER)


def _request_end(data: bytes) -> int | None:
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = data[:head_end].lower()
    start = head.find(_LENGTH)
    length = 0 if start < 0 else int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
    end = head_end + 4 + length
    return end if len(data) >= end else None


async def serve(delay_s: float, times: Path, port: int) -> None:
    """Answer until SIGTERM."""
    arrivals_s = array("d")
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Answerer(delay_s, arrivals_s), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # for the parent
    await stopped.wait()
    times.write_bytes(arrivals_s.tobytes())  # noqa: ASYNC240  # nobody is served any more


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))

"""Our own ends of aiohttp's parts: where requests go, what they look like, the connection.

aiohttp's pool, its TLS and its parser carry every request; its session does not, for two reasons.
It cannot answer what counts here: did the request leave, did bytes come that nobody asked for, what
came before the parser gave up. And it costs twice of what all of them cost together.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

from bulkpost import __version__
from bulkpost.exchange import Request

USER_AGENT: Final = f"bulkpost/{__version__}"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([2-5][0-9]{2})(?: [^\r\n]*)?")
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A kept connection is closed or holds bytes that nobody asked for; nothing was written."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests of one URL go.

    Attributes:
        url: The URL.
        anchor: What aiohttp's pool asks about a connection: host, TLS, proxy. Never sent itself.
        target: What stands in the request line.
        host: The Host header.
    """

    url: URL
    anchor: aiohttp.ClientRequest
    target: str
    host: str

    @classmethod
    def to(cls, address: str, *, trust_env: bool) -> Self:
        """Return the route to a URL, by way of the environment's proxy if it is to be trusted."""
        url = URL(address, encoded=True)
        proxy, proxy_auth = _proxy(url) if trust_env else (None, None)
        anchor = aiohttp.ClientRequest("POST", url, proxy=proxy, proxy_auth=proxy_auth)
        # Through TLS the proxy carries a tunnel; without, it reads the request line itself.
        is_read_by_proxy = proxy is not None and not anchor.is_ssl()
        target = str(url) if is_read_by_proxy else url.raw_path_qs
        return cls(url, anchor, target, anchor.headers["Host"])

    def message(self, request: Request) -> bytes:
        """Return a request as it goes over the wire.

        Raises:
            ValueError: A line break or a NUL stands in the URL or in a header.
        """
        lines = [
            f"{request.method} {self.target} HTTP/1.1",
            f"Host: {self.host}",
            *_header_lines(request.headers, len(request.body)),
        ]
        head = "\r\n".join(lines)
        breaks = len(lines) - 1
        if (head.count("\r"), head.count("\n"), head.count("\0")) != (breaks, breaks, 0):
            raise ValueError("a header holds a line break")
        return head.encode() + b"\r\n\r\n" + request.body


def _header_lines(headers: Mapping[str, str], body_bytes: int) -> list[str]:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    given = {name.lower() for name in headers}
    if "content-length" not in given:
        lines.append(f"Content-Length: {body_bytes}")
    if "user-agent" not in given:
        lines.append(f"User-Agent: {USER_AGENT}")
    return lines


def _proxy(url: URL) -> tuple[URL | None, aiohttp.BasicAuth | None]:
    try:
        return get_env_proxy_for_url(url)
    except LookupError:
        return None, None


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

"""One request and its reply, as values: what a transport carries and an endpoint reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkpost.secret import Secret


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: GET or POST.
        url: Where to; no personal data.
        headers: All of them but User-Agent, Host and Authorization.
        body: Personal data, never shown in a repr.
        query: Added to the URL when it is sent: personal data, never shown in a repr.
        field_names: Names of what is sent, in their order.
        authorization: Value of the Authorization header; None sends none.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    query: str = field(default="", repr=False)
    field_names: tuple[str, ...] = ()
    authorization: Secret | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, whatever its status.

    Attributes:
        status: The HTTP status code.
        headers: (name, value) in the order received; names in the server's own case.
        body: At most ``reply_bytes_max`` bytes of it; may echo personal data.
        cut: Why the body is not whole ("connection lost", "longer than 1048576 bytes", ...);
            None if it is whole.
        latency_s: From the moment the request left to the last byte read.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    cut: str | None = None
    latency_s: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

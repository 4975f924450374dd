"""What LeadConduit's support asks for, without anybody's data.

Reference: "Generic POST Instructions for LeadConduit": any other 4xx or 5xx is to be reported with
the full HTTP request (method, URL, parameters).
"""

from urllib.parse import parse_qsl, urlsplit, urlunsplit

from bulkpost.exchange import Reply, Request
from bulkpost.redact import scrub

_EXCERPT_CHARS_MAX = 2_000
_EXCERPT_BYTES_MAX = 32_768
_HEADERS_MAX = 100
_SECRET_HEADERS = frozenset(
    {"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "authentication-info"}
)
_HIDDEN = "…"
# The ledger has the time of each answer, and replies that differ in nothing else are stored once.
_LEFT_OUT_HEADERS = _SECRET_HEADERS | {"date"}

# The request and its reply, each as one JSON object.
Evidence = tuple[dict[str, object], dict[str, object]]


def evidence_of(request: Request, reply: Reply, own: tuple[tuple[str, str], ...]) -> Evidence:
    """Return one exchange as JSON values, the request and the reply: names of fields, no values.

    Args:
        request: What was sent.
        reply: What came.
        own: The (field name, text) pairs that were sent, to take them out of what came.
    """
    body = reply.body[:_EXCERPT_BYTES_MAX].decode("utf-8", "replace")
    is_cut = reply.cut is not None or len(reply.body) > _EXCERPT_BYTES_MAX
    asked: dict[str, object] = {
        "method": request.method,
        # What a POST has in its URL beside a body is no lead's: it names what the body is about.
        "url": _without_values(
            f"{request.url}?{request.query}" if request.body and request.query else request.url
        ),
        "request_headers": _headers(request),
        # A list without a header has somebody's data for field names.
        "fields": [scrub(name) for name in request.field_names],
    }
    came: dict[str, object] = {
        "status": reply.status,
        "reply_headers": [
            [scrub(name, own), scrub(value, own)]
            for name, value in reply.headers[:_HEADERS_MAX]
            if name.lower() not in _LEFT_OUT_HEADERS
        ],
        "reply_body": scrub(body, own, chars_max=_EXCERPT_CHARS_MAX, is_cut=is_cut),
        "reply_cut": reply.cut,
    }
    return asked, came


def _headers(request: Request) -> dict[str, str]:
    """Return the headers as sent; of a credential, only that there was one."""
    shown = {
        name: _HIDDEN if name.lower() in _SECRET_HEADERS else value
        for name, value in request.headers.items()
    }
    return shown if request.authorization is None else {**shown, "Authorization": _HIDDEN}


def _without_values(url: str) -> str:
    parts = urlsplit(url)
    names = [scrub(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return urlunsplit(parts._replace(query="&".join(f"{name}=…" for name in names)))

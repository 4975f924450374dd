"""The checks of a request in LeadConduit's order: a lead comes out, or a refusal.

The order observed: method, ``Accept``, ``redir_url``, ``Content-Type``, body, then the query is
laid over the body and TrustedForm's names are made one.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from bulkpost.sandbox.form import parse_form, parse_query
from bulkpost.sandbox.json_body import parse_json
from bulkpost.sandbox.negotiate import FORM, JSON, media_type
from bulkpost.sandbox.xml_body import parse_xml

_METHODS: Final = frozenset({"GET", "POST"})
_CERT_NAME: Final = "trustedform_cert_url"
_CERT_NAMES: Final = frozenset({"xxtrustedformcerturl"})
_PING_NAMES: Final = frozenset({"trustedform_ping_url", "xxtrustedformpingurl"})
_REDIRECT = re.compile(r"https?://[^\s/?#\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*", re.IGNORECASE)
_NO_ACCEPT: Final = "Not capable of generating content according to the Accept header"
_NO_CONTENT_TYPE: Final = "Content-Type header is required"
_BAD_CONTENT_TYPE: Final = (
    "MIME type in Content-Type header is not supported. "
    "Use only application/x-www-form-urlencoded, application/json, application/xml, text/xml."
)


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands for a body that was not read to its end."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as it came.

    Attributes:
        method: In whatever case.
        query: What follows the question mark, undecoded.
        accept: Empty if the header is absent.
        content_type: Empty if the header is absent.
        body: None if neither ``Content-Length`` nor ``Transfer-Encoding: chunked`` announced one.
        is_ping: Asked for a bid only.
    """

    method: str
    query: str = field(repr=False)
    accept: str
    content_type: str
    body: bytes | TooLong | None = field(repr=False)
    is_ping: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is no lead; answered as plain text."""

    status: int
    text: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """A lead and how to answer.

    Attributes:
        fields: Usually a mapping; JSON may bring any value and XML a text.
        reply_type: The media type of the answer.
        redirect_to: Where ``redir_url`` sends the person, or None.
    """

    fields: Any = field(repr=False)
    reply_type: str
    redirect_to: str | None = field(default=None, repr=False)


def read_submission(incoming: Incoming) -> Submission | Refusal:
    """Check a request and read its lead."""
    method = incoming.method.upper()
    if method not in _METHODS:
        return Refusal(405, f"The {method} method is not allowed", (("Allow", "GET, POST"),))
    reply_type = media_type(incoming.accept) if incoming.accept else JSON
    if reply_type is None:
        return Refusal(406, _NO_ACCEPT)
    query = parse_query(incoming.query) if incoming.query else {}
    redirect_to = _redirect(query)
    if redirect_to is not None and not _REDIRECT.fullmatch(redirect_to):
        return Refusal(400, "Invalid redir_url")
    body = _read_body(incoming) if method == "POST" else {}
    if isinstance(body, Refusal):
        return body
    return Submission(_merged(body, query, is_ping=incoming.is_ping), reply_type, redirect_to)


def _redirect(query: dict[str, Any]) -> str | None:
    value = query.get("redir_url")
    return value[0] if isinstance(value, list) else value


def _read_body(incoming: Incoming) -> Any:
    """Return what the body says, or why it cannot be read."""
    if incoming.body is None:
        return {}
    if isinstance(incoming.body, TooLong):
        return Refusal(413, "The body is too long")
    if not incoming.content_type:
        return Refusal(415, _NO_CONTENT_TYPE)
    content_type = media_type(incoming.content_type)
    if content_type is None:
        return Refusal(406, _BAD_CONTENT_TYPE)
    text = incoming.body.decode("utf-8", "replace").strip("\ufeff \t\r\n\v\f\xa0")
    return _parsed(text, content_type) if text else {}


def _parsed(text: str, content_type: str) -> Any:
    if content_type == FORM:
        return parse_form(text)
    try:
        return parse_json(text) if content_type == JSON else parse_xml(text)
    except ValueError as error:
        return Refusal(400, str(error))


def _merged(body: Any, query: dict[str, Any], *, is_ping: bool) -> Any:
    """Lay the query over the body; a body that is no mapping keeps the query out."""
    if not isinstance(body, dict):
        return body
    if query:
        # Observed: the query's certificate is renamed first, so that the body's one wins.
        body = body | _with_one_certificate(query, is_ping=is_ping)
    return _with_one_certificate(body, is_ping=is_ping)


def _with_one_certificate(fields: dict[str, Any], *, is_ping: bool) -> dict[str, Any]:
    """Give TrustedForm's certificate its one name; a ping's certificate counts on a ping only."""
    if not any("trustedform" in name.lower() for name in fields):
        return fields
    kept = dict(fields)
    certificate = _popped(kept, _CERT_NAMES)
    ping_certificate = _popped(kept, _PING_NAMES)
    if is_ping and ping_certificate is not None:
        certificate = ping_certificate
    return kept if certificate is None else kept | {_CERT_NAME: certificate}


def _popped(fields: dict[str, Any], lower_names: frozenset[str]) -> Any:
    """Take out every field of these names, in any case, and return the last one's value."""
    found = [name for name in fields if name.lower() in lower_names]
    values = [fields.pop(name) for name in found]
    return values[-1] if values else None

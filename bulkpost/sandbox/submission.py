"""The checks of a request in LeadConduit's order: a lead comes out, or a refusal.

The order observed: method, ``Accept``, ``redir_url``, ``Content-Type``, body, then the query is
laid over the body and TrustedForm's names are made one.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from bulkpost.sandbox.form import parse_query
from bulkpost.sandbox.incoming import (
    Incoming,
    Refusal,
    read_body,
    refused_method,
    reply_type_of,
)
from bulkpost.sandbox.json_body import parse_json

_CERT_NAME: Final = "trustedform_cert_url"
_CERT_NAMES: Final = frozenset({"xxtrustedformcerturl"})
_PING_NAMES: Final = frozenset({"trustedform_ping_url", "xxtrustedformpingurl"})
_REDIRECT = re.compile(r"https?://[^\s/?#\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*", re.IGNORECASE)


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
    refusal = refused_method(incoming, 405)
    if refusal is not None:
        return refusal
    reply_type = reply_type_of(incoming)
    if isinstance(reply_type, Refusal):
        return reply_type
    query = parse_query(incoming.query) if incoming.query else {}
    redirect_to = _redirect(query)
    if redirect_to is not None and not _REDIRECT.fullmatch(redirect_to):
        return Refusal(400, "Invalid redir_url")
    body = read_body(incoming, parse_json)
    if isinstance(body, Refusal):
        return body
    return Submission(_merged(body, query, is_ping=incoming.is_ping), reply_type, redirect_to)


def _redirect(query: dict[str, Any]) -> str | None:
    value = query.get("redir_url")
    return value[0] if isinstance(value, list) else value


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

"""The questions that LeadConduit's API answers, as requests. Nothing of a lead is in them."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from bulkpost.exchange import Request
from bulkpost.secret import Secret

EVENTS_MAX: Final = 1_000
HITS_MAX: Final = 100
# What is asked for of an event: not its request, which holds the lead as it was sent.
_INCLUDED: Final = ("id", "type", "outcome", "reason", "vars", "response", "purchase_price")
_USER: Final = "API"  # LeadConduit looks at the password alone

Rule = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Access:
    """Whom to ask, and with what key.

    Attributes:
        origin: Scheme, host and port; checked.
        key: The account's API key; None asks without one.
    """

    origin: str
    key: Secret | None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events are wanted.

    Attributes:
        rules: (variable, text) pairs that source events must have; none for events of any kind.
        start_at: Created at or after this time; None for any.
        end_at: Created at or before this time; None for any.
    """

    rules: tuple[Rule, ...]
    start_at: datetime | None = None
    end_at: datetime | None = None


def basic_authorization(key: Secret, user: str = _USER) -> Secret:
    """Return the value of the ``Authorization`` header for a key."""
    return Secret("Basic " + b64encode(f"{user}:{key.reveal()}".encode()).decode("ascii"))


def events_request(
    access: Access, query: EventQuery, *, limit: int, after_id: str | None = None
) -> Request:
    """Ask for events, oldest first.

    Args:
        access: Whom to ask.
        query: Which ones.
        limit: At most so many; 1,000 is LeadConduit's own limit.
        after_id: Only those that were created after this event.
    """
    params: list[tuple[str, str]] = []
    if query.rules:
        rules = [("type", "source"), *query.rules]
        told = [{"lhv": name, "op": "is equal to", "rhv": text} for name, text in rules]
        params.append(("rules", json.dumps(told, separators=(",", ":"))))
    if query.start_at is not None:
        params.append(("start", _timestamp(query.start_at)))
    if query.end_at is not None:
        params.append(("end", _timestamp(query.end_at)))
    params += [("include", name) for name in _INCLUDED]
    params += [("sort", "asc"), ("limit", str(min(limit, EVENTS_MAX)))]
    if after_id is not None:
        params.append(("after_id", after_id))
    return _get(access, "/events", params)


def search_request(access: Access, text: str, *, limit: int = HITS_MAX) -> Request:
    """Ask for the leads in which an exact phrase stands, by full-text search."""
    params = [("query", f'"{text}"'), ("from", "0"), ("limit", str(min(limit, HITS_MAX)))]
    return _get(access, "/search/leads", params)


def meta_request(access: Access, flow_id: str, source_id: str) -> Request:
    """Ask what a flow wants of a source: fields, types, acceptance criteria."""
    return _get(access, f"/flows/{flow_id}/sources/{source_id}/meta", [])


def _get(access: Access, path: str, params: Sequence[tuple[str, str]]) -> Request:
    return Request(
        "GET",
        access.origin + path,
        {"Accept": "application/json"},
        b"",
        urlencode(params, quote_via=quote),
        authorization=None if access.key is None else basic_authorization(access.key),
    )


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

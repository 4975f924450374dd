"""LeadConduit's API for the owner of a flow: the events of leads, and the search for leads.

Reference: LeadConduit API 1.0.1 (OpenAPI), ``GET /events`` and ``GET /search/leads``.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import msgspec

from bulkpost.clock import Clock
from bulkpost.sandbox.answer import Answer
from bulkpost.sandbox.events import Rules, events_of, fields_of, is_selected, only, texts_of
from bulkpost.sandbox.flow.door import has_key
from bulkpost.sandbox.store import Store, TakenLead

EVENTS_PATH: Final = "/events"
SEARCH_PATH: Final = "/search/leads"
_EVENTS_MAX: Final = 1_000
_EVENTS_DEFAULT: Final = 100
_HITS_MAX: Final = 100
_HITS_DEFAULT: Final = 10
_HITS_OVERALL_MAX: Final = 1_000
_PARAMS_MAX: Final = 1_000
_ID = re.compile(r"[0-9a-fA-F]{24}")
_TERM = re.compile(r'"([^"]*)"|(\S+)')
_SORTED_BY: Final = frozenset(
    {"lead_id", "submission_timestamp", "first_name", "last_name", "email", "phone_1", "phone_2",
     "address_1", "city", "state", "postal_code", "reference"}
)  # fmt: skip
_SHOWN: Final = tuple(sorted(_SORTED_BY - {"lead_id", "submission_timestamp"}))
_DIRECTIONS: Final = frozenset({"asc", "desc"})
_JSON: Final = {"Content-Type": "application/json"}
_CHALLENGE: Final = {**_JSON, "WWW-Authenticate": 'Basic realm="LeadConduit"'}
_Params = Mapping[str, list[str]]


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may ask about leads, and how soon and how long they are found.

    Attributes:
        key: The password that must be given, under any user name; None asks for none.
        lag_s: A lead is found only so long after it came, in seconds.
        event_days_max: Events live that long.
    """

    key: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    lag_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    event_days_max: Annotated[float, msgspec.Meta(ge=0, le=36_500)] = 90.0

    def __repr__(self) -> str:
        """Tell no key."""
        return f"ApiSettings(lag_s={self.lag_s!r}, event_days_max={self.event_days_max!r})"


class _WrongError(ValueError):
    """A parameter is not as it must be."""


class RecordsDesk:
    """Answers questions about the leads in a store; changes nothing."""

    def __init__(self, settings: ApiSettings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    def answer(self, path: str, query: str, authorization: str) -> Answer:
        """Answer one question.

        Args:
            path: ``EVENTS_PATH`` or ``SEARCH_PATH``.
            query: What follows the question mark, undecoded.
            authorization: The header; empty if it is absent.
        """
        settings = self._settings
        if settings.key is not None and not has_key(settings.key, authorization):
            return Answer(401, dict(_CHALLENGE), b'{"error":"not authorized"}')
        try:
            params = parse_qs(query, keep_blank_values=True, max_num_fields=_PARAMS_MAX)
            told = self._events(params) if path == EVENTS_PATH else self._hits(params)
        except ValueError as error:
            # msgspec's and ours name a parameter; others could quote one.
            is_ours = isinstance(error, (_WrongError, msgspec.MsgspecError))
            text = str(error) if is_ours else "a parameter cannot be read"
            return Answer(400, dict(_JSON), msgspec.json.encode({"error": text}))
        return Answer(200, dict(_JSON), msgspec.json.encode(told))

    def _events(self, params: _Params) -> list[Any]:
        include, exclude = params.get("include", []), params.get("exclude", [])
        if include and exclude:
            raise _WrongError("include cannot be used with exclude")
        rules = msgspec.json.decode(_one(params, "rules", "[]"), type=Rules)
        limit = _number(params, "limit", _EVENTS_DEFAULT, 1, _EVENTS_MAX)
        after, before = _event_id(params, "after_id", ""), _event_id(params, "before_id", "g")
        is_ascending = _choice(params, "sort", "desc") == "asc"
        found = []
        for lead in self._leads(params, is_ascending=is_ascending):
            events = events_of(lead, self._store.source_event_id(lead.id))
            for event in events if is_ascending else reversed(events):
                if after < event["id"] < before and is_selected(event, rules):
                    found.append(only(event, include, exclude))
                    if len(found) == limit:
                        return found
        return found

    def _leads(self, params: _Params, *, is_ascending: bool = True) -> Iterator[TakenLead]:
        """Yield the leads that have events, by the time at which they came."""
        now_at, settings = self._clock.now_at(), self._settings
        oldest_at = max(
            now_at - timedelta(days=settings.event_days_max),
            _moment(params, "start", datetime.min.replace(tzinfo=UTC)),
        )
        newest_at = min(
            now_at - timedelta(seconds=settings.lag_s),
            _moment(params, "end", datetime.max.replace(tzinfo=UTC)),
        )
        for lead in self._store.each_lead(is_ascending=is_ascending):
            if oldest_at <= datetime.fromisoformat(lead.received_at) <= newest_at:
                yield lead

    def _hits(self, params: _Params) -> dict[str, Any]:
        wanted = [
            (phrase or word).casefold() for phrase, word in _TERM.findall(_one(params, "query", ""))
        ]
        limit = _number(params, "limit", _HITS_DEFAULT, 1, _HITS_MAX)
        first = _number(params, "from", 0, 0, _HITS_OVERALL_MAX)
        sort_by = _one(params, "sort_by", "")
        if sort_by and sort_by not in _SORTED_BY:
            raise _WrongError("sort_by is no field that leads can be sorted by")
        is_descending = _choice(params, "sort_dir", "desc") == "desc"
        newest_at = self._clock.now_at() - timedelta(seconds=self._settings.lag_s)
        hits = [
            self._hit(lead)
            for lead in self._store.each_lead(is_ascending=False)
            if wanted
            and datetime.fromisoformat(lead.received_at) <= newest_at
            and _has_all(lead, wanted)
        ]
        if sort_by:
            hits.sort(key=lambda hit: str(hit.get(sort_by, "")), reverse=is_descending)
        end = min(first + limit, _HITS_OVERALL_MAX)
        return {"total": len(hits), "hits": hits[first:end]}

    def _hit(self, lead: TakenLead) -> dict[str, Any]:
        fields = fields_of(lead)
        latest = events_of(lead, self._store.source_event_id(lead.id))[-1]
        shown = {name: texts_of(fields[name]) for name in _SHOWN if name in fields}
        return {
            "lead_id": lead.id,
            "flow_id": lead.flow_id,
            "flow_name": "Sandbox flow",
            "source_id": lead.source_id,
            "source_name": "Sandbox source",
            "submission_timestamp": lead.received_at,
            **{name: texts[0] for name, texts in shown.items() if texts},
            "highlight": {},
            "latest_event": latest,
        }


def _has_all(lead: TakenLead, wanted: list[str]) -> bool:
    """Whether each text stands in the lead, from the beginning of a word on."""
    texts = [text.casefold() for text in (lead.id, *texts_of(fields_of(lead)))]
    return all(any(_begins_in(text, term) for text in texts) for term in wanted)


def _begins_in(text: str, term: str) -> bool:
    at = text.find(term)
    while at > 0 and text[at - 1].isalnum():
        at = text.find(term, at + 1)
    return at >= 0


def _one(params: _Params, name: str, default: str) -> str:
    values = params.get(name, [default])
    if len(values) > 1:
        raise _WrongError(f"{name} is given once")
    return values[0]


def _number(params: _Params, name: str, default: int, least: int, most: int) -> int:
    text = _one(params, name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise _WrongError(f"{name} is a number from {least} to {most}")
    return int(text)


def _event_id(params: _Params, name: str, default: str) -> str:
    text = _one(params, name, default)
    if text != default and _ID.fullmatch(text) is None:
        raise _WrongError(f"{name} is 24 hex digits")
    return text.lower()


def _moment(params: _Params, name: str, default: datetime) -> datetime:
    text = _one(params, name, "")
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _WrongError(f"{name} is a time, like 2026-11-20T12:00:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _choice(params: _Params, name: str, default: str) -> str:
    text = _one(params, name, default)
    if text not in _DIRECTIONS:
        raise _WrongError(f"{name} is asc or desc")
    return text

"""What was received and what was taken: the judge of every test.

A lead is in the log file before it counts as taken, and it counts as taken before any fault that
comes after taking. The log is written without a buffer, so that it holds when this process dies.
"""

import os
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.errors import ConfigError
from bulkpost.fields.ssn import is_ssn_name
from bulkpost.sandbox.flow.values import FieldValue
from bulkpost.sandbox.identity import identity

_encode = msgspec.json.encode
_OBJECT_ID = re.compile(r"([0-9a-f]{8})([0-9a-f]{10})([0-9a-f]{6})")
_EVENT_ID = re.compile(r"[0-9a-fA-F]{24}")
_ID_TIME_FIRST: Final = 0x6A000000  # ObjectIds begin with a time; this one is a constant
_EVENT_TIME_FIRST: Final = 0x6B000000


@dataclass(frozen=True, slots=True)
class TakenLead:
    """One lead that was taken; a lead taken twice is two of these.

    Attributes:
        id: 24 hex digits.
        fields: The lead as parsed, nested, without the reserved fields; if the sandbox has a flow,
            without secrets.
        outcome: ``success``, ``failure`` or ``error``.
        reason: Why, or None.
        price: As answered.
        flow_id: As written in the URL.
        source_id: As written in the URL.
        received_at: RFC 3339, UTC.
        fault: The fault its answer met, or None.
        request: Number of the request that brought it; the first request is 1.
        event_id: Names its delivery to the recipient, for feedback; None if it was not accepted.
        values: What the flow's types made of its fields; absent if the sandbox has no flow.
    """

    id: str
    fields: Any = field(repr=False)
    outcome: str
    reason: str | None = field(repr=False)
    price: float
    flow_id: str
    source_id: str
    received_at: str
    fault: str | None
    request: int
    event_id: str | None = None
    values: dict[str, FieldValue] | msgspec.UnsetType = field(default=msgspec.UNSET, repr=False)


@dataclass(frozen=True, slots=True)
class TakenFeedback:
    """Feedback that was taken; the same again is another.

    Attributes:
        event_id: The event that it is about.
        lead_id: The lead that the event belongs to.
        fields: Type, reason and whatever else came.
        outcome: ``success``, ``failure`` or ``error``.
        reason: Why, or None.
        received_at: RFC 3339, UTC.
        fault: The fault its answer met, or None.
        request: Number of the request that brought it.
        kind: Tells it from a lead in the log.
    """

    event_id: str
    lead_id: str
    fields: Any = field(repr=False)
    outcome: str
    reason: str | None = field(repr=False)
    received_at: str
    fault: str | None
    request: int
    kind: str = "feedback"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request to a submission URL or with feedback, whatever became of it.

    Attributes:
        number: The first is 1.
        received_at: RFC 3339, UTC.
        method: As sent.
        kind: ``submit``, ``ping`` or ``feedback``.
        flow_id: As written in the URL; None for feedback.
        source_id: As written in the URL; None for feedback.
        taken: Whether a lead, or feedback, was taken.
        lead_id: The lead's id, or None.
        outcome: Its outcome, or None.
        fault: The fault handed out, or None.
        status: The status meant to be sent; None if the fault sends none.
    """

    number: int
    received_at: str
    method: str
    kind: str
    flow_id: str | None
    source_id: str | None
    taken: bool
    lead_id: str | None
    outcome: str | None
    fault: str | None
    status: int | None


@dataclass(slots=True)
class Stats:
    """Counts since the start.

    Attributes:
        requests: Requests to submission URLs.
        taken: Leads taken.
        outcomes: Leads taken, by outcome.
        feedback: Feedback taken, by outcome.
        statuses: Requests, by status; ``none`` where no status was sent.
        faults: Requests that met a fault, by its name.
        in_flight: Requests being answered now.
        in_flight_max: The most there ever were at once.
        first_at: When the first request came; None if none did.
        last_at: When the last request came.
        seed: Repeats the run.
    """

    seed: int
    requests: int = 0
    taken: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    feedback: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    in_flight_max: int = 0
    first_at: str | None = None
    last_at: str | None = None


def _object_id(number: int, machine: str) -> str:
    return f"{_ID_TIME_FIRST + (number >> 24):08x}{machine}{number & 0xFFFFFF:06x}"


def rfc3339(moment: datetime) -> str:
    """Return a moment as text, UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_event_id(text: str) -> bool:
    """Tell whether a text has the form of an event's id."""
    return _EVENT_ID.fullmatch(text) is not None


def without_numbers(fields: Any) -> Any:
    """Return a lead without its social security numbers: no digest may hold one."""
    if isinstance(fields, dict):
        return {
            name: without_numbers(value)
            for name, value in fields.items()
            if not is_ssn_name(str(name))
        }
    return [without_numbers(value) for value in fields] if isinstance(fields, list) else fields


class LeadLog:
    """A file that gets one JSON line for every lead, at the moment it is taken."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{path}: the lead log cannot be opened: {error.strerror}",
                advice="Name a file in a directory that exists and that you may write to.",
            ) from error

    def write(self, line: bytes) -> None:
        """Append one line.

        Raises:
            OSError: It could not be written whole.
        """
        data = line + b"\n"
        if os.write(self._file, data) != len(data):
            raise OSError("the lead log took only part of a line")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class Store:
    """Leads and requests, oldest first; at most ``keep_max`` of each."""

    def __init__(self, seed: int, keep_max: int, log: LeadLog | None = None) -> None:
        self.stats = Stats(seed)
        self._log = log
        self._keep_max = keep_max
        self._leads: deque[bytes] = deque(maxlen=keep_max)
        self._requests: deque[ReceivedRequest] = deque(maxlen=keep_max)
        self._feedback: deque[bytes] = deque(maxlen=keep_max)
        self._machine = blake2b(b"%d" % seed, digest_size=5).hexdigest()
        self._event_machine = blake2b(b"%d" % seed, digest_size=8, person=b"event").hexdigest()
        self._events: OrderedDict[str, int] = OrderedDict()  # event to the number of its lead

    @property
    def leads(self) -> tuple[TakenLead, ...]:
        """Leads taken, oldest first."""
        return tuple(msgspec.json.decode(line, type=TakenLead) for line in self._leads)

    @property
    def lead_lines(self) -> tuple[bytes, ...]:
        """The same, each as one JSON object."""
        return tuple(self._leads)

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """Requests received, oldest first."""
        return tuple(self._requests)

    @property
    def feedback_lines(self) -> tuple[bytes, ...]:
        """Feedback taken, oldest first, each as one JSON object."""
        return tuple(self._feedback)

    def next_lead_id(self) -> str:
        """Return the id of the next lead: unique, growing, the same for the same seed."""
        return _object_id(self.stats.taken + 1, self._machine)

    def event_id_of(self, fields: Any) -> str:
        """Return the id of the delivery of the next lead: growing, and never equal to a lead's.

        But for its first eight digits, which tell the time, the same lead has the same one in every
        sandbox, whatever came before it; only a lead that was delivered already gets another.
        """
        content = identity("event", without_numbers(fields))
        what = blake2b(content, digest_size=8).hexdigest()
        if what in self._events:
            what = blake2b(content + b"%d" % self.stats.taken, digest_size=8).hexdigest()
        return f"{_EVENT_TIME_FIRST + 2 * self.stats.taken:08x}{what}"

    def source_event_id(self, lead_id: str) -> str:
        """Return the id of the event with which a lead was done: it comes after its delivery."""
        match = _OBJECT_ID.fullmatch(lead_id)
        assert match is not None, "not an id of a lead"
        number = ((int(match[1], 16) - _ID_TIME_FIRST) << 24) + int(match[3], 16)
        return f"{_EVENT_TIME_FIRST + 2 * number - 1:08x}{self._event_machine}"

    def each_lead(self, *, is_ascending: bool) -> Iterator[TakenLead]:
        """Yield the leads taken, one by one; nothing may be taken meanwhile."""
        for line in self._leads if is_ascending else reversed(self._leads):
            yield msgspec.json.decode(line, type=TakenLead)

    def lead_of(self, event_id: str) -> TakenLead | None:
        """Return the lead that was delivered with an event; None if none was or it is forgotten."""
        number = self._events.get(event_id[8:].lower()) if is_event_id(event_id) else None
        if number is None:
            return None
        place = number - 1 - (self.stats.taken - len(self._leads))
        return msgspec.json.decode(self._leads[place], type=TakenLead) if place >= 0 else None

    def take(self, lead: TakenLead) -> None:
        """Take a lead.

        Raises:
            OSError: The log could not be written; the lead is not taken.
        """
        line = _encode(lead)
        if self._log is not None:
            self._log.write(line)
        self._leads.append(line)
        self.stats.taken += 1
        if lead.event_id is not None:
            self._events[lead.event_id[8:]] = self.stats.taken
            if len(self._events) > self._keep_max:
                self._events.popitem(last=False)
        self.stats.outcomes[lead.outcome] += 1

    def take_feedback(self, feedback: TakenFeedback) -> None:
        """Take feedback.

        Raises:
            OSError: The log could not be written; it is not taken.
        """
        line = _encode(feedback)
        if self._log is not None:
            self._log.write(line)
        self._feedback.append(line)
        self.stats.feedback[feedback.outcome] += 1

    def record(self, request: ReceivedRequest) -> None:
        """Count a request and what was done with it."""
        self._requests.append(request)
        stats = self.stats
        stats.requests += 1
        stats.statuses["none" if request.status is None else str(request.status)] += 1
        if request.fault is not None:
            stats.faults[request.fault] += 1
        stats.first_at = stats.first_at or request.received_at
        stats.last_at = request.received_at

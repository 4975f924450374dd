"""What was received and what was taken: the judge of every test.

A lead is in the log file before it counts as taken, and it counts as taken before any fault that
comes after taking. The log is written without a buffer, so that it holds when this process dies.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.errors import ConfigError
from bulkpost.sandbox.flow.values import FieldValue

_encode = msgspec.json.encode
_OBJECT_ID = re.compile(r"([0-9a-f]{8})([0-9a-f]{10})([0-9a-f]{6})")
_ID_TIME_FIRST: Final = 0x6A000000  # ObjectIds begin with a time; this one is a constant


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


def _number_of(match: re.Match[str]) -> int:
    """Return what ``_object_id`` was made of."""
    return ((int(match[1], 16) - _ID_TIME_FIRST) << 24) + int(match[3], 16)


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
        self._leads: deque[bytes] = deque(maxlen=keep_max)
        self._requests: deque[ReceivedRequest] = deque(maxlen=keep_max)
        self._feedback: deque[bytes] = deque(maxlen=keep_max)
        self._machine = blake2b(b"%d" % seed, digest_size=5).hexdigest()
        self._event_machine = blake2b(b"%d" % seed, digest_size=5, person=b"event").hexdigest()

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

    def next_event_id(self) -> str:
        """Return the id of the next lead's delivery; as the lead's, and never equal to one."""
        return _object_id(2 * self.stats.taken + 1, self._event_machine)

    def source_event_id(self, lead_id: str) -> str:
        """Return the id of the event with which a lead was done: its delivery's neighbour."""
        match = _OBJECT_ID.fullmatch(lead_id)
        assert match is not None, "not an id of a lead"
        return _object_id(2 * _number_of(match), self._event_machine)

    def each_lead(self, *, is_ascending: bool) -> Iterator[TakenLead]:
        """Yield the leads taken, one by one; nothing may be taken meanwhile."""
        for line in self._leads if is_ascending else reversed(self._leads):
            yield msgspec.json.decode(line, type=TakenLead)

    def lead_of(self, event_id: str) -> TakenLead | None:
        """Return the lead that was delivered with an event; None if none was or it is forgotten."""
        match = _OBJECT_ID.fullmatch(event_id.lower())
        if match is None or match[2] != self._event_machine:
            return None
        number, is_source = divmod(_number_of(match) + 1, 2)
        place = number - 1 - (self.stats.taken - len(self._leads))
        if is_source or not 0 <= place < len(self._leads):
            return None
        lead = msgspec.json.decode(self._leads[place], type=TakenLead)
        return lead if lead.event_id is not None else None

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

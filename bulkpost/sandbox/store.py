"""What was received and what was taken: the judge of every test.

A lead is in the log file before it counts as taken, and it counts as taken before any fault that
comes after taking. The log is written without a buffer, so that it holds when this process dies.
"""

import os
from collections import Counter, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.errors import ConfigError

_encode = msgspec.json.encode
_ID_TIME_FIRST: Final = 0x6A000000  # ObjectIds begin with a time; this one is a constant


@dataclass(frozen=True, slots=True)
class TakenLead:
    """One lead that was taken; a lead taken twice is two of these.

    Attributes:
        id: 24 hex digits.
        fields: The lead as parsed, nested, without the reserved fields.
        outcome: ``success``, ``failure`` or ``error``.
        reason: Why, or None.
        price: As answered.
        flow_id: As written in the URL.
        source_id: As written in the URL.
        received_at: RFC 3339, UTC.
        fault: The fault its answer met, or None.
        request: Number of the request that brought it; the first request is 1.
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


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request to a submission URL, whatever became of it.

    Attributes:
        number: The first is 1.
        received_at: RFC 3339, UTC.
        method: As sent.
        kind: ``submit`` or ``ping``.
        flow_id: As written in the URL.
        source_id: As written in the URL.
        taken: Whether a lead was taken.
        lead_id: Its id, or None.
        outcome: Its outcome, or None.
        fault: The fault handed out, or None.
        status: The status meant to be sent; None if the fault sends none.
    """

    number: int
    received_at: str
    method: str
    kind: str
    flow_id: str
    source_id: str
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
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    in_flight_max: int = 0
    first_at: str | None = None
    last_at: str | None = None


class LeadLog:
    """A file that gets one JSON line for every lead, at the moment it is taken."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
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
        self._machine = blake2b(b"%d" % seed, digest_size=5).hexdigest()

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

    def next_lead_id(self) -> str:
        """Return the id of the next lead: unique, growing, the same for the same seed."""
        number = self.stats.taken + 1
        return f"{_ID_TIME_FIRST + (number >> 24):08x}{self._machine}{number & 0xFFFFFF:06x}"

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

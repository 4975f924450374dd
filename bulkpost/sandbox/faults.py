"""The catalogue of misbehaviours, and the plan that hands them out.

Rule 1: every fault says whether the lead is taken. A name that ends in ``_after`` takes it first.
Rule 2: a share is decided by the seed, the lead's content and how often that content came, not by
the order of arrival, so that a run with many connections can be repeated.
Rule 3: bursts and ``after`` count requests in the order of arrival.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Final

import msgspec


class Wire(Enum):
    """What happens on the connection."""

    STATUS = auto()  # a whole answer with that status and the body of a proxy
    DISABLED = auto()  # 403 of a closed source
    HANG = auto()  # no answer until the client leaves
    RESET = auto()  # TCP reset instead of an answer
    CLOSE = auto()  # an orderly end of the connection instead of an answer
    CUT = auto()  # the head promises more than comes, then the connection ends
    CUT_LATE = auto()  # the same, but only the last byte is missing
    GARBAGE = auto()  # 201 and a body that is not JSON
    EMPTY = auto()  # 201 and no body
    ODD = auto()  # 201 and JSON without an outcome
    MISLABELLED = auto()  # the right answer, said to be a web page
    DRIP = auto()  # the right answer, one byte at a time


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour.

    Attributes:
        name: As ordered and as reported: ``503``, ``hang_after``.
        wire: What happens on the connection.
        takes: Whether the lead is taken first.
        status: The status sent; None if no status line is sent.
        retry_after: Value of the ``Retry-After`` header; None sends none.
    """

    name: str
    wire: Wire
    takes: bool
    status: int | None
    retry_after: str | None = None


_NAMED: Final[dict[str, tuple[Wire, bool, int | None]]] = {
    "disabled": (Wire.DISABLED, False, 403),
    "hang_before": (Wire.HANG, False, None),
    "hang_after": (Wire.HANG, True, None),
    "reset_before": (Wire.RESET, False, None),
    "reset_after": (Wire.RESET, True, None),
    "close_before": (Wire.CLOSE, False, None),
    "close_after": (Wire.CLOSE, True, None),
    "cut": (Wire.CUT, True, 201),
    "cut_late": (Wire.CUT_LATE, True, 201),
    "garbage": (Wire.GARBAGE, True, 201),
    "empty": (Wire.EMPTY, True, 201),
    "odd": (Wire.ODD, True, 201),
    "mislabelled": (Wire.MISLABELLED, True, 201),
    "drip": (Wire.DRIP, True, 201),
}
KINDS: Final = ("200 to 599", "200_after to 599_after", *_NAMED)
_STATUS = re.compile(r"([2-5]\d\d)(_after)?", re.ASCII)
_RETRY_AFTER = re.compile(r"[ -~]{1,100}")
_RULE = re.compile(r"(?P<kind>[a-z0-9_]+)(?::(?P<options>.*))?", re.ASCII)
_ORDER = re.compile(r"(?P<kind>[a-z0-9_]+?)(?:x(?P<times>\d{1,6}))?(?::(?P<options>.*))?", re.ASCII)


@lru_cache(maxsize=1024)
def fault(kind: str, retry_after: str | None = None) -> Fault:
    """Return the fault of that name.

    Raises:
        ValueError: No fault has that name, or the header value cannot be sent.
    """
    if retry_after is not None and not _RETRY_AFTER.fullmatch(retry_after):
        raise ValueError("retry_after is 1 to 100 printable ASCII characters")
    if named := _NAMED.get(kind):
        wire, takes, status = named
        return Fault(kind, wire, takes, status, retry_after)
    if match := _STATUS.fullmatch(kind):
        takes = match[2] is not None
        return Fault(kind, Wire.STATUS, takes, int(match[1]), retry_after)
    raise ValueError(f"no fault has that name; known are {', '.join(KINDS)}")


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a fault is handed out.

    With neither ``share`` nor ``burst`` every request gets it; with ``burst`` alone the first
    ``burst`` requests; with both, each hit of the share starts a burst.

    Attributes:
        kind: Name of the fault.
        share: Part of the requests, above 0 and at most 1.
        burst: Requests in a row.
        after: Requests that are left alone first.
        retry_after: Value of the ``Retry-After`` header: seconds, a date, or nonsense.
    """

    kind: str
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    burst: Annotated[int, msgspec.Meta(ge=1)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    retry_after: str | None = None

    def __post_init__(self) -> None:
        fault(self.kind, self.retry_after)


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """A fault ordered by a lead itself.

    Attributes:
        fault: What it gets.
        times: Only the first so many requests of that lead get it; None means all.
    """

    fault: Fault
    times: int | None = None


def parse_rule(text: str) -> FaultRule:
    """Read ``KIND[:OPTION,...]``, where an option is a share or ``name=value``.

    Raises:
        ValueError: The text is no rule.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError("a fault is written KIND or KIND:OPTION,OPTION")
    options = _options(match["options"])
    return msgspec.convert({"kind": match["kind"], **options}, FaultRule, strict=False)


def parse_order(text: str) -> FaultOrder:
    """Read ``KIND[xN][:retry_after=VALUE]``.

    Raises:
        ValueError: The text is no order.
    """
    match = _ORDER.fullmatch(text)
    options = _options(match["options"]) if match else {}
    if match is None or options.keys() - {"retry_after"}:
        raise ValueError("an order is written KIND, KINDxN or KIND:retry_after=VALUE")
    times = int(match["times"]) if match["times"] else None
    return FaultOrder(fault(match["kind"], options.get("retry_after")), times)


def _options(text: str | None) -> dict[str, str]:
    """Split ``0.05,burst=5``; a ``retry_after`` may hold commas and so comes last."""
    options: dict[str, str] = {}
    rest = text or ""
    while rest:
        if rest.startswith("retry_after="):
            return options | {"retry_after": rest.removeprefix("retry_after=")}
        option, _, rest = rest.partition(",")
        name, equals, value = option.partition("=")
        options |= {name: value} if equals else {"share": name}
    return options


def dice(seed: int, label: str, lead: bytes, nth: int) -> float:
    """Return a number from 0 up to, not including, 1: the same for the same arguments."""
    key = seed.to_bytes(8, "big")
    digest = blake2b(b"%d/%s/" % (nth, label.encode()) + lead, digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(slots=True)
class _Watch:
    """A rule and where it stands."""

    rule: FaultRule
    label: str
    burst_left: int = 0

    def __post_init__(self) -> None:
        if self.rule.share is None:
            self.burst_left = self.rule.burst or 0

    def hits(self, seed: int, lead: bytes, nth: int) -> bool:
        if self.burst_left:
            self.burst_left -= 1
            return True
        if self.rule.share is None:
            return self.rule.burst is None
        if dice(seed, self.label, lead, nth) >= self.rule.share:
            return False
        self.burst_left = (self.rule.burst or 1) - 1
        return True


class FaultPlan:
    """Hands out faults by rules."""

    def __init__(self, rules: Iterable[FaultRule], seed: int) -> None:
        self._watches = [_Watch(rule, f"rule-{number}") for number, rule in enumerate(rules)]
        self._seed = seed
        self._requests = 0

    def choose(self, lead: bytes, nth: int) -> Fault | None:
        """Return the fault of the next request, or None.

        Args:
            lead: Identity of its lead.
            nth: How often that lead has come, this time included.
        """
        self._requests += 1
        for watch in self._watches:
            if self._requests > watch.rule.after and watch.hits(self._seed, lead, nth):
                return fault(watch.rule.kind, watch.rule.retry_after)
        return None

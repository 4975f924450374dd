"""What the sandbox says to one request, and how, before anything of it is on the wire."""

from dataclasses import dataclass, field
from typing import Final

from bulkpost.sandbox.faults import Fault, Wire
from bulkpost.sandbox.incoming import Refusal

_TEXT: Final = "text/plain"
SOURCE_DISABLED: Final = b'{"message": "Source is disabled"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send, and how.

    Attributes:
        status: HTTP status of the answer as it would be without a fault.
        headers: Without ``Content-Length`` and ``Date``.
        body: Whole, whatever the fault makes of it.
        fault: The misbehaviour to commit, or None.
        latency_s: Wait first, in seconds.
        lead_id: Id of the lead that was taken, or that feedback was taken for; None if none was.
        outcome: Of the lead or the feedback, or None.
        counts_characters: Its ``Content-Length`` counts characters, not bytes.
    """

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    fault: Fault | None = None
    latency_s: float = 0.0
    lead_id: str | None = None
    outcome: str | None = None
    counts_characters: bool = False


def status_sent(answer: Answer) -> int | None:
    """Return the status that goes out; None if the fault sends none."""
    fault = answer.fault
    return answer.status if fault is None or fault.wire is Wire.DRIP else fault.status


def refused(refusal: Refusal) -> Answer:
    """Return the answer of a refusal, as plain text."""
    headers = {"Content-Type": _TEXT, **dict(refusal.headers)}
    return Answer(refusal.status, headers, refusal.text.encode("utf-8", "replace"))

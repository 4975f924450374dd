"""How a row ends, and what a reply asks of us next."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

MICROS_PER_UNIT = 1_000_000


class OutcomeKind(StrEnum):
    """The closed list of endings. LeadConduit's three come first; the others are ours."""

    SUCCESS = "success"  # theirs: the lead was accepted
    FAILURE = "failure"  # theirs: the lead was not accepted; the reason says why
    ERROR = "error"  # theirs: it could not be handled; the reason says why
    IN_DOUBT = "in_doubt"  # ours: may have been taken; never sent again unasked
    HTTP_ERROR = "http_error"  # ours: answered outside the protocol; held
    DEFERRED = "deferred"  # ours: surely not taken; the next run submits it
    INVALID = "invalid"  # ours: refused here; nothing was sent
    DUPLICATE = "duplicate"  # ours: already submitted; nothing was sent
    CONFLICT = "conflict"  # ours: same key as a submitted row, other content; nothing was sent


VERDICTS = frozenset({OutcomeKind.SUCCESS, OutcomeKind.FAILURE, OutcomeKind.ERROR})


class NextStep(Enum):
    """What the engine does after a reply."""

    SETTLE = auto()  # record the outcome
    RETRY = auto()  # transient (502, 503, 504): back off and send again
    STOP = (
        auto()
    )  # record it, and send nothing more to this destination: every row would fare alike
    STOP_AT_START = auto()  # like STOP until an answer was good, then like SETTLE
    SUSPECT = auto()  # record it; several in a row at the start of a run stop the destination


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row.

    Attributes:
        kind: One of the closed list.
        reason: LeadConduit's reason or ours, scrubbed (``bulkpost.redact.scrub``); None if none.
        http_status: Status of the last answer; None if there was none.
        lead_id: LeadConduit's id, 24 lower-case hex digits, whenever one is known.
        price_micros: Price in millionths of the account's currency unit; None if none was given.
    """

    kind: OutcomeKind
    reason: str | None = None
    http_status: int | None = None
    lead_id: str | None = None
    price_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and what it asks of the engine.

    Attributes:
        outcome: What the row's outcome is if nothing more is tried.
        next_step: What to do next.
        is_ambiguous: The answer came from a proxy that may already have forwarded the request
            (502, 504): a retry is allowed by LeadConduit's documentation, but counted.
        advice: What to do if the destination stops because of it; empty for what holds for leads.
    """

    outcome: Outcome
    next_step: NextStep = NextStep.SETTLE
    is_ambiguous: bool = False
    advice: str = ""

"""What LeadConduit's records say about a row, and what follows from it. Pure.

    found                                        follows
    events of the lead, by reference or lead id  a fact: outcome, reason, price, lead id
    a lead, and no event that tells its outcome  by hand: LeadConduit has it
    nothing, the last attempt is too young       ask again later
    nothing, the events are beyond their time    by hand
    nothing, nor a lead that must be there       by hand: this flow cannot be asked like this
    nothing, of a row that named its own flow    by hand: no other lead must be in that flow
    events of an earlier sending among them      by hand, unless one is a success
    nothing, but a lead that must be there       offered as not received, never assumed

Where a lead was taken more than once (a retry after 502 or 504), the first success is the row's
outcome, else the last answer; the others stand in the note.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from bulkpost.destination import Kind
from bulkpost.ledger.decisions import Resolution
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.records.answers import SourceEvent
from bulkpost.redact import scrub
from bulkpost.reporting.sought import SoughtRow
from bulkpost.reporting.wording import duration_text, iso_text, price_text

RETENTION_DAYS: Final = 90
# What is about to expire may be gone between two questions.
_SURE_MS: Final = (RETENTION_DAYS - 1) * 86_400_000
_TOLD_MAX: Final = 20


class Finding(StrEnum):
    """What is known about a row in the end."""

    FOUND = "found"  # a fact, written down
    HELD = "held"  # LeadConduit has the lead and does not tell its outcome
    NOT_FOUND = "not_found"  # it is not there, and would be: offered as not received
    UNPROVEN = "unproven"  # it was not found, and neither was one that must be there
    TOO_EARLY = "too_early"  # it may still be on its way into the records
    EXPIRED = "expired"  # the records of its time are gone, or about to be
    NO_REFERENCE = "no_reference"  # it was sent without anything to be found by
    FEEDBACK = "feedback"  # feedback carries nothing to be found by
    FORGOTTEN = "forgotten"  # it went to an embedded sandbox, which is gone


@dataclass(frozen=True, slots=True)
class Seen:
    """What LeadConduit showed of one row.

    Attributes:
        events: The source events of its lead, oldest first; no other sending's.
        lead_ids: Leads that hold its reference and have no event that could be read.
        has_earlier: Some of the events may be of an earlier sending, which was not a success and of
            which no lead id is known.
    """

    events: tuple[SourceEvent, ...] = ()
    lead_ids: tuple[str, ...] = ()
    has_earlier: bool = False


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A row and what was found out.

    Attributes:
        row: The row.
        finding: What is known.
        words: The same for people.
        resolution: The fact to write down; None if there is none.
        events: (event id, outcome, lead id) of all that was found.
        lead_ids: Leads that LeadConduit holds without telling their outcome.
    """

    row: SoughtRow
    finding: Finding
    words: str
    resolution: Resolution | None = None
    events: tuple[tuple[str, str, str | None], ...] = ()
    lead_ids: tuple[str, ...] = field(default=())

    @property
    def accepted(self) -> int:
        """How many times LeadConduit accepted the lead."""
        successes = [lead for _, outcome, lead in self.events if outcome == OutcomeKind.SUCCESS]
        return len(set(successes))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        verdict = None if self.resolution is None else self.resolution.verdict
        price = None if verdict is None else verdict.price_micros
        return {
            "row": self.row.name,
            "run": self.row.run,
            "since": iso_text(self.row.last_ms),
            "state": self.row.state.name.lower(),
            "finding": self.finding.value,
            "outcome": None if verdict is None else verdict.kind.value,
            "reason": None if verdict is None else verdict.reason,
            "lead_id": None if verdict is None else verdict.lead_id,
            "price": None if price is None else price_text(price),
            "events": [
                {"event_id": event_id, "outcome": outcome, "lead_id": lead_id}
                for event_id, outcome, lead_id in self.events
            ],
            "leads": list(self.lead_ids),
            "what": self.words,
        }


def from_seen(row: SoughtRow, seen: Seen) -> Reconciled | None:
    """Return what follows from what LeadConduit showed; None if it showed nothing."""
    told = tuple((event.id, event.kind or "unknown", event.lead_id) for event in seen.events)
    chosen = _chosen(seen)
    if chosen is not None:
        assert chosen.kind is not None
        reason = None if chosen.reason is None else scrub(chosen.reason, chosen.texts)
        lead_id = chosen.lead_id or row.lead_id
        verdict = Outcome(chosen.kind, reason, None, lead_id, chosen.price_micros)
        others = [f"{kind} {lead or event_id}" for event_id, kind, lead in told
                  if event_id != chosen.id]  # fmt: skip
        note = f"LeadConduit event {chosen.id}"
        if others:
            note += f"; taken {len(told)} times, also: {', '.join(others[:_TOLD_MAX])}"
        resolution = Resolution(State.of(chosen.kind), lead_id, note, verdict)
        return Reconciled(row, Finding.FOUND, note, resolution, told)
    held = tuple(
        dict.fromkeys([lead for _, _, lead in told if lead is not None] + list(seen.lead_ids))
    )
    if told or held or row.lead_id:
        held = held or ((row.lead_id,) if row.lead_id else ())
        leads = ", ".join(held[:_TOLD_MAX]) or "without an id"
        words = f"LeadConduit has the lead ({leads}), but no event of it tells what became of it"
        if seen.has_earlier:
            words = (
                f"LeadConduit has the lead ({leads}), but it was answered before without a lead "
                "id, and nothing tells that event from one of its last attempt"
            )
        return Reconciled(row, Finding.HELD, words, None, told, held)
    return None


def from_nothing(row: SoughtRow, now_ms: int, settle_ms: int) -> Reconciled | None:
    """Return what follows from nothing if the row's age decides; None if a control has to."""
    age_ms = now_ms - row.last_ms
    if age_ms < settle_ms:
        wait = duration_text((settle_ms - age_ms) / 1000)
        return Reconciled(
            row, Finding.TOO_EARLY, f"not found yet; it is too early to say: again in {wait}"
        )
    if now_ms - row.first_ms > _SURE_MS:
        return Reconciled(
            row,
            Finding.EXPIRED,
            f"not found; LeadConduit keeps events for {RETENTION_DAYS} days, and this was before",
        )
    return None


def from_control(row: SoughtRow, control: SoughtRow | None, *, is_found: bool) -> Reconciled:
    """Return what follows from a row not being found, by whether a lead that must be there was.

    Args:
        row: The row.
        control: The row whose lead must be there; None if there is none.
        is_found: Whether that was found.
    """
    if row.flow_id == "*":
        words = (
            "not found; but each row of its list names its own flow, so that another lead that is "
            "found shows nothing of this one's flow"
        )
        return Reconciled(row, Finding.UNPROVEN, words)
    if control is None:
        words = (
            "not found; but no other lead of its run is known to LeadConduit, so that nothing "
            "shows that references can be found there"
        )
        return Reconciled(row, Finding.UNPROVEN, words)
    if not is_found:
        words = (
            f"not found; but neither is row {control.name}, whose lead LeadConduit took: the flow "
            "does not keep the field of the reference, the API key is another account's, or events "
            "cannot be asked for by a field there (rules under [api])"
        )
        return Reconciled(row, Finding.UNPROVEN, words)
    words = f"not found, while row {control.name} of the same run is: perhaps never received"
    return Reconciled(row, Finding.NOT_FOUND, words)


def unaskable(row: SoughtRow, *, is_embedded: bool) -> Reconciled | None:
    """Return why LeadConduit cannot be asked about a row; None if it can."""
    if row.kind != Kind.SUBMISSION:
        words = "feedback carries no reference: decide it by hand, in the lead's own events"
        return Reconciled(row, Finding.FEEDBACK, words)
    if is_embedded:
        words = "it went to the sandbox of a run that is over, and is nowhere any more"
        return Reconciled(row, Finding.FORGOTTEN, words)
    if not row.can_be_asked:
        words = "it was sent without a reference, and no lead id came back: nothing to find it by"
        return Reconciled(row, Finding.NO_REFERENCE, words)
    return None


def _chosen(seen: Seen) -> SourceEvent | None:
    """Return the event that tells what became of the row."""
    told = [event for event in seen.events if event.kind is not None]
    successes = [event for event in told if event.kind is OutcomeKind.SUCCESS]
    if successes:
        return successes[0]
    return told[-1] if told and not seen.has_earlier else None

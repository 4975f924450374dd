"""What must be true of every lead, whatever was done so far: the model of the state machine.

Rule 1: a row changes its state only as its last known state allows: what was answered, in doubt or
held stays so until a person decides; what was armed when a run died is in doubt after it.
Rule 2: a lead is at the server once, and once more for each 502 or 504 behind which it was taken,
for each time that a person released it, and for what an older ledger does not know.
Rule 3: a row that is a duplicate or a conflict has another row that holds its lead. After a run to
the end that row was sent, or will be by the very same command.
Rule 4: an input that was submitted to its end has no row without an ending.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from hashlib import sha256
from typing import Final

from bulkpost.ledger.states import ANSWERED, REFUSED, State
from harness import rules
from harness.judge import Flow
from harness.lists import Line
from harness.snapshot import Place, RowOnDisk, Snapshot

RETRIED: Final = frozenset(
    {"502_after", "504_after"}
)  # taken, and by LeadConduit's rule sent again
FREE: Final = rules.SENT_NEVER | {State.DEFERRED, State.BACK_OFF}  # what a run may send
_BAD: Final = frozenset({State.INVALID, State.CONFLICT, State.ERROR, State.HTTP_ERROR})
_UNSENT: Final = RowOnDisk(State.PENDING, 0, 0)

_ENDED: Final = ANSWERED | {State.IN_DOUBT, State.HTTP_ERROR}
_SENT: Final = _ENDED | {State.ARMED, State.BACK_OFF, State.DEFERRED}
_DUE: Final = _SENT | {State.DUPLICATE, State.CONFLICT}
_IN_A_RUN: Final = {
    State.PENDING: frozenset(State),
    State.ARMED: frozenset({State.ARMED, State.IN_DOUBT}),  # ARMED still: it died before recovery
    State.BACK_OFF: _DUE,
    State.DEFERRED: _DUE,
    # A duplicate whose lead turned out not to be received is a row to be sent.
    State.DUPLICATE: _DUE,
    State.CONFLICT: _DUE,
}
_BESIDE_A_RUN: Final = {
    State.ARMED: frozenset({State.ARMED, State.IN_DOUBT}),
    State.BACK_OFF: frozenset({State.BACK_OFF, State.DEFERRED}),
}


class Ran(Enum):
    """How far the run came whose traces are looked at."""

    NOT = auto()  # there was none: nothing may have changed
    DIED = auto()
    STOPPED = auto()  # by a signal or a limit: in order, before its end
    TO_THE_END = auto()


@dataclass(slots=True)
class Model:
    """The leads.

    Attributes:
        is_keyed: The reference alone tells leads apart, as ``--key reference`` does.
        contents: What each file that was ever submitted held, by its SHA-256.
        rows: Last known state of each row.
        places: The rows of each lead.
        granted: How many times more than once a lead may be at the server, by rule 2.
        forgotten: Leads at the server of which the ledger knows nothing, since a copy was put back.
        latest_input: The input of the latest run.
    """

    is_keyed: bool
    contents: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    rows: dict[Place, RowOnDisk] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    granted: Counter[str] = field(default_factory=Counter)
    forgotten: set[str] = field(default_factory=set)
    latest_input: int | None = None
    _digests: dict[int, str] = field(default_factory=dict)

    def name_of(self, line: Line) -> str:
        """Return a lead's name, as the flow gives it."""
        return line.reference if self.is_keyed else f"{line.reference} {line.cells[-1]}"

    def learn(self, content: bytes, lines: Sequence[Line]) -> str:
        """Remember what a file holds; return its digest."""
        digest = sha256(content).hexdigest()
        self.contents[digest] = tuple(lines)
        return digest

    def look(
        self, found: Snapshot, flow: Flow, ran: Ran = Ran.NOT, over: Collection[str] = ()
    ) -> list[str]:
        """Return what is wrong with a ledger after a step, and remember its rows.

        Args:
            found: The ledger.
            flow: What the server took.
            ran: How far the step's run came.
            over: Digests of the files that it was given.
        """
        wrong = self._placed(found)
        wrong += rules.always(found, flow, self.places, self.granted, self.forgotten)
        wrong += self._moves(found, over if ran is not Ran.NOT else None)
        wrong += self.taken_too_often(flow)
        wrong += self._held_by_nobody(found)
        if ran is Ran.TO_THE_END:
            wrong += self._unfinished(found, over)
            wrong += self._left_to_nobody(found, over)
        self.rows = found.rows
        self._digests = dict(found.digests)
        self.latest_input = found.latest_input
        self.forgotten = {name for name in self.forgotten if self._is_unsent(name)}
        return wrong

    def recover(self) -> None:
        """Expect what whoever opens the ledger first does with what a dead run left."""
        after = {State.ARMED: State.IN_DOUBT, State.BACK_OFF: State.DEFERRED}
        for place, row in self.rows.items():
            self.rows[place] = replace(row, state=after.get(row.state, row.state))

    def decide(self, place: Place, state: State, lead_id: str | None = None) -> None:
        """Expect what a person has decided about a row."""
        self.recover()
        self.rows[place] = replace(self.rows[place], state=state, lead_id=lead_id)

    def release(self, place: Place) -> None:
        """Expect that a row is sent once more, whatever became of it."""
        self.decide(place, State.DEFERRED)
        self.granted[self.name_at(place)] += 1

    def take_for_known(self, found: Snapshot) -> None:
        """Expect a ledger as it is."""
        self._digests = {}
        self._placed(found)
        self.rows = found.rows

    def roll_back_to(self, found: Snapshot, flow: Flow) -> None:
        """Expect an older ledger: it sends again what it does not know, and no more than that."""
        self.take_for_known(found)
        for name, lead_ids in flow.ids().items():
            # What it had counted of retries is lost with it; a lead that it holds goes out no more.
            is_free = all(self._state(place) in FREE for place in self.places.get(name, ()))
            self.granted[name] = max(self.granted[name], len(lead_ids) - 1 + is_free)
            if self._is_unsent(name):
                self.forgotten.add(name)

    def status_after(self, found: Snapshot, over: Collection[str]) -> int:
        """Return the exit status that a run over these files ends with, if nothing stops it."""
        statuses = [0]
        for input_id, digest in found.digests.items():
            if digest not in over:
                continue
            counts = found.counts(input_id)
            if counts.get(State.IN_DOUBT):
                statuses.append(5)
            if counts.get(State.DEFERRED) or counts.get(State.PENDING):
                statuses.append(6)
            if any(counts.get(state) for state in _BAD):
                statuses.append(3)
        return min(statuses, key=[5, 6, 3, 0].index)

    def standing(self, *states: State) -> list[Place]:
        """Return the rows in some states."""
        return sorted(place for place, row in self.rows.items() if row.state in states)

    def is_held(self, line: Line) -> bool:
        """Whether a lead has been sent, as far as the ledger knows."""
        places = self.places.get(self.name_of(line), ())
        return any(self._state(place) not in FREE for place in places)

    def name_at(self, place: Place) -> str:
        """Return the name of the lead that a row holds."""
        return next(name for name, places in self.places.items() if place in places)

    def missing(self, flow: Flow) -> list[str]:
        """Return the leads that are not at the server, and were not answered otherwise."""
        taken = flow.ids()
        return [
            name
            for name, places in sorted(self.places.items())
            if name not in taken
            and not any(self._state(place) is State.HTTP_ERROR for place in places)
        ]

    def _placed(self, found: Snapshot) -> list[str]:
        """Find each input's rows by its bytes; an input that grew keeps those it had."""
        wrong = []
        self.places = {}
        for input_id, digest in found.digests.items():
            lines = self.contents.get(digest, ())
            before = self.contents.get(self._digests.get(input_id, ""), ())
            if len(lines) != found.inputs[input_id][0] or lines[: len(before)] != before:
                wrong.append(f"input {input_id} is not a file that was submitted, or another one")
            for number, line in enumerate(lines, start=1):
                self.places.setdefault(self.name_of(line), []).append((input_id, number))
        return wrong

    def _moves(self, found: Snapshot, over: Collection[str] | None) -> list[str]:
        wrong = []
        now = found.rows
        for place in sorted(self.rows.keys() | now.keys()):
            before, after = self.rows.get(place, _UNSENT), now.get(place, _UNSENT)
            moves: Mapping[State, frozenset[State]] = {}
            if over is not None:
                moves = _IN_A_RUN if found.digests.get(place[0]) in over else _BESIDE_A_RUN
            may_be = moves.get(before.state, frozenset({before.state}))
            if after.state not in may_be:
                wrong.append(f"row {place} was {before.state.name} and is {after.state.name}")
            elif before.state in _ENDED and before.lead_id != after.lead_id:
                wrong.append(f"row {place} is {after.state.name} with another lead id than before")
        return wrong

    def taken_too_often(self, flow: Flow) -> list[str]:
        taken = Counter(flow.name_of(lead) for lead in flow.leads())
        again = Counter(flow.name_of(lead) for lead in flow.leads() if lead["fault"] in RETRIED)
        return [
            f"{name} is at the server {count} times, {1 + again[name] + self.granted[name]} at most"
            for name, count in taken.items()
            if count > 1 + again[name] + self.granted[name]
        ]

    def _held_by_nobody(self, found: Snapshot) -> list[str]:
        rows = found.rows
        wrong = []
        for name, places in self.places.items():
            states = {rows.get(place, _UNSENT).state for place in places}
            if states & (REFUSED - {State.INVALID}) and not states & _SENT:
                wrong.append(f"{name} is not sent, for no other row was: {sorted(states)}")
        return wrong

    def _left_to_nobody(self, found: Snapshot, over: Collection[str]) -> list[str]:
        rows = found.rows
        wrong = []
        for name, places in self.places.items():
            here = {
                rows.get(place, _UNSENT).state
                for place in places
                if found.digests[place[0]] in over
            }
            states = {rows.get(place, _UNSENT).state for place in places}
            if here and here <= REFUSED and not states & _ENDED:
                wrong.append(f"{name} waits for a list that was not submitted: {sorted(states)}")
        return wrong

    def _unfinished(self, found: Snapshot, over: Collection[str]) -> list[str]:
        return [
            f"rows of input {input_id} are {state.name} after a run to the end: {count}"
            for input_id, digest in found.digests.items()
            if digest in over
            for state, count in found.counts(input_id).items()
            if state in {State.PENDING, State.ARMED, State.BACK_OFF}
        ]

    def _state(self, place: Place) -> State:
        return self.rows.get(place, _UNSENT).state

    def _is_unsent(self, name: str) -> bool:
        return all(self._state(place) in rules.SENT_NEVER for place in self.places.get(name, ()))

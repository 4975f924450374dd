"""The life of a row, as a table.

Rule 1: every change of a row's state is an entry of ``TRANSITIONS``.
Rule 2: each SQL file that changes a state repeats its entry as a WHERE clause, so that no second
program writing to the ledger, and no mistake of ours, can break the table.

``PENDING`` costs no bytes: it is the absence of an intent and of an outcome. The numbers of the
others are what the ledger stores.
"""

from enum import Enum, IntEnum, auto
from typing import Final

from bulkpost.outcome import OutcomeKind


class State(IntEnum):
    """Where a row stands."""

    PENDING = -1  # never armed
    ARMED = 0  # intent on disk: it may have been sent
    BACK_OFF = 1  # the last attempt's fate is known, and it waits
    SUCCESS = 10
    FAILURE = 11
    ERROR = 12
    IN_DOUBT = 20
    HTTP_ERROR = 30
    INVALID = 40
    DUPLICATE = 41
    CONFLICT = 42
    DEFERRED = 50

    @property
    def kind(self) -> OutcomeKind:
        """The outcome that this state is; PENDING, ARMED and BACK_OFF are none."""
        return OutcomeKind(self.name.lower())

    @staticmethod
    def of(kind: OutcomeKind) -> "State":
        """Return the state in which an outcome leaves its row."""
        return _BY_KIND[kind]


_BY_KIND: Final = {kind: State[kind.name] for kind in OutcomeKind}


class Change(Enum):
    """What can happen to a row."""

    ARM = auto()  # the intent to send is committed
    BACK_OFF = auto()  # surely not taken, or to be retried by LeadConduit's own rule
    ANSWER = auto()  # LeadConduit's verdict
    HOLD = auto()  # an answer outside the protocol
    DOUBT = auto()  # sent or possibly sent, no usable answer
    DEFER = auto()  # attempts or time used up, or the run ended in back-off
    REFUSE = auto()  # a check refused it: invalid, duplicate, conflict
    RELEASE = auto()  # a person asked for it to be sent again
    RESOLVE = auto()  # a person or LeadConduit's records told what became of it


ANSWERED: Final = frozenset({State.SUCCESS, State.FAILURE, State.ERROR})
REFUSED: Final = frozenset({State.INVALID, State.DUPLICATE, State.CONFLICT})
SENDABLE: Final = frozenset({State.PENDING, State.DEFERRED}) | REFUSED

_FIRST: Final[dict[Change, frozenset[State]]] = {
    Change.ARM: frozenset({State.ARMED}),
    Change.REFUSE: REFUSED,
}

TRANSITIONS: Final[dict[State, dict[Change, frozenset[State]]]] = {
    State.PENDING: _FIRST,
    State.ARMED: {
        Change.BACK_OFF: frozenset({State.BACK_OFF}),
        Change.ANSWER: ANSWERED,
        Change.HOLD: frozenset({State.HTTP_ERROR}),
        Change.DOUBT: frozenset({State.IN_DOUBT}),
        Change.DEFER: frozenset({State.DEFERRED}),
    },
    State.BACK_OFF: {
        Change.ARM: frozenset({State.ARMED}),
        Change.DEFER: frozenset({State.DEFERRED}),
    },
    State.SUCCESS: {},
    State.FAILURE: {Change.RELEASE: frozenset({State.DEFERRED})},
    State.ERROR: {Change.RELEASE: frozenset({State.DEFERRED})},
    State.IN_DOUBT: {
        Change.RELEASE: frozenset({State.DEFERRED}),
        Change.RESOLVE: ANSWERED | {State.DEFERRED},
    },
    State.HTTP_ERROR: {
        Change.RELEASE: frozenset({State.DEFERRED}),
        Change.RESOLVE: ANSWERED,
    },
    State.INVALID: _FIRST,
    State.DUPLICATE: _FIRST,
    State.CONFLICT: _FIRST,
    State.DEFERRED: {
        Change.ARM: frozenset({State.ARMED}),
        # Its lead was sent meanwhile from another row; without this it would be due for ever.
        Change.REFUSE: frozenset({State.DUPLICATE, State.CONFLICT}),
    },
}

"""When so many answers are wrong that going on would only make more of them."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated

import msgspec


class BudgetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many wrong answers a run bears.

    Attributes:
        errors_max: The run stops when this many of the last ``window`` replies are http_error.
        window: How many of the last replies are looked at.
        suspects_max: The run stops when this many answers in a row, from its very first, are
            suspect (a redirect, an HTML page): the destination is not LeadConduit.
    """

    errors_max: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 50
    window: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 200
    suspects_max: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 5


class Spent(Enum):
    """Why a run stops."""

    ERRORS = auto()  # too many of the last replies are http_error
    SUSPECTS = auto()  # nothing but suspect answers since the run began


@dataclass(slots=True)
class ErrorBudget:
    """Counts answers and says when they are enough. One per destination.

    Attributes:
        settings: How many are enough.
        errors: Wrong ones among the last ``window``.
        has_good: One was not wrong.
    """

    settings: BudgetSettings
    errors: int = field(default=0, init=False)
    has_good: bool = field(default=False, init=False)
    _recent: deque[bool] = field(init=False)
    _leading_suspects: int = field(default=0, init=False)
    _has_begun: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._recent = deque(maxlen=self.settings.window)

    def replied(self, *, is_error: bool = False, is_suspect: bool = False) -> None:
        """Count one reply.

        Args:
            is_error: It is kept as http_error.
            is_suspect: It does not look like LeadConduit at all (``NextStep.SUSPECT``).
        """
        if len(self._recent) == self.settings.window:
            self.errors -= self._recent[0]
        self.has_good |= not is_error
        self._recent.append(is_error)
        self.errors += is_error
        if not is_suspect:
            self._has_begun = True
        elif not self._has_begun:
            self._leading_suspects += 1

    @property
    def spent(self) -> Spent | None:
        """Why the run must stop, or None. Suspects count only until the first good answer."""
        if self.errors >= self.settings.errors_max:
            return Spent.ERRORS
        if not self._has_begun and self._leading_suspects >= self.settings.suspects_max:
            return Spent.SUSPECTS
        return None

"""How often a reason was given, and something found in the values that were sent. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from bulkpost.fields.catalogue import FINDINGS
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.wording import price_text

NO_REASON: Final = "no reason given"


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often a reason was given.

    Attributes:
        kind: For which outcome.
        reason: LeadConduit's words or ours, scrubbed; ``NO_REASON`` where none was given.
        count: Rows.
        price_micros: Sum of their prices, in millionths; None if none had a price.
    """

    kind: OutcomeKind
    reason: str
    count: int
    price_micros: int | None

    @property
    def price(self) -> str | None:
        """Their price as decimal text; None if none had one."""
        return None if self.price_micros is None else price_text(self.price_micros)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "outcome": self.kind.value,
            "reason": self.reason,
            "count": self.count,
            "price": self.price,
        }


@dataclass(frozen=True, slots=True)
class FindingTotal:
    """How often something was found in the values that a run sent.

    Attributes:
        field: The field.
        code: What was found, as ``check`` calls it.
        leads: In how many leads.
    """

    field: str
    code: str
    leads: int

    @property
    def message(self) -> str:
        """What the code means, one sentence; empty if this version does not know it."""
        finding = FINDINGS.get(self.code)
        return "" if finding is None else finding.message

    @property
    def advice(self) -> str:
        """What to do about it; empty if this version does not know the code."""
        finding = FINDINGS.get(self.code)
        return "" if finding is None else finding.advice

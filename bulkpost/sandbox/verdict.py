"""What LeadConduit decides about a lead: success, failure or error, a reason and a price."""

from dataclasses import dataclass, replace
from typing import Final

from bulkpost.sandbox.orders import Orders


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision.

    Attributes:
        outcome: ``success``, ``failure`` or ``error``.
        reason: Why; None is left out of an answer, the empty text is not.
        price: In the account's currency unit.
        is_stopped: A rule stopped the lead, whatever outcome it answers with.
    """

    outcome: str
    reason: str | None = None
    price: float = 0.0
    is_stopped: bool = False

    @property
    def is_accepted(self) -> bool:
        """Whether the lead is delivered to a recipient."""
        return self.outcome == "success" and not self.is_stopped


DUPLICATE: Final = Verdict("failure", "duplicate")


def decide(orders: Orders, *, refusal: Verdict | None, price: float) -> Verdict:
    """Return what was ordered, else the refusal if there is one, else ``success`` at the price."""
    if orders.outcome is not None:
        earned = price if orders.outcome == "success" else 0.0
        verdict = Verdict(orders.outcome, orders.reason, earned)
    elif refusal is not None:
        verdict = refusal
    else:
        verdict = Verdict("success", None, price)
    return verdict if orders.price is None else replace(verdict, price=orders.price)


def as_bid(verdict: Verdict) -> Verdict:
    """Return the answer to a ping: no price is no bid."""
    if verdict.price > 0:
        return verdict
    return Verdict("failure", verdict.reason or "no bid", verdict.price)

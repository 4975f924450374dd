"""What LeadConduit decides about a lead: success, failure or error, a reason and a price."""

from dataclasses import dataclass, replace

from bulkpost.sandbox.orders import Orders


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision.

    Attributes:
        outcome: ``success``, ``failure`` or ``error``.
        reason: Why; None is left out of an answer, the empty text is not.
        price: In the account's currency unit.
    """

    outcome: str
    reason: str | None = None
    price: float = 0.0


def decide(orders: Orders, *, is_duplicate: bool, price: float) -> Verdict:
    """Return what was ordered, else ``failure`` for a duplicate, else ``success`` at the price."""
    if orders.outcome is not None:
        earned = price if orders.outcome == "success" else 0.0
        verdict = Verdict(orders.outcome, orders.reason, earned)
    elif is_duplicate:
        verdict = Verdict("failure", "duplicate")
    else:
        verdict = Verdict("success", None, price)
    return verdict if orders.price is None else replace(verdict, price=orders.price)


def as_bid(verdict: Verdict) -> Verdict:
    """Return the answer to a ping: no price is no bid."""
    if verdict.price > 0:
        return verdict
    return Verdict("failure", verdict.reason or "no bid", verdict.price)

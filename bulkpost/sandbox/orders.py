"""The reserved fields: what one lead orders for itself. They are not part of the lead as taken."""

import math
from dataclasses import dataclass
from typing import Any, Final

from bulkpost.sandbox.durations import parse_duration_s
from bulkpost.sandbox.faults import FaultOrder, parse_order

OUTCOMES: Final = ("success", "failure", "error")
FAULT_FIELD: Final = "sandbox_fault"
OUTCOME_FIELD: Final = "sandbox_outcome"
LATENCY_FIELD: Final = "sandbox_latency"
PRICE_FIELD: Final = "sandbox_price"
RESERVED_FIELDS: Final = (FAULT_FIELD, OUTCOME_FIELD, LATENCY_FIELD, PRICE_FIELD)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a lead ordered; None where it ordered nothing.

    Attributes:
        fault: The fault it wants.
        outcome: ``success``, ``failure`` or ``error``.
        reason: The reason beside the outcome; the empty text is a reason.
        latency_s: Wait before the answer, in seconds, instead of the sandbox's own.
        price: Price in the answer.
    """

    fault: FaultOrder | None = None
    outcome: str | None = None
    reason: str | None = None
    latency_s: float | None = None
    price: float | None = None


NO_ORDERS: Final = Orders()


def split_orders(fields: Any) -> tuple[Any, Orders]:
    """Take the reserved fields out of a lead.

    Raises:
        ValueError: A reserved field says nothing the sandbox knows; the message names the field,
            never its value.
    """
    if not isinstance(fields, dict) or fields.keys().isdisjoint(RESERVED_FIELDS):
        return fields, NO_ORDERS
    lead = {name: value for name, value in fields.items() if name not in RESERVED_FIELDS}
    outcome, reason = _outcome(_text(fields, OUTCOME_FIELD))
    return lead, Orders(
        fault=_read(fields, FAULT_FIELD, parse_order),
        outcome=outcome,
        reason=reason,
        latency_s=_read(fields, LATENCY_FIELD, parse_duration_s),
        price=_read(fields, PRICE_FIELD, _price),
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is given once, as text")  # noqa: TRY004  # the sender's mistake
    return value


def _read(fields: dict[str, Any], name: str, parse: Any) -> Any:
    text = _text(fields, name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _outcome(text: str) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    outcome, colon, reason = text.partition(":")
    if outcome not in OUTCOMES:
        raise ValueError(f"{OUTCOME_FIELD} is success, failure or error, with :reason if wanted")
    return outcome, reason if colon else None


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not math.isfinite(price):
        raise ValueError("a price is a number")
    return price

"""Which fault and delay a request meets: what it ordered itself, else what the settings say."""

from bulkpost.sandbox.faults import Fault, FaultOrder, FaultPlan, dice
from bulkpost.sandbox.orders import Orders
from bulkpost.sandbox.settings import SandboxSettings


class Troubles:
    """Hands out faults and delays.

    Args:
        settings: Faults and delays for all.
        seed: Decides every random choice.
    """

    def __init__(self, settings: SandboxSettings, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._plan = FaultPlan(settings.faults, seed)

    def fault(self, key: bytes, nth: int, orders: Orders) -> Fault | None:
        """Return the fault of the n-th request with this content, or None."""
        planned = self._plan.choose(key, nth)
        ordered = orders.fault
        if ordered is None:
            return planned
        return ordered.fault if _is_due(ordered, nth) else None

    def latency_s(self, key: bytes, nth: int, orders: Orders) -> float:
        """Return how long the n-th request with this content waits for its answer, in seconds."""
        settings = self._settings
        if orders.latency_s is not None:
            return orders.latency_s
        if not settings.jitter_s:
            return settings.latency_s
        return settings.latency_s + settings.jitter_s * dice(self._seed, "jitter", key, nth)


def _is_due(order: FaultOrder, nth: int) -> bool:
    return order.times is None or nth <= order.times

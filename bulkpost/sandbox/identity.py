"""Which leads are the same.

Two leads are the same if they came to the same flow with the same fields; ``reference`` and the
reserved fields do not count. A flow would do this with a step of its own; this is the strictest.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Any, Final

import msgspec

REFERENCE: Final = "reference"  # the sender's own name for a lead: no two have the same
_encode = msgspec.json.Encoder(order="deterministic").encode
_NTH_STEP = 2  # the lowest bit says whether the lead was taken


def identity(flow_id: str, fields: Any) -> bytes:
    """Return 16 bytes that two leads share if they are the same.

    Raises:
        RecursionError: The lead is nested too deeply.
    """
    if isinstance(fields, dict) and REFERENCE in fields:
        fields = {name: value for name, value in fields.items() if name != REFERENCE}
    return blake2b(_encode((flow_id.lower(), fields)), digest_size=16).digest()


class Sightings:
    """How often each lead came, and whether it was taken; the oldest are forgotten."""

    def __init__(self, keep_max: int) -> None:
        # A plain dict would look for its oldest entry past all that were taken out before.
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._keep_max = keep_max

    def saw(self, lead: bytes) -> int:
        """Count one more request of a lead and return how many there were, this one included."""
        count = self._counts.get(lead, 0) + _NTH_STEP
        self._counts[lead] = count
        if len(self._counts) > self._keep_max:
            self._counts.popitem(last=False)
        return count // _NTH_STEP

    def was_taken(self, lead: bytes) -> bool:
        """Whether the lead was taken before."""
        return bool(self._counts.get(lead, 0) & 1)

    def took(self, lead: bytes) -> None:
        """Remember that the lead was taken."""
        self._counts[lead] = self._counts.get(lead, _NTH_STEP) | 1

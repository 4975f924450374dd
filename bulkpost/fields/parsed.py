"""What LeadConduit makes of one cell."""

from dataclasses import dataclass, field
from typing import Final

from bulkpost.finding import Finding

Part = str | int | float | bool | None

NO_FINDINGS: Final[tuple[Finding, ...]] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text as LeadConduit understands it; personal data is never shown in a repr.

    Attributes:
        valid: Whether LeadConduit calls the text valid for its type. It refuses nothing by itself:
            an invalid value is passed on, and only the account's rules may reject the lead.
        value: The normal value, as text; the text itself where LeadConduit cannot read it.
        parts: The type's named components. A component that LeadConduit leaves undefined, or that
            is not a number, is ``None``.
        warnings: What the sender would want to know. Fixed sentences: no value is ever in them.
    """

    valid: bool
    value: str = field(repr=False)
    parts: dict[str, Part] = field(default_factory=dict, repr=False)
    warnings: tuple[Finding, ...] = NO_FINDINGS

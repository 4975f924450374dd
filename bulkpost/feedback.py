"""What is sent about a lead later: that it is returned, or was converted; made from one row."""

from dataclasses import dataclass, field
from enum import StrEnum

from bulkpost.destination import Destination


class FeedbackType(StrEnum):
    """What LeadConduit lets a recipient say."""

    RETURN = "return"
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One return or conversion, ready to be encoded.

    Attributes:
        row_number: The row it was made from; the first is 1.
        destination: Where it goes.
        event_id: The recipient event that delivered the lead, 24 lower-case hex digits. Whoever
            knows it may send feedback, so it is not shown in a repr, and never logged or kept.
        type: What is said.
        reason: Why, in the recipient's words; empty for no reason.
    """

    row_number: int
    destination: Destination
    event_id: str = field(repr=False)
    type: FeedbackType
    reason: str = field(repr=False, default="")

    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return the (name, text) pairs of the body."""
        said = ("type", self.type.value)
        return (said, ("reason", self.reason)) if self.reason else (said,)

    def own_texts(self) -> tuple[tuple[str, str], ...]:
        """Return what an answer may repeat, to be taken out of it: (field name, text) pairs.

        The type is nobody's data, and a reason such as "too old to return" needs the word.
        """
        return ("event_id", self.event_id), ("reason", self.reason)

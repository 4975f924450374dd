"""What is sent: a lead, made from one row."""

from dataclasses import dataclass, field
from enum import StrEnum

from bulkpost.destination import Destination

KEY_BYTES = 16
CONTENT_BYTES = 8
_SSN_END_DIGITS = 4


class LeadFormat(StrEnum):
    """How a lead is written.

    FORM is LeadConduit's own default, and the only one in which its parser nests dotted names by
    itself. GET puts the lead into the URL.
    """

    FORM = "form"
    JSON = "json"
    XML = "xml"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Lead:
    """The data of one row, ready to be encoded. Personal data: never shown in a repr.

    Attributes:
        row_number: The row it was made from; the first is 1.
        destination: The flow and source that it goes to.
        fields: (field name, text) in the order of the columns, then the constants; no empty text.
        ssn_fields: Names of the fields that hold social security numbers.
    """

    row_number: int
    destination: Destination
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    ssn_fields: frozenset[str] = frozenset()

    def own_texts(self) -> tuple[tuple[str, str], ...]:
        """Return what an answer may repeat, to be taken out of it: (field name, text) pairs.

        All that is sent, the URL's own values too; and of a social security number its last four
        digits, which are what people write when they mean to write no number.
        """
        sent = self.fields + self.destination.query
        if not self.ssn_fields:
            return sent
        ends = tuple(
            (name, "".join(filter(str.isdecimal, text))[-_SSN_END_DIGITS:])
            for name, text in sent
            if name in self.ssn_fields
        )
        return sent + ends


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a row is, over all inputs and runs of one destination, without its data.

    Attributes:
        key: Keyed 128-bit digest over destination and key fields.
        content: Keyed 64-bit digest over all sent fields if the key does not cover them
            (``--key``); None otherwise. Same key with another content is a conflict.
    """

    key: bytes
    content: bytes | None = None

    def __post_init__(self) -> None:
        assert len(self.key) == KEY_BYTES, len(self.key)
        assert self.content is None or len(self.content) == CONTENT_BYTES, self.content

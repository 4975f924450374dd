"""The settings of the check of values: the TOML table ``[check]``."""

from typing import Final

import msgspec

from bulkpost.fields.catalogue import FINDINGS
from bulkpost.mapping.closest import did_you_mean

INVALID: Final = "invalid"
DOUBTFUL: Final = "doubtful"


class CheckSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of values that LeadConduit would not read, or not as they were meant.

    Attributes:
        refuse: A row with such a value is invalid and not sent: codes of findings, as ``check``
            shows them; ``invalid`` for every value that LeadConduit does not understand;
            ``doubtful`` for these and every other value with a finding. Empty: all are sent.
        normalise: Telephone numbers, dates, states and postal codes are sent as LeadConduit reads
            them, where that changes nothing of its reading. Keys stay those of the text as it
            stands in the list.
        count: What is found in the values of leads that are sent is counted, by field and code.
    """

    refuse: tuple[str, ...] = ()
    normalise: bool = False
    count: bool = True

    def __post_init__(self) -> None:
        known = (INVALID, DOUBTFUL, *FINDINGS)
        for word in self.refuse:
            if word not in known:
                raise ValueError(
                    f"refuse: '{word}' is neither invalid, doubtful nor the code of a finding"
                    f"{did_you_mean(word, known)}"
                )

    @property
    def is_idle(self) -> bool:
        """Whether nothing depends on the values, so that none need be read."""
        return not self.refuse and not self.normalise and not self.count

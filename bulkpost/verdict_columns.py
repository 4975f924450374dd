"""The columns in which results say what became of a row, beside the original ones.

Whoever reads a list knows by them that ``export`` wrote it.
"""

from typing import Final

VERDICT_COLUMNS: Final = (
    "bulkpost_row",
    "bulkpost_outcome",
    "bulkpost_reason",
    "bulkpost_lead_id",
    "bulkpost_price",
    "bulkpost_http_status",
    "bulkpost_attempts",
    "bulkpost_at",
)
REASON_COLUMN: Final = "bulkpost_reason"
# Ends the reason of a row whose text could not be kept: written out it would look sound, and a lead
# with its cells in the wrong places would be sent.
MEND_FIRST: Final = "mend this row, then empty this cell"

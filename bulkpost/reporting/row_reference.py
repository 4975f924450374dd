"""How a row is named on a command line: ``INPUT:ROW``, as ``doubt list`` prints it. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from bulkpost.errors import UsageError
from bulkpost.ledger.entries import ROW_NUMBER_MAX, input_id_of, row_id_of, row_number_of
from bulkpost.ledger.states import State

_REFERENCE: Final = re.compile(r"(?:([1-9]\d{0,6}):)?([1-9]\d{0,12})", re.ASCII)


def reference_text(row_id: int) -> str:
    """Return a row's name: ``2:1041`` is row 1041 of input 2."""
    return f"{input_id_of(row_id)}:{row_number_of(row_id)}"


def full_reason(state: State, reason: str | None, detail: int | None) -> str | None:
    """Return a reason with the line, or the other row, that it is about.

    The ledger stores a sentence once for all rows that share it, and beside each row the number.
    """
    if reason is None or detail is None:
        return reason
    if state is State.INVALID:
        return f"line {detail}: {reason}"
    return f"{reason}: row {reference_text(detail)}"


def parse_reference(text: str, input_ids: Sequence[int]) -> int:
    """Return the ledger's number of the row that a text names.

    A row number alone will do where the ledger has one input only.

    Raises:
        UsageError: The text is no row's name, or could be a row of several inputs.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None or int(match[2]) > ROW_NUMBER_MAX:
        raise UsageError(
            f"this does not name a row: {text[:40]}",
            advice="A row is written INPUT:ROW, like 1:17; `bulkpost doubt list` prints them.",
        )
    row_number = int(match[2])
    if match[1] is not None:
        input_id = int(match[1])
        if input_id not in input_ids:
            raise UsageError(
                f"the ledger has no input {input_id}",
                advice="`bulkpost doubt list` prints the rows as INPUT:ROW.",
            )
        return row_id_of(input_id, row_number)
    if len(input_ids) != 1:
        raise UsageError(
            f"row {row_number} of which input? The ledger has {len(input_ids)}",
            advice="Write INPUT:ROW, like 1:17; `bulkpost doubt list` prints them.",
        )
    return row_id_of(input_ids[0], row_number)

"""What became of every row of a list, as a pandas frame. No lead data: the ledger holds none."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import open_reader
from bulkpost.ledger.unreadable import readable
from bulkpost.log import silenced
from bulkpost.outcome import MICROS_PER_UNIT
from bulkpost.reporting.history import is_run_going_on
from bulkpost.reporting.summary import run_record
from bulkpost.reporting.verdicts import OUTCOME_NAMES, RowVerdict, verdicts_between
from bulkpost.verdict_columns import VERDICT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_BATCH_ROWS: Final = 50_000


def results(ledger: str | Path, run: int | None = None) -> "pd.DataFrame":
    """Return what became of every row of a run's input, in order: as ``bulkpost export`` tells it.

    Safe while a run goes on, and inside a running event loop, which it blocks as long as it reads.

    ========================  ==================================================
    bulkpost_row              Int64; the first is 1
    bulkpost_outcome          category: success, failure, ... pending
    bulkpost_reason           string
    bulkpost_lead_id          string: LeadConduit's id, 24 hex digits
    bulkpost_price            Float64, in the account's currency unit
    bulkpost_http_status      Int64: of the last answer
    bulkpost_attempts         Int64
    bulkpost_at               datetime64[ms, UTC]: when it ended
    ========================  ==================================================

    What is not known is missing (``pandas.NA``, ``NaT``).

    Args:
        ledger: The ledger file.
        run: The run's number; None for the latest.

    Raises:
        UsageError: There is no such run.
        LedgerError: There is no ledger, or it cannot be read.
    """
    ask = partial(_frames, Path(ledger), run)
    # A loop of its own in a thread of its own: a notebook has a loop that runs already.
    with silenced(), ThreadPoolExecutor(1) as thread:
        frames = thread.submit(anyio.run, ask).result()
    import pandas as pd  # noqa: PLC0415  # slow to load

    return pd.concat(frames, ignore_index=True)


async def _frames(ledger: Path, run: int | None) -> list[Any]:
    with readable(ledger):
        async with open_reader(ledger) as reader:
            record = await run_record(reader, run)
            is_busy = await is_run_going_on(reader, LedgerPaths(ledger).lock)
            frames = [_frame([])]
            for first in range(1, record.input_rows + 1, _BATCH_ROWS):
                span = first, min(first + _BATCH_ROWS - 1, record.input_rows)
                found = await verdicts_between(reader, record.input_id, span, is_busy=is_busy)
                frames.append(_frame(found))
            return frames


def _frame(verdicts: Sequence[RowVerdict]) -> Any:
    import numpy as np  # noqa: PLC0415  # slow to load
    import pandas as pd  # noqa: PLC0415  # as above

    names = [OUTCOME_NAMES[verdict.state] for verdict in verdicts]
    prices = [verdict.price_micros for verdict in verdicts]
    at = np.array([verdict.at_ms for verdict in verdicts], "datetime64[ms]")
    columns = (
        pd.array([verdict.row for verdict in verdicts], "Int64"),
        pd.Categorical(names, categories=list(OUTCOME_NAMES.values())),
        pd.array([verdict.reason for verdict in verdicts], "string"),
        pd.array([verdict.lead_id for verdict in verdicts], "string"),
        pd.array(prices, "Int64") / MICROS_PER_UNIT,
        pd.array([verdict.http_status for verdict in verdicts], "Int64"),
        pd.array([verdict.attempts for verdict in verdicts], "Int64"),
        pd.DatetimeIndex(at).tz_localize("UTC"),
    )
    return pd.DataFrame(dict(zip(VERDICT_COLUMNS, columns, strict=True)))

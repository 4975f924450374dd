"""A results file: the original columns in their order, then what became of each row.

Input and ledger are read side by side, a batch of rows at a time, so memory does not grow with the
input. Every row of the input has one line, in its order; a row that nobody has touched says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from bulkpost.errors import InputError, UsageError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import row_id_of, row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.mapping.settings import MapSettings
from bulkpost.reading import Reader, ReadingSettings, open_reader
from bulkpost.reporting.private_columns import is_private
from bulkpost.reporting.private_file import private_file
from bulkpost.reporting.results_file import WRITERS, ResultsWriter
from bulkpost.reporting.row_life import after_death
from bulkpost.reporting.row_reference import full_reason
from bulkpost.reporting.summary import RunRecord
from bulkpost.reporting.wording import iso_text, price_text
from bulkpost.row import Row

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
_BATCH_ROWS: Final = 2_000
_OUTCOMES: Final = {state: state.name.lower() for state in State} | {
    State.ARMED: "in_flight",
    State.BACK_OFF: "waiting",
}

VerdictCells = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write.

    Attributes:
        target: The file to make.
        format: A name of ``WRITERS``.
        is_raw: Leave cells as they are, even those that a spreadsheet takes for formulas.
        is_forced: Replace an existing file.
        include: Columns to keep although they hold social security numbers.
        is_busy: A run is going on: what has an intent is under way, not left behind.
        column_map: How the run's columns were mapped: it may know such columns by another name.
    """

    target: Path
    format: str = "csv"
    is_raw: bool = False
    is_forced: bool = False
    include: frozenset[str] = frozenset()
    is_busy: bool = False
    column_map: MapSettings = field(default_factory=MapSettings)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        rows: Its rows.
        left_out: Columns that were left out because they hold social security numbers.
    """

    path: Path
    rows: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Selection:
    """The columns that are written, by their places in a row."""

    names: tuple[str, ...]
    places: tuple[int, ...]

    def cells(self, row: Row) -> list[str]:
        """Return a row's cells; those that could not be read are empty."""
        cells, width = row.cells, len(row.cells)
        return [cells[place] if place < width else "" for place in self.places]


async def export_results(
    reader: LedgerReader, record: RunRecord, source: Reader | None, options: ExportOptions
) -> Exported:
    """Write the results of a run's whole input.

    Args:
        reader: The ledger.
        record: The run.
        source: The input, as ``open_original`` returned it; None for row numbers and verdicts only.
        options: What to write.

    Raises:
        UsageError: The target must not be written, or a column to include is not there.
        InputError: The input does not have the rows that the run saw; nothing is left behind.
    """
    selection, left_out = _selection(source, options)
    rows = 0
    with private_file(options.target, is_forced=options.is_forced) as file:
        writer: ResultsWriter = WRITERS[options.format](
            file, selection.names, VERDICT_COLUMNS, is_raw=options.is_raw
        )
        batches = _numbers(record) if source is None else source.batches()
        while (batch := await anyio.to_thread.run_sync(next, batches, None)) is not None:
            verdicts = await _verdicts(
                reader, record.input_id, (batch[0].number, batch[-1].number), options.is_busy
            )
            writer.write(
                (selection.cells(row), verdicts.get(row.number) or _pending(row.number))
                for row in batch
            )
            rows += len(batch)
            fault_point("export.batch")
        if rows != record.input_rows:
            raise InputError(
                f"the input reads as {rows:,} rows, and run {record.run} saw "
                f"{record.input_rows:,}; nothing was written",
                advice="Give the config and flags that the run had: encoding, delimiter, header.",
            )
    return Exported(options.target, rows, left_out)


def open_original(record: RunRecord, path: Path, settings: ReadingSettings) -> Reader:
    """Open the input of a run, and make sure that it is the one.

    Raises:
        InputError: It is not there, cannot be read, or is another file by its content.
    """
    if not path.exists():
        raise InputError(
            f"the input of run {record.run} is not there any more: {path}",
            advice="Name the place where it lies now: --input PATH. Or write row numbers and "
            "verdicts only: --without-input.",
        )
    reader = open_reader(path, settings)
    try:
        _check_same(record, path, reader.digest().digest)
    except BaseException:
        reader.close()
        raise
    return reader


def _check_same(record: RunRecord, path: Path, found: str) -> None:
    if found != record.input_sha256:
        raise InputError(
            f"{path} is not the input of run {record.run}: its content has SHA-256 "
            f"{found[:12]}…, the run's had {record.input_sha256[:12]}…",
            advice="It was edited, re-sorted or has grown. Name the file as it was with "
            "--input PATH, export the run that saw this one, or write row numbers and "
            "verdicts only: --without-input.",
        )


def _selection(source: Reader | None, options: ExportOptions) -> tuple[_Selection, tuple[str, ...]]:
    columns: Sequence[str] = () if source is None else source.columns
    unknown = options.include - set(columns)
    if unknown:
        raise UsageError(
            f"the input has no column {min(unknown)}",
            advice=f"Its columns: {', '.join(columns)[:500]}." if columns else "",
        )
    left_out = {
        place: name
        for place, name in enumerate(columns)
        if name not in options.include and is_private(name, options.column_map)
    }
    kept = [(place, name) for place, name in enumerate(columns) if place not in left_out]
    selection = _Selection(tuple(name for _, name in kept), tuple(place for place, _ in kept))
    return selection, tuple(left_out.values())


def _numbers(record: RunRecord) -> Iterator[list[Row]]:
    for first in range(1, record.input_rows + 1, _BATCH_ROWS):
        last = min(first + _BATCH_ROWS - 1, record.input_rows)
        yield [Row(number, 0, ()) for number in range(first, last + 1)]


async def _verdicts(
    reader: LedgerReader,
    input_id: int,
    span: tuple[int, int],
    is_busy: bool,  # noqa: FBT001  # one place calls it
) -> dict[int, VerdictCells]:
    params = {"first": row_id_of(input_id, span[0]), "last": row_id_of(input_id, span[1])}
    rows = await reader.fetch(sql("export_rows"), params)
    return {row_number_of(row[0]): _cells(row, is_busy=is_busy) for row in rows}


def _cells(row: tuple[Any, ...], *, is_busy: bool) -> VerdictCells:
    row_id, code, reason, lead_id, price_micros, http_status, attempts, at_ms, detail = row
    state = State(code) if is_busy else after_death(State(code))
    return (
        row_number_of(row_id),
        _OUTCOMES[state],
        full_reason(state, reason, detail),
        lead_id or None,
        None if price_micros is None else price_text(price_micros),
        http_status,
        attempts,
        iso_text(at_ms),
    )


def _pending(row_number: int) -> VerdictCells:
    return (row_number, "pending", None, None, None, None, 0, None)

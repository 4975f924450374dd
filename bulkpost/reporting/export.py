"""The results of an input as five files: the original columns, then what became of each row.

Input and ledger are read side by side, a batch of rows at a time, so memory does not grow with the
input. Every row of the input stands in one of the files, in its order; a row that nobody has
touched says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import anyio.to_thread

from bulkpost.errors import InputError, UsageError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.states import State
from bulkpost.mapping.settings import MapSettings
from bulkpost.reading import Reader, ReadingSettings, open_reader
from bulkpost.reporting.private_columns import is_private
from bulkpost.reporting.private_file import check_target, private_files
from bulkpost.reporting.results_file import ROWS_MAX, SUFFIXES, WRITERS
from bulkpost.reporting.results_layout import Layout, ResultsRow, ResultsWriter
from bulkpost.reporting.summary import RunRecord
from bulkpost.reporting.verdicts import PART_OF, Part, RowVerdict, verdicts_between
from bulkpost.reporting.wording import results_stem
from bulkpost.row import Row
from bulkpost.verdict_columns import MEND_FIRST, VERDICT_COLUMNS

_BATCH_ROWS: Final = 2_000
_NOT_TOLD: Final = frozenset({State.INVALID, State.PENDING})


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write.

    Attributes:
        targets: The file to make for each part, all in one folder that is there.
        format: A name of ``WRITERS``.
        is_raw: Leave cells as they are, even those that a spreadsheet takes for formulas.
        is_forced: Replace existing files.
        include: Columns to keep although they hold social security numbers.
        is_busy: A run is going on: what has an intent is under way, not left behind.
        column_map: How the run's columns were mapped: it may know such columns by another name.
    """

    targets: Mapping[Part, Path]
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
        paths: The file of each part.
        rows: The rows in each.
        left_out: Columns that were left out because they hold social security numbers.
    """

    paths: Mapping[Part, Path]
    rows: Mapping[Part, int]
    left_out: tuple[str, ...]


def targets_in(folder: Path, input_path: str, file_format: str) -> dict[Part, Path]:
    """Return where the results of an input go: ``leads-success.csv`` and so on."""
    stem, suffix = results_stem(input_path), SUFFIXES[file_format]
    return {part: folder / f"{stem}-{part}.{suffix}" for part in Part}


async def export_results(
    reader: LedgerReader, record: RunRecord, source: Reader | None, options: ExportOptions
) -> Exported:
    """Write the results of a run's whole input: all files, or none.

    Args:
        reader: The ledger.
        record: The run.
        source: The input, as ``open_original`` returned it; None for row numbers and verdicts only.
        options: What to write.

    Raises:
        UsageError: A target must not be written, a column to include is not there, or the format
            cannot hold the results.
        InputError: The input does not have the rows that the run saw.
    """
    selection, left_out = _selection(source, options)
    layout = Layout(selection.names, VERDICT_COLUMNS, options.is_raw)
    await _check_room(reader, record, options.format)
    rows = dict.fromkeys(Part, 0)
    with ExitStack() as files:
        targets = [options.targets[part] for part in Part]
        drafts = files.enter_context(private_files(targets, is_forced=options.is_forced))
        opened = WRITERS[options.format]
        writers = [files.enter_context(opened(draft, layout)) for draft in drafts]
        splitter = _Splitter(selection, dict(zip(Part, writers, strict=True)), rows)
        batches = _numbers(record) if source is None else source.batches()
        while (batch := await anyio.to_thread.run_sync(next, batches, None)) is not None:
            span = batch[0].number, batch[-1].number
            found = await verdicts_between(reader, record.input_id, span, is_busy=options.is_busy)
            splitter.write(batch, found)
            fault_point("export.batch")
        _check_rows(sum(rows.values()), record)
    return Exported(options.targets, rows, left_out)


async def _check_room(reader: LedgerReader, record: RunRecord, file_format: str) -> None:
    """Refuse a format that cannot hold the rows of a part, before any is written."""
    rows_max = ROWS_MAX.get(file_format)
    if rows_max is None or record.input_rows <= rows_max:
        return
    counts = await reader.state_counts(record.input_id, record.input_rows)
    rows = dict.fromkeys(Part, 0) | {Part.UNSENT: record.input_rows - sum(counts.values())}
    for state, count in counts.items():
        rows[PART_OF[state]] += count
    largest = max(rows, key=lambda part: rows[part])
    if rows[largest] > rows_max:
        raise UsageError(
            f"a sheet of Excel has room for {rows_max:,} rows, and the part {largest} has "
            f"{rows[largest]:,}",
            advice="Choose --format csv or parquet.",
        )


def check_targets(options: ExportOptions) -> None:
    """Refuse targets that must not be written, before the work is done.

    Raises:
        UsageError: As ``export_results``.
    """
    for target in options.targets.values():
        check_target(target, is_forced=options.is_forced)


def open_original(record: RunRecord, path: Path, settings: ReadingSettings) -> Reader:
    """Open the input of a run, and make sure that it is the one.

    Raises:
        InputError: It is not there, cannot be read, or is another file by its content.
    """
    if not path.exists():
        raise InputError(
            f"the input of run {record.run} is not there any more: {path}",
            advice="Name the place where it lies now: --input PATH. Or write row numbers and "
            "verdicts only: --no-join.",
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
            "verdicts only: --no-join.",
        )


def _check_rows(rows: int, record: RunRecord) -> None:
    if rows != record.input_rows:
        raise InputError(
            f"the input reads as {rows:,} rows, and run {record.run} saw "
            f"{record.input_rows:,}; nothing was written",
            advice="Give the config and flags that the run had: encoding, delimiter, header.",
        )


@dataclass(frozen=True, slots=True)
class _Selection:
    """The columns that are written, by their places in a row.

    Attributes:
        names: Their names.
        places: Their places.
        width: How many cells a row has whose cells could be told.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    width: int

    def cells(self, row: Row) -> list[str]:
        """Return a row's cells; those that could not be read are empty.

        Where cells are missing or too many, a number that is to be left out may stand in any.
        """
        cells, width = row.cells, len(row.cells)
        if width != self.width and len(self.places) < self.width:
            return [""] * len(self.places)
        return [cells[place] if place < width else "" for place in self.places]


@dataclass(frozen=True, slots=True)
class _Splitter:
    """Puts each row into the file of its part."""

    selection: _Selection
    writers: Mapping[Part, ResultsWriter]
    rows: dict[Part, int]

    def write(self, batch: Sequence[Row], verdicts: Sequence[RowVerdict]) -> None:
        """Write a batch of rows with their verdicts."""
        parts: dict[Part, list[ResultsRow]] = {}
        for row, verdict in zip(batch, verdicts, strict=True):
            cells = self.selection.cells(row)
            whole = list(map(_whole, cells)) if not "".join(cells).isascii() else cells
            told = verdict if row.defect is None else _to_mend(verdict, row.defect)
            parts.setdefault(told.part, []).append((whole, told.values()))
        for part, rows in parts.items():
            self.writers[part].write(rows)
            self.rows[part] += len(rows)


def _whole(cell: str) -> str:
    """Return a cell that can be written as UTF-8: half a character is spelled out."""
    return cell.encode("utf-8", "backslashreplace").decode("utf-8")


def _to_mend(verdict: RowVerdict, defect: str) -> RowVerdict:
    """Mark a row whose text is not what it was: as it stands, it would be another lead."""
    if verdict.state not in _NOT_TOLD:
        return verdict
    reason = defect if verdict.state is State.PENDING else verdict.reason or defect
    return replace(verdict, reason=f"{reason}: {MEND_FIRST}")


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
    places, names = tuple(place for place, _ in kept), tuple(name for _, name in kept)
    return _Selection(names, places, len(columns)), tuple(left_out.values())


def _numbers(record: RunRecord) -> Iterator[list[Row]]:
    for first in range(1, record.input_rows + 1, _BATCH_ROWS):
        last = min(first + _BATCH_ROWS - 1, record.input_rows)
        yield [Row(number, 0, ()) for number in range(first, last + 1)]

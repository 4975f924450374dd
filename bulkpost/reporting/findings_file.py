"""Every finding about every value, as a file: where it is, what it is, what to do. No cell's text.

Written as it is found, so memory does not grow with the list.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TextIO

from bulkpost.checking.examination import Found
from bulkpost.errors import UsageError
from bulkpost.reporting.private_file import (
    as_text,
    check_not_needed,
    check_target,
    private_bytes,
)
from bulkpost.reporting.results_file import CsvWriter

COLUMNS: Final = ("input", "row", "line", "column", "field", "type", "code", "message", "advice")
_NUMBERS: Final = frozenset({"row", "line"})
_SUFFIXES: Final = (".csv", ".parquet")
_GROUP_ROWS: Final = 10_000


class FindingsWriter(Protocol):
    """Writes findings as they come."""

    def write(self, name: str, found: Iterable[Found]) -> None:
        """Write what was found in an input of this name."""
        ...


def check_findings_target(
    target: Path, ledger: Path, inputs: Iterable[Path], *, is_forced: bool
) -> None:
    """Refuse a file that must not or cannot be written, before the work is done.

    Raises:
        UsageError: It is the ledger or an input, exists and is not to be replaced, or its suffix
            says no format.
    """
    if target.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"the name of a file of findings ends in .csv or .parquet: {target}",
            command=f"bulkpost check ... --findings {target.with_suffix('.csv').name}",
        )
    for original in inputs:
        check_not_needed(target, ledger, original)
    check_target(target, is_forced=is_forced)


@contextmanager
def findings_file(target: Path, *, is_forced: bool) -> Iterator[FindingsWriter]:
    """Open a file of findings; it takes its name when all is written.

    Raises:
        UsageError, BulkpostError: As ``private_bytes``.
    """
    open_writer = _parquet if target.suffix.lower() == ".parquet" else _csv
    with private_bytes(target, is_forced=is_forced) as file, open_writer(file) as writer:
        yield writer


def _cells(name: str, found: Found) -> tuple[str | int, ...]:
    column, finding = found.column, found.finding
    return (
        name,
        found.row.number,
        found.row.line_number,
        column.header,
        column.field,
        column.type.value,
        finding.code,
        finding.message,
        finding.advice,
    )


class _CsvWriter:
    """As every file for spreadsheets, with nothing but columns of ours."""

    def __init__(self, file: TextIO) -> None:
        self._writer = CsvWriter(file, (), COLUMNS, is_raw=False)

    def write(self, name: str, found: Iterable[Found]) -> None:
        self._writer.write(((), _cells(name, entry)) for entry in found)


@contextmanager
def _csv(file: BinaryIO) -> Iterator[_CsvWriter]:
    with as_text(file) as text:
        yield _CsvWriter(text)


class _ParquetWriter:
    def __init__(self, writer: Any, schema: Any) -> None:
        self._writer = writer
        self._schema = schema
        self._rows: list[tuple[str | int, ...]] = []

    def write(self, name: str, found: Iterable[Found]) -> None:
        self._rows += (_cells(name, entry) for entry in found)
        if len(self._rows) >= _GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415  # slow to load

        columns = list(zip(*self._rows, strict=True)) or [()] * len(COLUMNS)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


@contextmanager
def _parquet(file: BinaryIO) -> Iterator[_ParquetWriter]:
    import pyarrow as pa  # noqa: PLC0415  # slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    schema = pa.schema(
        [(name, pa.int64() if name in _NUMBERS else pa.string()) for name in COLUMNS]
    )
    with pq.ParquetWriter(file, schema, compression="zstd") as parquet:
        writer = _ParquetWriter(parquet, schema)
        yield writer
        writer.flush()

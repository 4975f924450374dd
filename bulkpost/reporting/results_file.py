"""One writer per format behind one protocol: rows in, a file out."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TextIO

from bulkpost.reporting.private_file import Draft, as_text
from bulkpost.reporting.results_layout import Layout, ResultsRow, ResultsWriter, distinct, plain
from bulkpost.spreadsheet import harmless

# Opens a writer on a draft; what it holds back is written when its context ends.
WriterFactory = Callable[[Draft, Layout], AbstractContextManager[ResultsWriter]]


class _UnixLines:
    """Takes a row at a time that ends in CR LF, and writes it with LF."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        """Write a row."""
        return self._file.write(row.removesuffix("\r\n") + "\n")


class CsvWriter:
    """Comma-separated UTF-8 with a header; an unknown value is an empty cell."""

    def __init__(
        self, file: TextIO, columns: Sequence[str], verdicts: Sequence[str], *, is_raw: bool
    ) -> None:
        # csv quotes what stands in its line terminator: a bare CR would else end the row for
        # whoever reads the file, and begin a cell with whatever comes behind it.
        self._writer = csv.writer(_UnixLines(file), lineterminator="\r\n")
        self._is_raw = is_raw
        self._writer.writerow([*self._cells(columns), *verdicts])

    def write(self, rows: Iterable[ResultsRow]) -> None:
        """Write rows."""
        self._writer.writerows(
            [*self._cells(cells), *(self._verdict(plain(value)) for value in verdict)]
            for cells, verdict in rows
        )

    def _cells(self, cells: Sequence[str]) -> Sequence[str]:
        return cells if self._is_raw else [harmless(cell) for cell in cells]

    def _verdict(self, value: str | int | None) -> str | int | None:
        return harmless(value) if isinstance(value, str) and not self._is_raw else value


class JsonLinesWriter:
    """A JSON object per line; cells stay as they are, for no spreadsheet opens this."""

    def __init__(self, file: TextIO, columns: Sequence[str], verdicts: Sequence[str]) -> None:
        distinct(columns)
        self._file = file
        self._names = (*columns, *verdicts)

    def write(self, rows: Iterable[ResultsRow]) -> None:
        """Write rows."""
        for cells, verdict in rows:
            values = (*cells, *map(plain, verdict))
            entry = dict(zip(self._names, values, strict=True))
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")


@contextmanager
def _csv(draft: Draft, layout: Layout) -> Iterator[ResultsWriter]:
    with as_text(draft.file) as text:
        yield CsvWriter(text, layout.columns, layout.verdicts, is_raw=layout.is_raw)


@contextmanager
def _json_lines(draft: Draft, layout: Layout) -> Iterator[ResultsWriter]:
    with as_text(draft.file) as text:
        yield JsonLinesWriter(text, layout.columns, layout.verdicts)


@contextmanager
def _parquet(draft: Draft, layout: Layout) -> Iterator[ResultsWriter]:
    from bulkpost.reporting.results_parquet import parquet_writer  # noqa: PLC0415  # slow to load

    with parquet_writer(draft, layout) as writer:
        yield writer


@contextmanager
def _excel(draft: Draft, layout: Layout) -> Iterator[ResultsWriter]:
    from bulkpost.reporting.results_excel import excel_writer  # noqa: PLC0415  # an extra

    with excel_writer(draft, layout) as writer:
        yield writer


WRITERS: Final[dict[str, WriterFactory]] = {
    "csv": _csv,
    "jsonl": _json_lines,
    "parquet": _parquet,
    "excel": _excel,
}
SUFFIXES: Final = {"csv": "csv", "jsonl": "jsonl", "parquet": "parquet", "excel": "xlsx"}
# Where a format has a limit of rows, beside the header.
ROWS_MAX: Final = {"excel": 1_048_575}

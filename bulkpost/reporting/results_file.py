"""One writer per format behind one protocol: rows in, a file out."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TextIO

from bulkpost.reporting.spreadsheet import harmless


class ResultsWriter(Protocol):
    """Writes results, a batch at a time."""

    def write(self, rows: Iterable[tuple[Sequence[str], Sequence[str | int | None]]]) -> None:
        """Write rows: the original cells, then what became of them."""
        ...


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

    def write(self, rows: Iterable[tuple[Sequence[str], Sequence[str | int | None]]]) -> None:
        """Write rows."""
        self._writer.writerows(
            [*self._cells(cells), *(self._verdict(value) for value in verdict)]
            for cells, verdict in rows
        )

    def _cells(self, cells: Sequence[str]) -> Sequence[str]:
        return cells if self._is_raw else [harmless(cell) for cell in cells]

    def _verdict(self, value: str | int | None) -> str | int | None:
        return harmless(value) if isinstance(value, str) and not self._is_raw else value


class JsonLinesWriter:
    """A JSON object per line; cells stay as they are, for no spreadsheet opens this."""

    def __init__(
        self, file: TextIO, columns: Sequence[str], verdicts: Sequence[str], *, is_raw: bool
    ) -> None:
        del is_raw  # it always is
        self._file = file
        self._names = (tuple(columns), tuple(verdicts))

    def write(self, rows: Iterable[tuple[Sequence[str], Sequence[str | int | None]]]) -> None:
        """Write rows."""
        columns, verdicts = self._names
        for cells, verdict in rows:
            values = dict(zip(columns, cells, strict=True)) | dict(
                zip(verdicts, verdict, strict=True)
            )
            self._file.write(json.dumps(values, ensure_ascii=False) + "\n")


WriterFactory = Callable[..., ResultsWriter]
WRITERS: Final[dict[str, WriterFactory]] = {"csv": CsvWriter, "jsonl": JsonLinesWriter}

"""Parquet: typed columns become text, a batch at a time, whatever the size of a row group."""

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from bulkpost.errors import InputError
from bulkpost.reading.columns import Columns, UnusableColumn, columns_of
from bulkpost.reading.content import Content
from bulkpost.reading.digest import ContentDigest, digest_of
from bulkpost.reading.formats import InputFormat, InputKind
from bulkpost.reading.settings import ReadingSettings
from bulkpost.reading.text_form import texts_of, why_unusable
from bulkpost.row import Position, Row

# Column chunks are read through buffers of this size; whole, they are as large as a row group.
_BUFFER_BYTES = 256 * 1024
_FIRST = Position(1, 0, 1)


class ParquetReader:
    """Rows of a Parquet input. See ``bulkpost.reading.reader.Reader``.

    Raises:
        InputError: The file is cut off, damaged or encrypted, or has too many columns.
    """

    def __init__(self, content: Content, settings: ReadingSettings) -> None:
        self._content = content
        self.path: Path = content.path
        self.format = InputFormat(InputKind.PARQUET)
        self.is_resumable = True
        self.position = _FIRST
        self._settings = settings
        self._pass: Generator[list[Row]] | None = None
        self._file = self._opened()
        try:
            self._columns = self._named(self._file.schema_arrow)
        except BaseException:
            self._file.close()
            raise

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names without outer white space."""
        return self._columns.names

    @property
    def trimmed(self) -> tuple[str, ...]:
        """The names as written of which something was trimmed."""
        return self._columns.trimmed

    @property
    def unusable_columns(self) -> tuple[UnusableColumn, ...]:
        """Columns that hold lists, structs, maps or bytes; their cells are empty."""
        return self._columns.unusable

    def batches(self, start: Position | None = None) -> Iterator[list[Row]]:
        """Begin a pass at a position, by default at the first row."""
        if self._pass is not None:
            self._pass.close()
        self._pass = self._batches(start or _FIRST)
        return self._pass

    def digest(self, at: Iterable[int] = ()) -> ContentDigest:
        """Hash the content. See ``digest_content``."""
        return digest_of(self._content, at)

    def close(self) -> None:
        """End the pass and let go of the file."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _opened(self) -> Any:
        try:
            return pq.ParquetFile(self.path, pre_buffer=False, buffer_size=_BUFFER_BYTES)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged() from error

    def _damaged(self) -> InputError:
        return InputError(
            f"{self.path.name} is cut off, damaged or encrypted: it cannot be read as Parquet.",
            advice="Get the file again and compare its size with the original's, or write it"
            " without encryption.",
        )

    def _named(self, schema: Any) -> Columns:
        found = columns_of(schema.names, self._settings.columns_max, self.path.name)
        reasons = zip(found.names, map(why_unusable, schema.types), strict=True)
        unusable = tuple(UnusableColumn(name, why) for name, why in reasons if why)
        return Columns(found.names, found.trimmed, unusable)

    def _batches(self, start: Position) -> Generator[list[Row]]:
        self.position = start
        size = self._settings.batch_rows
        rows: list[Row] = []
        for fresh in self._rows_from(start.row_number):
            rows += fresh
            while rows and rows[-1].number // size > (rows[0].number - 1) // size:
                wanted = size - (rows[0].number - 1) % size
                yield self._handed(rows[:wanted])
                rows = rows[wanted:]
        if rows:
            yield self._handed(rows)

    def _handed(self, rows: list[Row]) -> list[Row]:
        number = rows[-1].number + 1
        self.position = Position(number, 0, number)
        return rows

    def _rows_from(self, row_number: int) -> Iterator[list[Row]]:
        """Yield rows from that number on, beginning with the row group that holds it."""
        groups, number = self._groups_from(row_number)
        if not groups:
            return
        batches = self._file.iter_batches(
            self._settings.batch_rows,
            row_groups=groups,
            columns=self._usable_names(),
            use_threads=False,  # each thread would keep pages of its own
        )
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise self._damaged() from error
            if batch is None:
                return
            skipped = min(batch.num_rows, max(0, row_number - number))
            number += batch.num_rows
            if skipped < batch.num_rows:
                yield self._rows(batch.slice(skipped), number - batch.num_rows + skipped)

    def _groups_from(self, row_number: int) -> tuple[list[int], int]:
        metadata = self._file.metadata
        first = 1
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if first + rows > row_number:
                return list(range(group, metadata.num_row_groups)), first
            first += rows
        return [], first

    def _usable_names(self) -> list[str] | None:
        """Return the columns worth reading; None, for all, where names do not tell them apart."""
        names = self._file.schema_arrow.names
        if not self.unusable_columns or len(set(names)) != len(names):
            return None
        kinds = self._file.schema_arrow.types
        return [name for name, kind in zip(names, kinds, strict=True) if not why_unusable(kind)]

    def _rows(self, batch: Any, number: int) -> list[Row]:
        defects: dict[int, str] = {}
        numbers = range(number, number + batch.num_rows)
        columns = [self._texts(column, defects) for column in self._aligned(batch)]
        cells = zip(*columns, strict=True) if columns else (() for _ in numbers)
        rows = list(map(Row, numbers, numbers, cells))
        for place, defect in defects.items():
            row = rows[place]
            rows[place] = Row(row.number, row.line_number, row.cells, defect)
        return rows

    def _aligned(self, batch: Any) -> Iterator[Any]:
        """Yield a column per name of the header; None where it is unusable."""
        read = iter(batch.columns)
        is_partial = self._usable_names() is not None
        for kind in self._file.schema_arrow.types:
            if not why_unusable(kind):
                yield next(read)
                continue
            if not is_partial:
                next(read)
            yield pa.nulls(batch.num_rows)

    def _texts(self, column: Any, defects: dict[int, str]) -> list[str]:
        try:
            texts = texts_of(column)
        except UnicodeDecodeError:
            return _mended(column, defects)
        limit = self._settings.cell_bytes_max
        joined_chars = sum(map(len, texts))
        if joined_chars * 4 > limit or "\0" in "".join(texts):
            for place, text in enumerate(texts):
                if "\0" in text:
                    defects[place] = "a cell holds a NUL character"
                elif len(text) * 4 > limit and len(text.encode()) > limit:
                    defects[place] = f"a cell is longer than {limit:,} bytes"
        return texts


def _mended(column: Any, defects: dict[int, str]) -> list[str]:
    texts: list[str] = []
    for place, raw in enumerate(column.cast(pa.large_binary()).to_pylist()):
        try:
            texts.append((raw or b"").decode())
        except UnicodeDecodeError:
            texts.append(raw.decode("utf-8", "backslashreplace"))
            defects[place] = "a cell is not UTF-8"
    return texts

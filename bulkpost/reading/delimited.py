"""CSV and TSV: every cell stays the text it was, and a bad row spoils no other.

The standard library's ``csv`` in strict mode reads the records; this module knows where each began
and what is wrong with it. A quote inside an unquoted cell (``5" disk``) is text. Text after a
closing quote makes the row invalid: where its cells end cannot be told. If that quote closed more
than a hundred lines on, or never, the input is refused: the rows between would be lost in one.

Blank lines are no rows and take no row number, in a file of one column too; there an empty cell is
written ``""``. A line of blanks is a row.
"""

import csv
from contextlib import closing
from itertools import islice
from typing import Any

from bulkpost.errors import InputError
from bulkpost.reading.columns import Columns, columns_by_place, columns_of
from bulkpost.reading.content import Content
from bulkpost.reading.delimiter import likely_delimiter, stated_delimiter
from bulkpost.reading.formats import InputFormat, InputKind
from bulkpost.reading.lines import LineFeed
from bulkpost.reading.settings import ReadingSettings
from bulkpost.reading.text import TextReader
from bulkpost.row import Position, Row

_SAMPLE_LINES_MAX = 1_000
_SAMPLE_CHARS_MAX = 4 * 1024 * 1024
_BROKEN_LINES_MAX = 100
_TAB_SUFFIXES = frozenset({".tsv", ".tab"})


def open_delimited(content: Content, settings: ReadingSettings) -> TextReader:
    """Find the delimiter, read the header and return a reader of the rows after it.

    Without a header the first row says how many columns there are.

    Raises:
        InputError: The first line cannot be read or has too many columns.
    """
    # The limit is one for the whole process and counts characters; ours is checked beside it.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * settings.record_bytes_max))
    start = Position(1, content.encoding.mark_bytes, 1)
    delimiter, start = _delimiter(content, settings, start)
    columns, first = _header(content, settings, delimiter, start)
    input_format = InputFormat(
        InputKind.TSV if delimiter == "\t" else InputKind.CSV,
        content.compression,
        content.encoding.codec,
        delimiter,
        content.encoding.has_bom,
        settings.header,
    )

    def new_source(feed: LineFeed, row_number: int) -> DelimitedRows:
        return DelimitedRows(feed, delimiter, len(columns.names), settings, row_number)

    return TextReader(content, settings, (input_format, columns, first), new_source)


class DelimitedRows:
    """The rows of one pass. See ``RowSource``."""

    def __init__(
        self,
        feed: LineFeed,
        delimiter: str,
        width: int,
        settings: ReadingSettings,
        row_number: int,
    ) -> None:
        self._feed = feed
        self._records = csv.reader(feed, delimiter=delimiter, strict=True)
        self._width = width
        self._settings = settings
        self._row_number = row_number
        self._is_suspect = False

    @property
    def is_resumable(self) -> bool:
        """Whether no broken quote makes the next row suspect."""
        return not self._is_suspect

    @property
    def position(self) -> Position:
        """Just before the next row."""
        return self._feed.position(self._row_number)

    def batch(self) -> list[Row]:
        """Return the next rows, none at the end.

        Raises:
            InputError: A quote is never closed.
        """
        rows: list[Row] = []
        number = self._row_number
        wanted = self._settings.batch_rows - (number - 1) % self._settings.batch_rows
        self._feed.begin_batch()
        while len(rows) < wanted:
            try:
                self._read_into(rows, wanted)
                break
            except csv.Error as error:
                rows.append(self._broken(error, number + len(rows)))
        self._row_number = number + len(rows)
        return rows

    def _read_into(self, rows: list[Row], wanted: int) -> None:
        """Append rows until there are enough. The hot loop: what is rare goes elsewhere."""
        feed, records, width, append = self._feed, self._records, self._width, rows.append
        flagged, number = feed.flagged, self._row_number + len(rows)
        first_line = feed.line_number(0)
        for cells in records:
            if len(cells) == width and not flagged and not self._is_suspect:
                append(Row(number, first_line + feed.lines_done, tuple(cells)))
                number += 1
            elif cells or flagged:
                row = self._looked_at(cells, number)
                if row is not None:
                    append(row)
                    number += 1
            feed.lines_done = records.line_num
            if len(rows) >= wanted or (rows and feed.is_batch_full):
                return

    def _looked_at(self, cells: list[str], number: int) -> Row | None:
        """Return a row that needs more than a glance; None for a blank line."""
        line, end = self._feed.lines_done, self._records.line_num
        flag = self._feed.take_flag(end)
        if not cells and not flag:
            return None
        defect = flag or self._misfit(cells) or self._oversize(cells, flag)
        if self._is_suspect:
            if not defect and self._feed.quotes_in_record(end) % 2:
                defect = "the row may belong to the one before it, whose quotes do not pair"
            self._is_suspect = defect is not None
        if len(cells) < self._width and self._settings.short_rows == "pad":
            cells += [""] * (self._width - len(cells))
        return Row(number, self._feed.line_number(line), tuple(cells), defect)

    def _misfit(self, cells: list[str]) -> str | None:
        if len(cells) > self._width:
            return f"{len(cells)} cells where the header has {self._width} columns"
        if len(cells) < self._width and self._settings.short_rows == "invalid":
            return f"only {len(cells)} of {self._width} cells"
        return None

    def _oversize(self, cells: list[str], flag: str | None) -> str | None:
        limit = self._settings.cell_bytes_max
        if flag is not None and any(map(self._feed.is_oversize, cells)):
            return f"a cell is longer than {limit:,} bytes"
        return None

    def _broken(self, error: csv.Error, number: int) -> Row:
        """Return the row whose quotes do not pair, and go on after its last line."""
        line, end = self._feed.lines_done, self._records.line_num
        # A quote that is closed by one of a row far below has swallowed the rows between them.
        if "unexpected end of data" in str(error) or end - line > _BROKEN_LINES_MAX:
            raise self._feed.unclosed_quote() from None
        flag = self._feed.take_flag(end)
        self._is_suspect = True
        self._feed.lines_done = end
        lines = f"; the row takes {end - line} lines" if end - line > 1 else ""
        defect = flag or f"text follows the closing quote of a cell{lines}"
        return Row(number, self._feed.line_number(line), (), defect)


def _delimiter(
    content: Content, settings: ReadingSettings, start: Position
) -> tuple[str, Position]:
    """Return the delimiter and where the header begins."""
    with closing(content.open(start.offset_bytes)) as source:
        feed = LineFeed(source, content, start, settings)
        lines: list[str] = []
        chars = 0
        for line, text in enumerate(islice(feed, _SAMPLE_LINES_MAX), 1):
            feed.lines_done = line
            stated = stated_delimiter(text) if line == 1 else ""
            if stated:
                return settings.delimiter or stated, feed.position(1)
            lines.append(text)
            chars += len(text)
            if chars > _SAMPLE_CHARS_MAX:
                break
    if settings.delimiter:
        return settings.delimiter, start
    name = content.path.with_suffix("") if content.compression else content.path
    is_named_tsv = name.suffix.lower() in _TAB_SUFFIXES
    if settings.format == "tsv" or (settings.format == "auto" and is_named_tsv):
        return "\t", start
    return likely_delimiter(lines), start


def _header(
    content: Content, settings: ReadingSettings, delimiter: str, start: Position
) -> tuple[Columns, Position]:
    """Return the columns and where the first row begins; no columns if there is nothing."""
    with closing(content.open(start.offset_bytes)) as source:
        feed = LineFeed(source, content, start, settings)
        records = csv.reader(feed, delimiter=delimiter, strict=True)
        cells = _first_record(records, feed, settings)
        defect = feed.take_flag(records.line_num)
        if defect:
            raise _unusable_start(feed, settings, defect)
        if not settings.header:
            return columns_by_place(len(cells), settings.columns_max, feed.name), start
        feed.lines_done = records.line_num
        return columns_of(cells, settings.columns_max, feed.name), feed.position(1)


def _first_record(records: Any, feed: LineFeed, settings: ReadingSettings) -> list[str]:
    try:
        cells: list[str]
        for cells in records:
            if cells:
                return cells
            feed.lines_done = records.line_num
    except csv.Error:
        raise _unusable_start(feed, settings, "its quotes do not pair") from None
    return []


def _unusable_start(feed: LineFeed, settings: ReadingSettings, defect: str) -> InputError:
    what = "the header" if settings.header else "the first row, which tells the columns,"
    line = feed.line_number(feed.lines_done)
    return InputError(
        f"{feed.name}, line {line:,}: {what} cannot be used: {defect}.",
        advice="Correct that line.",
    )

"""A reader for every format that is lines of text; a row source per format does the rest."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol, Self

from bulkpost.reading.columns import Columns, UnusableColumn
from bulkpost.reading.content import Content
from bulkpost.reading.digest import ContentDigest, digest_of
from bulkpost.reading.formats import InputFormat
from bulkpost.reading.lines import LineFeed
from bulkpost.reading.settings import ReadingSettings
from bulkpost.row import Position, Row


class RowSource(Protocol):
    """Makes rows of the lines of one pass."""

    @property
    def is_resumable(self) -> bool:
        """Whether what follows reads the same without what came before."""
        ...

    @property
    def position(self) -> Position:
        """Just before the next row."""
        ...

    def batch(self) -> list[Row]:
        """Return the next rows, none at the end."""
        ...


class TextReader:
    """Rows of a text input. See ``bulkpost.reading.reader.Reader``."""

    def __init__(
        self,
        content: Content,
        settings: ReadingSettings,
        layout: tuple[InputFormat, Columns, Position],
        new_source: Callable[[LineFeed, int], RowSource],
    ) -> None:
        self.format, self._columns, self._first = layout
        self._content = content
        self._settings = settings
        self._new_source = new_source
        self._source: RowSource | None = None
        self._pass: Generator[list[Row]] | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._content.path

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
        """None: text is text."""
        return self._columns.unusable

    @property
    def position(self) -> Position:
        """Just after the batch that was last handed over."""
        return self._source.position if self._source else self._first

    @property
    def is_resumable(self) -> bool:
        """Whether ``position`` may serve as a start."""
        return self._source.is_resumable if self._source else True

    def batches(self, start: Position | None = None) -> Iterator[list[Row]]:
        """Begin a pass at a position, by default at the first row."""
        self.close()
        self._pass = self._batches(start or self._first)
        return self._pass

    def digest(self, at: Iterable[int] = ()) -> ContentDigest:
        """Hash the content. See ``digest_content``."""
        return digest_of(self._content, at)

    def close(self) -> None:
        """End the pass and let go of the file."""
        if self._pass is not None:
            self._pass.close()
        self._pass = self._source = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _batches(self, start: Position) -> Generator[list[Row]]:
        with closing(self._content.open(start.offset_bytes)) as source:
            feed = LineFeed(source, self._content, start, self._settings)
            self._source = self._new_source(feed, start.row_number)
            while rows := self._source.batch():
                yield rows

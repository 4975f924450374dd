"""What every reader of an input can do: rows out, with row number and position."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, Self

from bulkpost.reading.columns import UnusableColumn
from bulkpost.reading.digest import ContentDigest
from bulkpost.reading.formats import InputFormat
from bulkpost.row import Position, Row


class Reader(Protocol):
    """Reads one input, as often as asked. Blocking; one pass at a time; close it."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def format(self) -> InputFormat:
        """How it is read."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names without outer white space; they may repeat or be empty."""
        ...

    @property
    def trimmed(self) -> tuple[str, ...]:
        """The names as written of which something was trimmed."""
        ...

    @property
    def unusable_columns(self) -> tuple[UnusableColumn, ...]:
        """Columns whose values have no text form; their cells are empty."""
        ...

    @property
    def position(self) -> Position:
        """Just after the batch that was last handed over."""
        ...

    @property
    def is_resumable(self) -> bool:
        """Whether ``position`` may serve as a start: it may not amid rows with broken quotes."""
        ...

    def batches(self, start: Position | None = None) -> Iterator[list[Row]]:
        """Begin a pass, and end the one before it.

        Batches are never empty. They end where a row number is a multiple of ``batch_rows``, and
        earlier where rows are long. A row without ``defect`` has a cell for every column.

        Args:
            start: A position that this reader's input had with ``is_resumable``; None is the first
                row.

        Raises:
            InputError: While iterating: the rest of the input cannot be read as rows.
        """
        ...

    def digest(self, at: Iterable[int] = ()) -> ContentDigest:
        """Hash the content. See ``digest_content``."""
        ...

    def close(self) -> None:
        """End the pass and let go of the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_exception: object) -> None: ...

"""An input while it is submitted: what is sent is what was read when it was taken in.

Lists are overwritten, cut off, appended to and moved away while a run goes on. After every batch of
rows, and before any of them is handed on, the file is looked at: its device, inode, size and times,
and its digest where one of these has changed. The time of modification can be set to what it was,
the time of change cannot. So no row is sent that was read after a change. Rows
that were only added are left for the next run.
"""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any

from bulkpost.app.order import Batch, Stamp
from bulkpost.errors import InputError
from bulkpost.row import Position, Row


class Condition(Enum):
    """What became of an input since it was taken in."""

    SAME = auto()
    GROWN = auto()  # every row that was taken in still stands there
    CHANGED = auto()  # overwritten, cut off, replaced or gone


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file is written to or replaced.

    Raises:
        InputError: It is gone.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened any more: {error.strerror or error}.",
            advice="Let nobody move or delete a list that is to be submitted.",
        ) from None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class SteadySource:
    """The rows of an input for as long as it is the one that was taken in. Blocking.

    Attributes:
        reader: The input.
        record: What was taken in of it.
        condition: As last seen. Once changed it stays so, and no more rows come.
    """

    def __init__(self, batch: Batch[Any]) -> None:
        self.condition = Condition.SAME
        self.reader = batch.reader
        self.record = batch.intake.record
        self._stamp = batch.stamp

    @property
    def path(self) -> Path:
        """The file, for messages."""
        return self.reader.path

    def batches(self, start: Position | None = None) -> Iterator[Sequence[Row]]:
        """Yield rows from a position on, until the input changes.

        Raises:
            InputError: The rest cannot be read as rows although the input is the same.
        """
        try:
            for rows in self.reader.batches(start):
                if self.look() is Condition.CHANGED:
                    return
                yield rows
        except InputError:
            if self.look() is not Condition.CHANGED:
                raise

    def look(self) -> Condition:
        """Find out what has become of the input."""
        if self.condition is not Condition.CHANGED:
            try:
                self.condition = self._compared()
            except InputError:  # gone, or cut off amid what is packed
                self.condition = Condition.CHANGED
        return self.condition

    def _compared(self) -> Condition:
        stamp = stamp_of(self.reader.path)
        if stamp == self._stamp:
            return self.condition
        record = self.record
        found = self.reader.digest([record.size_bytes])
        self._stamp = stamp  # taken before the bytes: a later change shows again
        if found.digest == record.digest:
            return Condition.SAME
        is_beginning = found.prefixes.get(record.size_bytes) == record.digest
        return Condition.GROWN if is_beginning else Condition.CHANGED

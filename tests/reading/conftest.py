from collections.abc import Callable
from pathlib import Path

import pytest

from bulkpost.reading import Reader, ReadingSettings, open_reader
from bulkpost.row import Row


class Seen:
    """What one whole reading of some bytes gave."""

    def __init__(self, reader: Reader) -> None:
        self.columns = reader.columns
        self.trimmed = reader.trimmed
        self.description = reader.format.description
        self.rows: list[Row] = [row for batch in reader.batches() for row in batch]

    @property
    def cells(self) -> list[tuple[str, ...]]:
        return [row.cells for row in self.rows]

    @property
    def bad(self) -> dict[int, tuple[int, str]]:
        """Row number to line number and defect, of the bad rows."""
        return {row.number: (row.line_number, row.defect) for row in self.rows if row.defect}

    @property
    def good(self) -> list[tuple[str, ...]]:
        return [row.cells for row in self.rows if row.defect is None]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Seen]:
    """Read bytes as an input of that name with those settings."""

    def read_bytes(content: bytes, name: str = "leads.csv", **settings: object) -> Seen:
        path = tmp_path / name
        path.write_bytes(content)
        with open_reader(path, ReadingSettings(**settings)) as reader:  # type: ignore[arg-type]  # whatever a test sets
            return Seen(reader)

    return read_bytes

"""A file that ``export`` wrote, read back as the list that it came from.

Told by its columns. What ``export`` added is taken away again: the columns of the verdict, and the
apostrophes that keep spreadsheets from running a cell. So a row has the key that it had, and one
that nobody changed is recognised. How the original list is read (``--encoding``, ``--delimiter``,
``--no-header``) does not hold for such a file, which is UTF-8 with a header unless a spreadsheet
has saved it anew.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

import msgspec

from bulkpost.errors import InputError
from bulkpost.reading.columns import UnusableColumn
from bulkpost.reading.content import Content, content_of
from bulkpost.reading.digest import ContentDigest
from bulkpost.reading.formats import InputFormat, InputKind
from bulkpost.reading.protocol import Reader
from bulkpost.reading.settings import ReadingSettings
from bulkpost.row import Position, Row
from bulkpost.spreadsheet import original
from bulkpost.verdict_columns import MEND_FIRST, REASON_COLUMN, VERDICT_COLUMNS

_HEAD_BYTES: Final = 256 * 1024
_UNMENDED: Final = (
    f"not mended: it could not be read when it was exported (once it is, empty its {REASON_COLUMN})"
)
_CHUNK_BYTES: Final = 1024 * 1024
_OWN_NAMES: Final = re.compile("|".join(rf"\b{name}\b" for name in VERDICT_COLUMNS).encode())
_SPREADSHEETS: Final = frozenset({InputKind.CSV, InputKind.TSV})


def has_verdicts(columns: Iterable[str]) -> bool:
    """Tell whether columns are those of a file that ``export`` wrote."""
    return not set(VERDICT_COLUMNS).isdisjoint(columns)


def settings_for(path: Path, settings: ReadingSettings) -> ReadingSettings:
    """Return how a file is to be read: as set, unless ``export`` wrote it."""
    plain = msgspec.structs.replace(settings, format="auto", encoding="", delimiter="", header=True)
    if plain == settings:
        return settings
    try:
        content = content_of(path, plain)
    except InputError:
        return settings  # whatever is the matter is told where it is read
    if not _is_text_of_ours(content):
        return settings
    if settings.encoding and not _is_utf_8(content):
        return msgspec.structs.replace(plain, encoding=settings.encoding)
    return plain


def _is_text_of_ours(content: Content) -> bool:
    if content.is_parquet:
        return False
    with closing(content.open()) as source:
        head = source.read(_HEAD_BYTES)
    # Excel writes a line sep=; before the header.
    return any(_OWN_NAMES.search(line) for line in head.splitlines()[:2])


def _is_utf_8(content: Content) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with closing(content.open()) as source:
        try:
            while chunk := source.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


class ResultsReader:
    """The rows of a file that ``export`` wrote, as they were. See ``Reader``.

    A row that could not be read when it was exported has a defect until somebody mends it.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.format: InputFormat = replace(reader.format, is_results=True)
        self._is_marked = reader.format.kind in _SPREADSHEETS
        names = [self._original(name) for name in reader.columns]
        self._places = tuple(at for at, name in enumerate(names) if name not in VERDICT_COLUMNS)
        self._reason_at = names.index(REASON_COLUMN) if REASON_COLUMN in names else None
        self.columns: tuple[str, ...] = tuple(names[at] for at in self._places)

    @property
    def path(self) -> Path:
        """The file."""
        return self._reader.path

    @property
    def trimmed(self) -> tuple[str, ...]:
        """The names as written of which something was trimmed."""
        return tuple(map(self._original, self._reader.trimmed))

    @property
    def unusable_columns(self) -> tuple[UnusableColumn, ...]:
        """Columns whose values have no text form."""
        found = self._reader.unusable_columns
        return tuple(column for column in found if column.name not in VERDICT_COLUMNS)

    @property
    def position(self) -> Position:
        """Just after the batch that was last handed over."""
        return self._reader.position

    @property
    def is_resumable(self) -> bool:
        """Whether ``position`` may serve as a start."""
        return self._reader.is_resumable

    def batches(self, start: Position | None = None) -> Iterator[list[Row]]:
        """Begin a pass at a position, by default at the first row."""
        batches = self._reader.batches(start)
        return ([self._row(row) for row in rows] for rows in batches)

    def digest(self, at: Iterable[int] = ()) -> ContentDigest:
        """Hash the content. See ``digest_content``."""
        return self._reader.digest(at)

    def close(self) -> None:
        """End the pass and let go of the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _row(self, row: Row) -> Row:
        cells, defect = row.cells, row.defect
        if defect is None and self._is_unmended(cells):
            defect = _UNMENDED
        kept = tuple(self._original(cells[at]) for at in self._places if at < len(cells))
        return Row(row.number, row.line_number, kept, defect)

    def _is_unmended(self, cells: Sequence[str]) -> bool:
        return self._reason_at is not None and cells[self._reason_at].endswith(MEND_FIRST)

    def _original(self, cell: str) -> str:
        return original(cell) if self._is_marked else cell

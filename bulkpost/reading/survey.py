"""The first look at a new input: all of it, before the first lead is sent.

A bad file shows itself at its end: a packed file that is cut off, a quote that never closes, a byte
of another encoding in the last row. Whoever sends while reading has then sent most of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bulkpost.errors import InputError
from bulkpost.reading.formats import InputKind
from bulkpost.reading.reader import Reader
from bulkpost.row import Position

MARK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A place from which reading can go on.

    Attributes:
        position: Just before a row.
        digest_before: SHA-256 of the content before ``position.offset_bytes``, lower-case hex;
            empty for Parquet, which does not grow.
    """

    position: Position
    digest_before: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole reading found.

    Attributes:
        digest: SHA-256 of the content, lower-case hex.
        size_bytes: Size of the content.
        rows: Rows, bad ones included.
        bad_rows: Rows with a defect.
        marks: One about every ``MARK_ROWS`` rows, and one after the last row if its line
            has an end, so that a file that grows is recognised however short it was.
    """

    digest: str
    size_bytes: int
    rows: int
    bad_rows: int
    marks: tuple[Mark, ...]


def survey(reader: Reader, progress: Callable[[int], None] | None = None) -> Survey:
    """Read an input from its first row to its end, then hash it.

    Args:
        reader: The input; its pass, if it has one, ends.
        progress: Called with the number of rows read so far, after each batch.

    Raises:
        InputError: It cannot be read to its end, or changed while it was read.
    """
    rows = bad_rows = 0
    places: list[Position] = []
    due = MARK_ROWS
    for batch in reader.batches():
        rows += len(batch)
        bad_rows += sum(row.defect is not None for row in batch)
        if rows >= due and reader.is_resumable:
            places.append(reader.position)
            due = rows - rows % MARK_ROWS + MARK_ROWS
        if progress is not None:
            progress(rows)
    end = reader.position
    if rows and reader.is_resumable and end not in places:
        places.append(end)
    found = reader.digest(place.offset_bytes for place in places)
    is_parquet = reader.format.kind is InputKind.PARQUET
    if not is_parquet and found.size_bytes != end.offset_bytes:
        raise InputError(
            f"{reader.path.name} changed while it was read.",
            advice="Wait until it is written completely, then submit it.",
        )
    marks = (
        Mark(place, found.prefixes.get(place.offset_bytes, ""))
        for place in places
        if is_parquet or place.offset_bytes in found.prefixes
    )
    return Survey(found.digest, found.size_bytes, rows, bad_rows, tuple(marks))

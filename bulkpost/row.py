"""An input's rows, as read: text, and where it stood."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader can go on: just before row ``row_number``.

    Attributes:
        row_number: The next row to be read; the first data row is 1.
        offset_bytes: Offset of that row in the input's text (decompressed, before decoding),
            0 for formats that are not lines of text.
        line_number: The line on which that row begins; the first line of the file is 1.
    """

    row_number: int
    offset_bytes: int
    line_number: int

    def __post_init__(self) -> None:
        assert self.row_number >= 1, self.row_number


@dataclass(frozen=True, slots=True)
class Row:
    """One data line of an input. Its cells are personal data and never shown in a repr.

    Attributes:
        number: Position among the data rows; the first is 1. Bad rows count, blank lines do not.
        line_number: Line of the file on which the row begins; equals ``number`` for Parquet.
        cells: One text per column, in the order of the columns; empty if ``defect`` is set and
            the cells could not be told apart.
        defect: Why the row cannot be used as it is, without any cell's text; None if it can.
    """

    number: int
    line_number: int
    cells: tuple[str, ...] = field(repr=False)
    defect: str | None = None

"""What of an input is read: never the beginning that is accounted for."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bulkpost.engine.feed import RowStream, Span, spans
from bulkpost.reading.reader import open_reader
from bulkpost.reading.settings import ReadingSettings
from bulkpost.reading.survey import survey
from bulkpost.row import Position, Row

ROWS = 30_000


def _mark(row_number: int) -> Position:
    return Position(row_number, row_number * 10, row_number + 1)


def test_a_new_input_is_read_from_its_first_row() -> None:
    """Nothing is known of it: one span, all of it."""
    assert [Span(None, 1, None, None)] == spans([], 0, [])


def test_reading_begins_at_the_last_mark_before_the_low_water_mark() -> None:
    """A run that stood at row 15,500 begins at the mark of row 10,001 and skips to 15,501."""
    marks = [_mark(10_001), _mark(20_001)]

    assert [Span(marks[0], 15_501, None, None)] == spans(marks, 15_500, [])


def test_deferred_rows_come_first_each_from_its_mark() -> None:
    """Open rows below the mark are read again, and of their neighbourhood nothing else."""
    marks = [_mark(10_001), _mark(20_001)]

    assert [
        Span(None, 7, 9, frozenset({7, 9})),
        Span(marks[0], 12_000, 12_000, frozenset({12_000})),
        Span(marks[1], 25_001, None, None),
    ] == spans(marks, 25_000, [7, 9, 12_000])


@given(
    marks=st.sets(st.integers(2, 400), max_size=8),
    low_water=st.integers(0, 400),
    open_rows=st.sets(st.integers(1, 400), max_size=30),
)
def test_each_wanted_row_is_in_one_span_that_begins_before_it(
    marks: set[int], low_water: int, open_rows: set[int]
) -> None:
    """Open rows below the mark and all rows above it: once each, and never after their start."""
    below = sorted(row for row in open_rows if row <= low_water)
    found = spans([_mark(row) for row in sorted(marks)], low_water, below)
    wanted = [
        row
        for span in found
        for row in range(span.first, (span.last or 500) + 1)
        if span.only is None or row in span.only
    ]

    assert [*below, *range(low_water + 1, 501)] == wanted
    assert all(span.start is None or span.start.row_number <= span.first for span in found)


async def test_a_list_interrupted_in_its_middle_is_not_read_from_its_beginning(
    tmp_path: Path,
) -> None:
    """Of 30,000 rows with the first 20,500 accounted for, the first row read is 20,001."""
    path = _a_long_list(tmp_path / "long.csv")
    reader = open_reader(path, ReadingSettings())
    marks = [mark.position for mark in survey(reader).marks]
    (span,) = spans(marks, 20_500, [])
    read: list[int] = []

    class Noting:
        """The list, with a note of what is read of it."""

        def __init__(self) -> None:
            self.path = path

        def batches(self, start: Position | None = None) -> Iterator[Sequence[Row]]:
            for batch in open_reader(path, ReadingSettings()).batches(start):
                read.extend(row.number for row in batch)
                yield batch

    stream = RowStream(Noting(), span)
    rows = []
    while (batch := await stream.next()) is not None:
        rows += [row.number for row in batch]

    assert 20_001 == read[0]
    assert list(range(20_501, ROWS + 1)) == rows


def _a_long_list(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["reference", "note"])
        writer.writerows([f"r{number}", "x\ny"] for number in range(1, ROWS + 1))
    return path

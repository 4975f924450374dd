import codecs
import gzip
import hashlib
import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkpost.errors import InputError
from bulkpost.reading import (
    MARK_ROWS,
    Reader,
    ReadingSettings,
    digest_content,
    open_reader,
    survey,
)
from bulkpost.row import Position, Row


def all_rows(reader: Reader, start: Position | None = None) -> list[Row]:
    return [row for batch in reader.batches(start) for row in batch]


def positions(reader: Reader) -> Iterator[Position]:
    for _ in reader.batches():
        if reader.is_resumable:
            yield reader.position


def csv_bytes(rows: int) -> bytes:
    lines = (f'{number},"José\n {number}",x\r\n' for number in range(rows))
    return ("id,name,note\r\n" + "".join(lines)).encode()


def parquet_bytes(rows: int) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"id": list(range(rows)), "name": [f"n{number}" for number in range(rows)]})
    pq.write_table(table, sink, row_group_size=7_000)
    return sink.getvalue()


def jsonl_bytes(rows: int) -> bytes:
    return b"".join(b'{"id": %d, "name": "n"}\n' % number for number in range(rows))


INPUTS: list[Any] = [
    pytest.param(csv_bytes, id="plain-csv"),
    pytest.param(lambda rows: codecs.BOM_UTF8 + csv_bytes(rows), id="csv-with-mark"),
    pytest.param(lambda rows: gzip.compress(csv_bytes(rows), 1), id="gzip-csv"),
    pytest.param(lambda rows: csv_bytes(rows).decode().encode("utf-16"), id="utf-16-csv"),
    pytest.param(lambda rows: csv_bytes(rows).replace(b"\r\n", b"\r"), id="cr-only-csv"),
    pytest.param(jsonl_bytes, id="jsonl"),
    pytest.param(parquet_bytes, id="parquet"),
]


@pytest.mark.parametrize("make", INPUTS)
def test_reading_goes_on_from_every_mark(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    """From a mark on, the rows are exactly those of a whole reading, with the same places."""
    path = tmp_path / "leads"
    path.write_bytes(make(25_000))

    with open_reader(path) as reader:
        found = survey(reader)
        whole = all_rows(reader)

        assert 25_000 == found.rows == len(whole)
        assert 0 == found.bad_rows
        assert [10_001, 20_001, 25_001] == [mark.position.row_number for mark in found.marks]
        for mark in found.marks:
            start = mark.position
            assert whole[start.row_number - 1 :] == all_rows(reader, start)


@pytest.mark.parametrize("make", INPUTS[:-1])
def test_the_digest_of_a_mark_is_that_of_the_prefix(
    tmp_path: Path, make: Callable[[int], bytes]
) -> None:
    """A later pass that asks for the mark's offset gets the mark's digest."""
    path = tmp_path / "leads"
    path.write_bytes(make(12_000))
    with open_reader(path) as reader:
        found = survey(reader)

    again = digest_content(path, at=[mark.position.offset_bytes for mark in found.marks])

    assert (again.digest, again.size_bytes) == (found.digest, found.size_bytes)
    assert [mark.digest_before for mark in found.marks] == list(again.prefixes.values())


CELL = st.text(st.sampled_from('ab",;\n\r\\é\u20ac \x00\x85\u2028'), max_size=6)
LINE_END = st.sampled_from(["\n", "\r\n", "\r"])


def quoted(cells: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=30),
    end=LINE_END,
    block_bytes=st.sampled_from([16, 17, 40, 1000]),
)
def test_any_cells_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], end: str, block_bytes: int
) -> None:
    """Whatever stands in quotes comes back, wherever the blocks of the reading fall."""
    path = tmp_path_factory.mktemp("any") / "leads.csv"
    text = end.join(["a,b,c", *map(quoted, rows)]) + end
    path.write_bytes(text.encode())
    sizes = ReadingSettings(cell_bytes_max=max(32, 2 * block_bytes), record_bytes_max=4096)

    with open_reader(path, sizes) as reader:
        seen = all_rows(reader)

    assert [tuple(row) for row in rows] == [row.cells for row in seen]
    assert [any("\0" in cell for cell in row) for row in rows] == [bool(r.defect) for r in seen]


MESS = st.text(st.sampled_from('ab",\n\r\x00é '), max_size=200)


@settings(max_examples=300, deadline=None)
@given(text=MESS, batch_rows=st.integers(1, 5), cell_bytes_max=st.sampled_from([16, 1000]))
def test_reading_goes_on_from_any_resumable_position_of_any_mess(
    tmp_path_factory: pytest.TempPathFactory, text: str, batch_rows: int, cell_bytes_max: int
) -> None:
    """Where a reader says that it can go on, the rest of the rows is the same."""
    path = tmp_path_factory.mktemp("mess") / "leads.csv"
    path.write_bytes(b"a,b\n" + text.encode())
    sizes = ReadingSettings(
        batch_rows=batch_rows, cell_bytes_max=cell_bytes_max, record_bytes_max=4 * cell_bytes_max
    )
    try:
        with open_reader(path, sizes) as reader:
            whole = all_rows(reader)
            for place in list(positions(reader)):
                assert whole[place.row_number - 1 :] == all_rows(reader, place)
            size_bytes = reader.position.offset_bytes
    except InputError as refused:
        assert "a quote opens" in str(refused)  # noqa: PT017  # either outcome is right
        return
    assert list(range(1, len(whole) + 1)) == [row.number for row in whole]
    assert path.stat().st_size == size_bytes
    assert all(len(row.cells) == 2 for row in whole if row.defect is None)


def test_i9_a_bad_byte_in_the_last_row_refuses_before_anything_is_sent(tmp_path: Path) -> None:
    """A byte that is not UTF-8 in the last of many rows refuses the list before any row is sent."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 90_000 + "é,2\n".encode("cp1252"))

    with pytest.raises(InputError, match=r"line 90,002: byte 0xe9"), open_reader(path) as reader:
        survey(reader)


def test_i13_an_unclosed_quote_refuses_before_anything_is_sent(tmp_path: Path) -> None:
    """A quote that swallows the rest of a long list refuses it before any row is sent."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 20_000 + b'3,"4\n' + b"1,2\n" * 20_000)

    with open_reader(path) as reader, pytest.raises(InputError, match=r"line 20,002: a quote"):
        survey(reader)


@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_a_desert_of_blank_lines_is_crossed(tmp_path: Path, format_name: str) -> None:
    """Megabytes without a row are not the end."""
    first, last = (b"a,b\n1,2", b"3,4") if format_name == "csv" else (b'{"a": 1}', b'{"a": 2}')
    path = tmp_path / "leads"
    path.write_bytes(first + b"\n" * 10_000_000 + last)

    with open_reader(path) as reader:
        assert [1, 2] == [row.number for row in all_rows(reader)]


@pytest.mark.parametrize("pad", range(60))
def test_a_suspect_row_is_found_wherever_the_blocks_fall(tmp_path: Path, pad: int) -> None:
    """What a row is must not depend on where a pass began."""
    path = tmp_path / "leads.csv"
    broken = b'"He said "hi" to\nme","or\nyou"\n' + b"5,6\n" * 10
    path.write_bytes(b"a,b\n" + b"x" * pad + b",1\n" + broken)

    with open_reader(path, ReadingSettings(cell_bytes_max=64)) as reader:
        assert [2, 3] == [row.number for row in all_rows(reader) if row.defect]


def test_nobody_resumes_amid_rows_with_broken_quotes(tmp_path: Path) -> None:
    """What is suspect because of the row before it would read as a sound row on its own."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b'a,b\n"x" y "z\nme",1\n2,3\n4,5\n')

    with open_reader(path, ReadingSettings(batch_rows=1)) as reader:
        assert [4, 5] == [place.row_number for place in positions(reader)]


@pytest.mark.parametrize("batch_rows", [1, 4, 5])
def test_a_parquet_input_is_resumed_at_any_row(tmp_path: Path, batch_rows: int) -> None:
    """Row groups and batches need not fit."""
    path = tmp_path / "leads.parquet"
    pq.write_table(pa.table({"a": list(range(50))}), path, row_group_size=7)

    with open_reader(path, ReadingSettings(batch_rows=batch_rows)) as reader:
        whole = all_rows(reader)
        for number in range(1, 52):
            assert whole[number - 1 :] == all_rows(reader, Position(number, 0, number))


def test_a_grown_input_is_recognised_by_its_last_mark(tmp_path: Path) -> None:
    """However short it was, the old part of a file with new rows matches a mark."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with open_reader(path) as reader:
        (mark,) = survey(reader).marks
    path.write_bytes(b"a,b\n1,2\n3,4\n")

    grown = digest_content(path, at=[mark.position.offset_bytes])

    assert {8: mark.digest_before} == grown.prefixes
    with open_reader(path) as reader:
        assert [("3", "4")] == [row.cells for row in all_rows(reader, mark.position)]


def test_a_last_line_without_an_end_is_no_mark(tmp_path: Path) -> None:
    """What follows it would belong to the last row."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n1,2")

    with open_reader(path) as reader:
        assert () == survey(reader).marks


def test_only_beginnings_that_end_with_a_line_are_hashed(tmp_path: Path) -> None:
    """A prefix that ends amid a line, at nothing, or beyond the end is left out."""
    path = tmp_path / "leads.csv"
    content = b"a,b\n1,2\n3,4"
    path.write_bytes(content)

    found = digest_content(path, at=[0, 3, 4, 8, 11, 99])

    assert {size: hashlib.sha256(content[:size]).hexdigest() for size in (4, 8)} == found.prefixes
    assert hashlib.sha256(content).hexdigest() == found.digest
    assert len(content) == found.size_bytes


def test_bad_rows_are_counted_and_move_no_mark(tmp_path: Path) -> None:
    """Marks count rows, bad ones too."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n3\n" * MARK_ROWS)
    seen: list[int] = []

    with open_reader(path) as reader:
        found = survey(reader, seen.append)

    assert (2 * MARK_ROWS, MARK_ROWS) == (found.rows, found.bad_rows)
    assert [10_001, 20_001] == [mark.position.row_number for mark in found.marks]
    assert sorted(seen) == seen
    assert 2 * MARK_ROWS == seen[-1]


def test_an_input_that_grows_during_the_survey_is_refused(tmp_path: Path) -> None:
    """What was hashed must be what was read."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a,b\n1,2\n")

    def grow(_rows: int) -> None:
        with path.open("ab") as file:
            file.write(b"3,4\n" * 300_000)

    with open_reader(path) as reader, pytest.raises(InputError, match="changed"):
        survey(reader, grow_once(grow, after_reading=reader))


def grow_once(grow: Callable[[int], None], after_reading: Reader) -> Callable[[int], None]:
    """Grow the file when its last row has been read."""
    size_bytes = after_reading.path.stat().st_size

    def progress(rows: int) -> None:
        if after_reading.position.offset_bytes == size_bytes:
            grow(rows)

    return progress


@pytest.mark.parametrize("make", [csv_bytes, jsonl_bytes])
def test_memory_does_not_grow_with_the_input(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    """A reading of ten times the rows holds no more at its peak."""
    peaks = []
    for rows in (10_000, 100_000):
        path = tmp_path / f"{rows}"
        path.write_bytes(make(rows))
        with open_reader(path) as reader:
            tracemalloc.start()
            for _ in reader.batches():
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)
@given(batch_rows=st.integers(1, 40))
def test_batches_end_at_multiples_of_their_size(tmp_path: Path, batch_rows: int) -> None:
    """So that the marks of two passes fall on the same rows, wherever they began."""
    for name, make in (("csv", csv_bytes), ("jsonl", jsonl_bytes), ("parquet", parquet_bytes)):
        path = tmp_path / name
        path.write_bytes(make(100))
        with open_reader(path, ReadingSettings(batch_rows=batch_rows)) as reader:
            ends = [batch[-1].number for batch in reader.batches()]
        assert [*range(batch_rows, 100, batch_rows), 100] == ends


def test_a_new_pass_ends_the_old_one(tmp_path: Path) -> None:
    """A reader holds one file open at most, and none when closed."""
    path = tmp_path / "leads.csv"
    path.write_bytes(csv_bytes(2_000))

    with open_reader(path) as reader:
        old = reader.batches()
        next(old)
        new = reader.batches()
        assert 500 == len(next(new))
        assert [] == list(old)
    assert [] == list(new)

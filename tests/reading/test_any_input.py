"""Properties of the readers: what was written comes back, and no bytes make them fail."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkpost.errors import InputError
from bulkpost.reading import ReadingSettings, open_reader, survey
from bulkpost.row import Row

PACKERS: list[Callable[[bytes], bytes]] = [
    bytes,
    gzip.compress,
    bz2.compress,
    lzma.compress,
    zstandard.compress,
]
# Encodings as a user meets them: name, whether it must be given, whether it has every character.
ENCODINGS = [
    ("utf-8", False, True),
    ("utf-8-sig", False, True),
    ("utf-16", False, True),
    ("utf-32", False, True),
    ("utf-16-be", True, True),
    ("cp1252", True, False),
    ("cp037", True, False),
]
WIDE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
SPECIAL = st.sampled_from(list("\",;\t|\r\n 'é\u00a0\u2028\u0085=0"))


@st.composite
def cells(draw: st.DrawFn, codec: str, *, has_all: bool) -> list[list[str]]:
    """Rows of three cells that the codec can write."""
    rows = draw(
        st.lists(st.lists(st.text(SPECIAL | WIDE, max_size=8), min_size=3, max_size=3), max_size=25)
    )
    if has_all:
        return rows
    return [[cell.encode(codec, "ignore").decode(codec) for cell in row] for row in rows]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_a_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever the cells, encoding, packing, delimiter and block size: the same text comes back."""
    codec, is_given, has_all = data.draw(st.sampled_from(ENCODINGS))
    rows = data.draw(cells(codec, has_all=has_all))
    delimiter = data.draw(st.sampled_from(",;\t|"))
    quoting: Any = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    pack = data.draw(st.sampled_from(PACKERS))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("any") / "leads"
    path.write_bytes(pack(text.getvalue().encode(codec)))
    sizes = ReadingSettings(
        encoding=codec if is_given else "",
        delimiter=delimiter,
        cell_bytes_max=data.draw(st.sampled_from([64, 80, 1000])),
        record_bytes_max=4096,
        batch_rows=data.draw(st.integers(1, 9)),
    )

    with open_reader(path, sizes) as reader:
        found = survey(reader)
        seen: list[Row] = [row for batch in reader.batches() for row in batch]

    assert ("a", "b", "c") == reader.columns
    assert [tuple(row) for row in rows] == [row.cells for row in seen]
    assert (len(rows), 0) == (found.rows, found.bad_rows)


def read_or_refused(path: Path, **how: Any) -> None:
    """Read a file to its end, or have it refused with words; nothing else may happen."""
    sizes = ReadingSettings(**{"cell_bytes_max": 64, "record_bytes_max": 256, **how})
    try:
        with open_reader(path, sizes) as reader:
            found = survey(reader)
            rows = [row for batch in reader.batches() for row in batch]
    except InputError as refused:
        refused.message.encode()
        assert refused.advice  # noqa: PT017  # either outcome is right
        return
    assert list(range(1, found.rows + 1)) == [row.number for row in rows]
    for row in rows:
        if row.defect is None:
            assert len(reader.columns) == len(row.cells)
            "".join(row.cells).encode()


STARTS = [
    b"", b"a,b\n", b"sep=;\n", b'"', b"{", b'{"a":', b'{"a": 1}\n', b"[", b"\x00", b"PAR1", b"PARE",
    b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04",
    codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE,
]  # fmt: skip
MESS = st.binary(max_size=80) | st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"\0", b"a", b"\xe9", b"\xed\xa0\x80", b"{}", b":1"]
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=250, deadline=None)
@given(
    plain=st.builds(bytes.__add__, st.sampled_from(STARTS), MESS),
    pack=st.sampled_from(PACKERS),
    cut=st.integers(0, 6),
    how=st.sampled_from(
        [
            {},
            {"header": False},
            {"format": "csv"},
            {"format": "jsonl"},
            {"format": "parquet"},
            {"encoding": "utf-8"},
            {"encoding": "utf-16"},
            {"encoding": "cp1252"},
            {"encoding": "utf-7"},
            {"encoding": "shift_jis"},
            {"encoding": "idna"},
            {"encoding": "iso2022_jp"},
            {"encoding": "utf-8-sig"},
            {"delimiter": "\\"},
        ]
    ),
)
def test_any_bytes_are_rows_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory,
    plain: bytes,
    pack: Callable[[bytes], bytes],
    cut: int,
    how: dict[str, Any],
) -> None:
    """No file makes the reading fail in any other way, packed, cut off or misnamed as it may be."""
    path = tmp_path_factory.mktemp("any") / "leads"
    content = pack(plain)
    path.write_bytes(content[: len(content) - cut])

    read_or_refused(path, **how)


def a_parquet() -> bytes:
    sink = io.BytesIO()
    table = pa.table(
        {"a": ["x", "é", None] * 20, "n": [1, 2, None] * 20, "t": [[1], [], None] * 20}
    )
    pq.write_table(table, sink, row_group_size=13)
    return sink.getvalue()


PARQUET = a_parquet()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(PARQUET) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_any_damage_to_a_parquet_file_is_rows_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    """A few wrong bytes anywhere in a Parquet file refuse it or make other rows, no more."""
    damaged = bytearray(PARQUET)
    for place, value in changes:
        damaged[place] = value
    path = tmp_path_factory.mktemp("any") / "leads"
    path.write_bytes(damaged)

    read_or_refused(path)

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bulkpost.errors import InputError
from bulkpost.reading import ReadingSettings, UnusableColumn, digest_content, open_reader, survey
from bulkpost.row import Row

UTC = dt.UTC


def a_parquet(tmp_path: Path, table: Any, **options: Any) -> Path:
    path = tmp_path / "leads.parquet"
    pq.write_table(table, path, **options)
    return path


def rows_of(path: Path, **settings: Any) -> list[Row]:
    with open_reader(path, ReadingSettings(**settings)) as reader:
        return [row for batch in reader.batches() for row in batch]


def texts(tmp_path: Path, values: list[Any], kind: Any) -> list[str]:
    """Write one column, with a null at its end, and return the cells but that one."""
    path = a_parquet(tmp_path, pa.table({"x": pa.array([*values, None], kind)}))
    *cells, null = [row.cells[0] for row in rows_of(path)]
    assert null == ""
    return cells


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (pa.string(), ["0123", " NA ", "é", ""], ["0123", " NA ", "é", ""]),
        (pa.large_string(), ["x"], ["x"]),
        (pa.int64(), [5127891111, -1, 0], ["5127891111", "-1", "0"]),
        (pa.uint64(), [2**64 - 1], ["18446744073709551615"]),
        (pa.int8(), [7], ["7"]),
        (pa.float64(), [78751.0, 0.1, -0.0, 2.5e-9], ["78751", "0.1", "0", "2.5e-09"]),
        (pa.float64(), [1e15, 1e16, 1e300], ["1000000000000000", "1e+16", "1e+300"]),
        (pa.float64(), [float("nan"), float("inf")], ["", "inf"]),
        (pa.float32(), [0.1, 78751.0, 1.5], ["0.1", "78751", "1.5"]),
        (pa.decimal128(10, 2), [Decimal("1.10"), Decimal("-3.00")], ["1.10", "-3.00"]),
        (pa.decimal128(20, 9), [Decimal("0.000000001")], ["0.000000001"]),
        (pa.bool_(), [True, False], ["true", "false"]),
        (pa.date32(), [dt.date(2024, 1, 5), dt.date(1, 1, 1)], ["2024-01-05", "0001-01-01"]),
        (pa.date64(), [dt.date(1969, 12, 31)], ["1969-12-31"]),
        (pa.time32("s"), [dt.time(13, 45)], ["13:45:00"]),
        (pa.time64("us"), [dt.time(1, 2, 3, 500_000)], ["01:02:03.5"]),
        (
            pa.duration("ms"),
            [dt.timedelta(hours=1, milliseconds=50), dt.timedelta(seconds=-90)],
            ["PT3600.05S", "-PT90S"],
        ),
        (pa.dictionary(pa.int32(), pa.string()), ["TX", "CA", "TX"], ["TX", "CA", "TX"]),
        (pa.null(), [None], [""]),
    ],
    ids=str,
)
def test_i24_each_type_has_one_text_form(
    tmp_path: Path, kind: Any, values: list[Any], expected: list[str]
) -> None:
    """Each type of a Parquet column has one text form; null is an empty cell."""
    assert expected == texts(tmp_path, values, kind)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.timestamp("s"), ["2024-01-05T13:45:00", "1969-12-31T23:59:59"]),
        (pa.timestamp("us", "UTC"), ["2024-01-05T13:45:00Z", "1969-12-31T23:59:59Z"]),
        (pa.timestamp("ns", "Etc/UTC"), ["2024-01-05T13:45:00Z", "1969-12-31T23:59:59Z"]),
        (
            pa.timestamp("ms", "+02:00"),
            ["2024-01-05T15:45:00+02:00", "1970-01-01T01:59:59+02:00"],
        ),
        (
            pa.timestamp("us", "America/Chicago"),
            ["2024-01-05T07:45:00-06:00", "1969-12-31T17:59:59-06:00"],
        ),
    ],
    ids=str,
)
def test_i24_timestamps_are_rfc_3339(tmp_path: Path, kind: Any, expected: list[str]) -> None:
    """Timestamps are sent as RFC 3339, with the offset of their zone if they have one."""
    seconds = pa.array([1_704_462_300, -1], pa.int64())
    stamps = seconds.cast(pa.timestamp("s")).cast(pa.timestamp(kind.unit))
    column = stamps.cast(pa.int64()).cast(kind)
    path = a_parquet(tmp_path, pa.table({"x": column}))

    assert expected == [row.cells[0] for row in rows_of(path)]


@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_i24_fractions_of_a_second_are_shown_as_needed(tmp_path: Path, zone: str | None) -> None:
    """Fractions of a second are sent to the last digit that is not zero."""
    values = pa.array([1, 1_500_000_000, -1, None], pa.int64()).cast(pa.timestamp("ns", zone))

    cells = [row.cells[0] for row in rows_of(a_parquet(tmp_path, pa.table({"x": values})))]

    stems = [cell.partition(".")[2].rstrip("Z").partition("+")[0] for cell in cells]
    assert ["000000001", "5", "999999999", ""] == stems


def test_i23_columns_without_a_text_form_are_named(tmp_path: Path) -> None:
    """Parquet columns of lists, structs, maps and bytes are told by name and what they hold."""
    table = pa.table(
        {
            "id": [1, 2],
            "tags": [["a"], []],
            "loan": [{"amount": 1}, None],
            "raw": [b"x", b"y"],
            "name": ["n", "m"],
        }
    )

    with open_reader(a_parquet(tmp_path, table)) as reader:
        assert (
            UnusableColumn("tags", "it holds list"),
            UnusableColumn("loan", "it holds struct"),
            UnusableColumn("raw", "it holds binary"),
        ) == reader.unusable_columns
        (batch,) = reader.batches()
    assert [("1", "", "", "", "n"), ("2", "", "", "", "m")] == [row.cells for row in batch]


def test_i25_duplicate_columns_stay_visible(tmp_path: Path) -> None:
    """Two Parquet columns of one name stay two, so that the list can be refused for them."""
    table = pa.table(
        [pa.array(["1"]), pa.array([["x"]]), pa.array(["2"])], names=["email", "tags", "email"]
    )

    with open_reader(a_parquet(tmp_path, table)) as reader:
        assert ("email", "tags", "email") == reader.columns
        assert [("1", "", "2")] == [row.cells for batch in reader.batches() for row in batch]


def test_i25_no_rows_and_no_columns_are_no_error(tmp_path: Path) -> None:
    """A Parquet file with columns and no rows is no error."""
    with open_reader(a_parquet(tmp_path, pa.table({"a": pa.array([], pa.string())}))) as reader:
        assert ("a",) == reader.columns
        found = survey(reader)
    assert (0, ()) == (found.rows, found.marks)


@pytest.mark.parametrize("keep", [4, 50, -1, -8])
def test_i25_a_cut_off_file_is_refused(tmp_path: Path, keep: int) -> None:
    """A Parquet file that is cut off is refused."""
    path = a_parquet(tmp_path, pa.table({"a": list(range(1000))}))
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(InputError, match="cut off, damaged or encrypted"):
        open_reader(path)


def test_i25_a_damaged_page_is_found_by_the_survey(tmp_path: Path) -> None:
    """A Parquet file with a damaged page is refused before its first row is sent."""
    path = a_parquet(tmp_path, pa.table({"a": [f"{n * 7919}" for n in range(5000)]}))
    content = bytearray(path.read_bytes())
    content[200:2000] = b"\xff" * 1800
    path.write_bytes(content)

    with pytest.raises(InputError, match="damaged"), open_reader(path) as reader:
        survey(reader)


def test_cells_that_cannot_be_sent_make_their_row_invalid(tmp_path: Path) -> None:
    """NUL, bytes that are not UTF-8, and a cell beyond the limit, each by its row."""
    raw = pa.array([b"ok", b"a\x00b", b"\xff", b"x" * 65, b"fine"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())

    rows = rows_of(a_parquet(tmp_path, pa.table({"a": column})), cell_bytes_max=64)
    assert {3: "a cell is not UTF-8"}.items() <= {r.number: r.defect for r in rows}.items()

    good = pa.table({"a": ["ok", "a\x00b", "x" * 65, "fine"]})
    rows = rows_of(a_parquet(tmp_path, good), cell_bytes_max=64)
    assert [None, "a cell holds a NUL character", "a cell is longer than 64 bytes", None] == [
        row.defect for row in rows
    ]


def test_rows_are_numbered_through_the_row_groups(tmp_path: Path) -> None:
    """Row and line number are the same, from 1."""
    rows = rows_of(a_parquet(tmp_path, pa.table({"a": list(range(95))}), row_group_size=10))

    assert list(range(1, 96)) == [row.number for row in rows] == [row.line_number for row in rows]
    assert [str(number) for number in range(95)] == [row.cells[0] for row in rows]


def test_prefixes_of_a_parquet_file_are_not_hashed(tmp_path: Path) -> None:
    """Such a file does not grow by appending."""
    path = a_parquet(tmp_path, pa.table({"a": [1]}))

    found = digest_content(path, at=[4, 10])

    assert ({}, path.stat().st_size) == (dict(found.prefixes), found.size_bytes)


def test_a_format_that_the_file_has_not_is_refused(tmp_path: Path) -> None:
    """What the user says and what the file is must agree."""
    path = a_parquet(tmp_path, pa.table({"a": [1]}))
    with pytest.raises(InputError, match="is a Parquet file"):
        open_reader(path, ReadingSettings(format="csv"))

    text = tmp_path / "leads.csv"
    text.write_bytes(b"a\n1\n")
    with pytest.raises(InputError, match="is not a Parquet file"):
        open_reader(text, ReadingSettings(format="parquet"))


def test_reading_text_loads_no_heavy_library(tmp_path: Path) -> None:
    """The way of a CSV file imports neither pyarrow nor pandas."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a\n1\n")
    script = (
        "import sys; from pathlib import Path; from bulkpost.reading import open_reader, survey\n"
        f"survey(open_reader(Path({str(path)!r})))\n"
        "heavy = {'pyarrow', 'pandas', 'numpy', 'zstandard', 'charset_normalizer'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]\n" == done.stdout

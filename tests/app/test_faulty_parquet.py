"""Faulty Parquet lists from end to end: what the server gets of them, and what the ledger says."""

import base64
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from faultserver import fault_server
from faultylists import arrived, refused
from submitting import Answerer, an_order, submitted

from bulkpost.reading import open_reader, survey
from bulkpost.reporting.status import ExitStatus


def packed(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


NESTED = pa.table(
    {
        "row": [1, 2],
        "tags": pa.array([["a"], None]),
        "loan": [{"amount": 1}, None],
        "scan": [b"\x00\x01", b"x"],
        "odd": pa.array([[("k", "v")], []], pa.map_(pa.string(), pa.string())),
        "email": ["a@example.com", "b@example.com"],
    }
)


async def test_i23_columns_that_have_no_text_refuse_the_list_until_dropped(tmp_path: Path) -> None:
    """Parquet columns of lists, structs, maps or bytes refuse the list, each by its name.

    Dropped under `[map.columns]`, they are left out and the rest of each row is sent.
    """
    error = await refused(tmp_path, packed(NESTED), "leads.parquet")
    for name, what in (("tags", "list"), ("loan", "struct"), ("scan", "binary"), ("odd", "map")):
        assert f"the column '{name}' cannot be sent: it holds {what}" in error.message

    dropped = dict.fromkeys(("tags", "loan", "scan", "odd"), False)
    seen = await arrived(tmp_path, packed(NESTED), "leads.parquet", map__columns=dropped)

    assert {1: {"email": "a@example.com"}, 2: {"email": "b@example.com"}} == seen.leads


async def test_i24_each_parquet_type_arrives_in_its_one_text_form(tmp_path: Path) -> None:
    """Decimals keep their scale, dates and times are ISO, whole floats are integers."""
    moment = dt.datetime(2024, 1, 5, 13, 45, tzinfo=dt.UTC)
    columns = {
        "row": pa.array([1.0]),
        "dec": pa.array([Decimal("1.10")]),
        "at": pa.array([moment], pa.timestamp("ns", "UTC")),
        "day": pa.array([dt.date(2024, 1, 5)]),
        "time": pa.array([dt.time(13, 45)]),
        "span": pa.array([dt.timedelta(hours=1)]),
        "state": pa.array(["TX"]).dictionary_encode(),
        "owner": pa.array([True]),
        "amount": pa.array([78751.0]),
        "none": pa.array([None], pa.float64()),
    }

    seen = await arrived(tmp_path, packed(pa.table(columns)), "leads.parquet")

    assert {
        "dec": "1.10",
        "at": "2024-01-05T13:45:00Z",
        "day": "2024-01-05",
        "time": "13:45:00",
        "span": "PT3600S",
        "state": "TX",
        "owner": "true",
        "amount": "78751",
    } == seen.leads[1]


async def test_i25_a_parquet_list_without_rows_is_no_failure(tmp_path: Path) -> None:
    """A Parquet file with columns and no rows sends nothing and ends with 0."""
    answerer = Answerer()
    leads = tmp_path / "leads.parquet"
    leads.write_bytes(packed(pa.table({"row": pa.array([], pa.string())})))
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    assert (ExitStatus.DONE, []) == (result.exit_status, answerer.seen)


async def test_i25_empty_row_groups_are_passed_over(tmp_path: Path) -> None:
    """Row groups without rows, at the beginning, amid the others and at the end, change nothing."""
    table, sink = pa.table({"row": ["1", "2", "3"], "a": ["x", "y", "z"]}), io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for start, rows in ((0, 0), (0, 2), (0, 0), (2, 1), (0, 0)):
            writer.write_table(table.slice(start, rows))
    assert 5 == pq.ParquetFile(io.BytesIO(sink.getvalue())).num_row_groups

    seen = await arrived(tmp_path, sink.getvalue(), "leads.parquet", input__batch_rows=2)

    assert {1: {"a": "x"}, 2: {"a": "y"}, 3: {"a": "z"}} == seen.leads


@pytest.mark.parametrize("cut_bytes", [1, 8, 200])
async def test_i25_a_parquet_list_that_is_cut_off_is_refused(
    tmp_path: Path, cut_bytes: int
) -> None:
    """A Parquet file without its footer, or with half of it, is refused: nothing is sent."""
    content = packed(pa.table({"row": list(range(1, 500)), "a": ["x"] * 499}))

    error = await refused(tmp_path, content[:-cut_bytes], "leads.parquet")

    assert "cut off, damaged or encrypted" in error.message


async def test_i25_duplicate_parquet_columns_refuse_the_list(tmp_path: Path) -> None:
    """Two columns of one name refuse the list, with their numbers."""
    cells = [pa.array(["1"]), pa.array(["x"]), pa.array(["y"])]
    content = packed(pa.table(cells, names=["row", "a", "a"]))

    error = await refused(tmp_path, content, "leads.parquet")

    assert "column 2 'a', column 3 'a'" in error.message


class _Keys(pe.KmsClient):  # type: ignore[misc]  # pyarrow ships no types
    """Wraps keys for nobody in particular."""

    def __init__(self, _config: object) -> None:
        pe.KmsClient.__init__(self)

    def wrap_key(self, key: bytes, _master: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, key: bytes, _master: str) -> bytes:
        return base64.b64decode(key)


@pytest.mark.parametrize("plaintext_footer", [False, True])
async def test_i25_an_encrypted_parquet_list_is_refused(
    tmp_path: Path, *, plaintext_footer: bool
) -> None:
    """An encrypted Parquet file, or one with an encrypted column, is refused: nothing is sent."""
    table, path = pa.table({"row": ["1"], "a": ["x"]}), tmp_path / "leads.parquet"
    settings = pe.EncryptionConfiguration(
        footer_key="k", column_keys={"c": ["a"]}, plaintext_footer=plaintext_footer
    )
    keys = pe.CryptoFactory(_Keys).file_encryption_properties(pe.KmsConnectionConfig(), settings)
    with pq.ParquetWriter(path, table.schema, encryption_properties=keys) as writer:
        writer.write_table(table)

    error = await refused(tmp_path, path.read_bytes(), "leads.parquet")

    words = "damaged or encrypted" if plaintext_footer else "is an encrypted Parquet file"
    assert words in error.message
    assert "without encryption" in error.advice


def test_i25_one_huge_row_group_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A Parquet file of a single row group is read in pieces: memory does not grow with it."""
    rows = 200_000
    columns = {name: [f"{name}{n * 7919:030d}" for n in range(rows)] for name in ("a", "b", "c")}
    path = tmp_path / "leads.parquet"
    pq.write_table(
        pa.table(columns), path, row_group_size=rows, use_dictionary=False, compression="NONE"
    )
    del columns
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert group.num_rows == rows
    before, peaks = pa.total_allocated_bytes(), list[int]()

    with open_reader(path) as reader:
        found = survey(reader, lambda _rows: peaks.append(pa.total_allocated_bytes() - before))

    assert rows == found.rows
    assert max(peaks) < group.total_byte_size / 4

"""Results as Parquet: text columns, then the typed ones of the verdict."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bulkpost.reporting.private_file import Draft
from bulkpost.reporting.results_layout import Layout, ResultsRow, distinct

_GROUP_ROWS: Final = 5_000
_GROUP_CHARS: Final = 16 * 1024 * 1024
_TYPES: Final = {
    "bulkpost_row": pa.int64(),
    "bulkpost_price": pa.decimal128(20, 6),
    "bulkpost_http_status": pa.int64(),
    "bulkpost_attempts": pa.int64(),
    "bulkpost_at": pa.timestamp("ms", tz="UTC"),
}


@contextmanager
def parquet_writer(draft: Draft, layout: Layout) -> Iterator["ParquetWriter"]:
    """Open a writer; row groups are small, so memory does not grow with the rows.

    Raises:
        UsageError: Two columns have the same name.
    """
    distinct(layout.columns)
    fields = [(name, pa.string()) for name in layout.columns]
    fields += [(name, _TYPES.get(name, pa.string())) for name in layout.verdicts]
    schema = pa.schema(fields)
    with pq.ParquetWriter(draft.file, schema, compression="zstd") as parquet:
        writer = ParquetWriter(parquet, schema)
        yield writer
        writer.flush()


class ParquetWriter:
    """Writes a row group when enough rows, or enough text, have come together."""

    def __init__(self, parquet: Any, schema: Any) -> None:
        self._parquet = parquet
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []
        self._chars = 0

    def write(self, rows: Iterable[ResultsRow]) -> None:
        """Write rows."""
        for cells, verdict in rows:
            self._rows.append((*cells, *verdict))
            self._chars += sum(map(len, cells))
            if len(self._rows) >= _GROUP_ROWS or self._chars >= _GROUP_CHARS:
                self.flush()

    def flush(self) -> None:
        """Write what is held back."""
        if not self._rows:
            return
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._parquet.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()
        self._chars = 0

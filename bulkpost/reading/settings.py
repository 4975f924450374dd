"""What may be set about reading, and its limits."""

from typing import Annotated, Literal

import msgspec

MIB_BYTES = 1024 * 1024


class ReadingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an input's bytes become rows.

    Attributes:
        format: "auto" looks at the content: Parquet by its magic bytes, JSON Lines by its first
            character, delimited text otherwise.
        encoding: Name of the text's encoding. Empty: a byte order mark decides, else the text must
            be UTF-8 throughout or is refused. Given: a row that cannot be decoded is invalid.
        delimiter: One character. Empty: found among comma, semicolon, tab and bar.
        header: Whether the first line of CSV and TSV names the columns. If not, it is the first
            row, and the columns are called ``column_1``, ``column_2`` and so on.
        short_rows: "invalid" refuses a row with fewer cells than columns; "pad" adds empty cells.
        cell_bytes_max: A longer cell makes its row invalid.
        record_bytes_max: A longer line makes its row invalid; a quoted cell that runs on for
            longer is an unclosed quote and refuses the input.
        columns_max: More columns refuse the input.
        batch_rows: Rows handed over at a time. Batches end where the row number is a multiple of
            it, and earlier if rows are long.
    """

    format: Literal["auto", "csv", "tsv", "jsonl", "parquet"] = "auto"
    encoding: str = ""
    delimiter: Annotated[str, msgspec.Meta(max_length=1)] = ""
    header: bool = True
    short_rows: Literal["invalid", "pad"] = "invalid"
    cell_bytes_max: Annotated[int, msgspec.Meta(ge=16, le=64 * MIB_BYTES)] = MIB_BYTES
    record_bytes_max: Annotated[int, msgspec.Meta(ge=64, le=256 * MIB_BYTES)] = 4 * MIB_BYTES
    columns_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2_000
    batch_rows: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500

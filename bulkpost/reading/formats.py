"""What kind of file an input is: found out once, stated to the user, used by every pass."""

from dataclasses import dataclass
from enum import StrEnum


class InputKind(StrEnum):
    """How the rows are written down."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Compression(StrEnum):
    """What the text is packed in; told by its magic bytes, never by the file's name."""

    NONE = ""
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"


_KIND_WORDS = {
    InputKind.CSV: "CSV",
    InputKind.TSV: "TSV",
    InputKind.JSONL: "JSON Lines",
    InputKind.PARQUET: "Parquet",
}
_DELIMITER_WORDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How an input is read.

    Attributes:
        kind: How the rows are written down.
        compression: What they are packed in.
        encoding: Python's name of the encoding; empty for Parquet.
        delimiter: The character between cells; empty unless CSV or TSV.
        has_bom: Whether the text begins with a byte order mark.
        has_header: Whether the columns are named by the input itself.
        is_results: Whether ``export`` wrote it; what it added is not read.
    """

    kind: InputKind
    compression: Compression = Compression.NONE
    encoding: str = ""
    delimiter: str = ""
    has_bom: bool = False
    has_header: bool = True
    is_results: bool = False

    @property
    def description(self) -> str:
        """All of it in words: ``CSV, comma, UTF-8 with BOM, gzip``."""
        delimiter = _DELIMITER_WORDS.get(self.delimiter, repr(self.delimiter))
        words = (
            _KIND_WORDS[self.kind],
            delimiter if self.kind is InputKind.CSV else "",
            self.encoding.upper() + (" with BOM" if self.has_bom else ""),
            self.compression.value,
            "" if self.has_header else "no header",
            "results of an export" if self.is_results else "",
        )
        return ", ".join(word for word in words if word)

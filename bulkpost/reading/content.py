"""The content of an input: the bytes that identify it and that its offsets count.

For text it is what remains after unpacking, so ``leads.csv`` and ``leads.csv.gz`` are one input;
UTF-16 and UTF-32 are turned to UTF-8 first, and their offsets count that. For Parquet it is the
file's bytes.
"""

import io
from dataclasses import dataclass
from pathlib import Path

from bulkpost.errors import InputError
from bulkpost.reading.compression import ByteSource, compression_of, unpacked
from bulkpost.reading.encoding import UTF_8, TextEncoding, Utf8Source, encoding_of
from bulkpost.reading.formats import Compression
from bulkpost.reading.settings import ReadingSettings

_CHUNK_BYTES = 1024 * 1024
_HEAD_BYTES = 16
_ENCRYPTED_MAGIC = b"PARE"
_PARQUET_MAGIC = (b"PAR1", _ENCRYPTED_MAGIC)
_FOREIGN_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be read of a file, and how.

    Attributes:
        path: The file.
        is_parquet: Whether it is Parquet: its bytes are the content as they are.
        compression: What a text is packed in.
        encoding: What a text is written in.
    """

    path: Path
    is_parquet: bool = False
    compression: Compression = Compression.NONE
    encoding: TextEncoding = UTF_8

    def open(self, offset_bytes: int = 0) -> ByteSource:
        """Open the content so that the next byte read is the one at the offset.

        A plain file is sought; a packed or transcoded one is read up to the offset.

        Raises:
            InputError: The file cannot be opened, is damaged, or ends before the offset.
        """
        file = _opened(self.path)
        try:
            source = unpacked(file, self.compression, self.path.name)
            if not self.is_parquet and self.encoding.is_transcoded:
                source = Utf8Source(source, self.encoding.codec, self.path.name)
            if source is file:
                file.seek(offset_bytes)
            else:
                _skip(source, offset_bytes, self.path.name)
        except BaseException:
            file.close()
            raise
        return source


def content_of(path: Path, settings: ReadingSettings) -> Content:
    """Look at the first bytes of a file and tell what its content is.

    Raises:
        InputError: It cannot be opened, or is not of the format that was asked for, or of one that
            is read at all.
    """
    with _opened(path) as file:
        head = file.read(_HEAD_BYTES)
    if _is_parquet(head, settings, path.name):
        return Content(path, is_parquet=True)
    compression = compression_of(head)
    if compression is not Compression.NONE:
        source = Content(path, compression=compression).open()
        try:
            head = source.read(_HEAD_BYTES)
        finally:
            source.close()
    _refuse_foreign(head, path.name)
    encoding = encoding_of(head, settings.encoding, path.name)
    return Content(path, compression=compression, encoding=encoding)


def _is_parquet(head: bytes, settings: ReadingSettings, name: str) -> bool:
    is_parquet = head.startswith(_PARQUET_MAGIC)
    if settings.format == "parquet" and not is_parquet:
        raise InputError(
            f"{name} is not a Parquet file.", advice="Leave the format out, or name the right one."
        )
    if is_parquet and settings.format not in {"auto", "parquet"}:
        raise InputError(
            f"{name} is a Parquet file, but the format {settings.format} is given.",
            advice="Leave the format out.",
        )
    if head.startswith(_ENCRYPTED_MAGIC):
        raise InputError(
            f"{name} is an encrypted Parquet file.", advice="Write it again without encryption."
        )
    return is_parquet


def _refuse_foreign(head: bytes, name: str) -> None:
    for magic, words in _FOREIGN_MAGIC:
        if head.startswith(magic):
            raise InputError(
                f"{name} is {words}, not a list that can be read.",
                advice="Save the sheet as CSV (UTF-8) and submit that.",
            )
    if head.startswith(_PARQUET_MAGIC):
        raise InputError(
            f"{name} is a packed Parquet file.", advice="Unpack it; Parquet packs its own pages."
        )


def _opened(path: Path) -> io.FileIO:
    try:
        return io.FileIO(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened: {error.strerror or error}.",
            advice="Check the name and that it may be read.",
        ) from error


def _skip(source: ByteSource, offset_bytes: int, name: str) -> None:
    rest = offset_bytes
    while rest:
        chunk = source.read(min(rest, _CHUNK_BYTES))
        if not chunk:
            raise InputError(
                f"{name} has become shorter since it was first read.",
                advice="Submit the file as it was, or this one under check first.",
            )
        rest -= len(chunk)

"""Packed bytes in, plain bytes out: gzip, bzip2, xz and zstd, each whole or refused."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping
from io import FileIO
from typing import Final, Protocol

from bulkpost.errors import InputError
from bulkpost.reading.formats import Compression

_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"BZh", Compression.BZIP2),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
)
# Four packed bytes can stand for 128 KiB: a small bite keeps what one read can swell to bounded.
_ZSTD_BITE_BYTES = 2048
_ZSTD_WINDOW_BYTES_MAX = 1 << 27


class ByteSource(Protocol):
    """Bytes, one after the other."""

    def read(self, bytes_max: int, /) -> bytes:
        """Return at most so many of the next bytes, at least one unless at the end."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def compression_of(head: bytes) -> Compression:
    """Return what a file that begins with these bytes is packed in."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), Compression.NONE)


def unpacked(file: FileIO, compression: Compression, name: str) -> ByteSource:
    """Return the plain bytes of a file, read from its beginning; several members are joined.

    Reading raises ``InputError`` if the file is cut off or damaged.
    """
    if compression is Compression.NONE:
        return file
    return _Checked(_UNPACKERS[compression](file), file, f"{name} ({compression.value})")


class _Checked:
    """Turns what the libraries raise into one error that says what to do."""

    def __init__(self, source: ByteSource, file: FileIO, name: str) -> None:
        self._source = source
        self._file = file
        self._name = name

    def read(self, bytes_max: int, /) -> bytes:
        try:
            return self._source.read(bytes_max)
        except EOFError:
            raise InputError(
                f"{self._name} is cut off: its end is missing.",
                advice="Get the file again; compare its size with the original's.",
            ) from None
        except (OSError, zlib.error, lzma.LZMAError) as error:
            raise InputError(
                f"{self._name} is damaged and cannot be unpacked.",
                advice="Get the file again; compare its size with the original's.",
            ) from error

    def close(self) -> None:
        self._source.close()
        self._file.close()


class _ZstdSource:
    """Joins frames and notices a missing end, which the library's own file objects do not."""

    def __init__(self, file: FileIO) -> None:
        import zstandard  # noqa: PLC0415  # costs start-up time that few inputs are worth

        self._error = zstandard.ZstdError
        self._new_frame = zstandard.ZstdDecompressor(
            max_window_size=_ZSTD_WINDOW_BYTES_MAX
        ).decompressobj
        self._frame = self._new_frame()
        self._file = file
        self._packed = b""
        self._plain = b""
        self._plain_start = 0

    def read(self, bytes_max: int, /) -> bytes:
        while self._plain_start == len(self._plain):
            if not self._unpack_more():
                return b""
        start = self._plain_start
        self._plain_start = min(len(self._plain), start + bytes_max)
        return self._plain[start : self._plain_start]

    def close(self) -> None:
        self._plain = b""
        self._plain_start = 0

    def _unpack_more(self) -> bool:
        bite = self._packed or self._file.read(_ZSTD_BITE_BYTES)
        self._packed = b""
        if not bite:
            if not self._frame.eof:
                raise EOFError
            return False
        if self._frame.eof:
            self._frame = self._new_frame()
        try:
            self._plain, self._plain_start = self._frame.decompress(bite), 0
        except self._error as error:
            raise OSError("damaged") from error
        if self._frame.eof:
            self._packed = self._frame.unused_data
        return True


def _gzip(file: FileIO) -> ByteSource:
    return gzip.GzipFile(fileobj=file, mode="rb")


_UNPACKERS: Final[Mapping[Compression, Callable[[FileIO], ByteSource]]] = {
    Compression.GZIP: _gzip,
    Compression.BZIP2: bz2.BZ2File,
    Compression.XZ: lzma.LZMAFile,
    Compression.ZSTD: _ZstdSource,
}

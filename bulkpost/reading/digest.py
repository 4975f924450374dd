"""Who an input is: the SHA-256 of its content, and of its beginnings.

A file that was renamed, packed or unpacked is the same input; one that has grown is recognised by
the digest of its old part.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bulkpost.reading.compression import ByteSource
from bulkpost.reading.content import Content, content_of
from bulkpost.reading.settings import ReadingSettings

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContentDigest:
    """What identifies an input.

    Attributes:
        digest: SHA-256 of the content, lower-case hex: of the unpacked text, or of a Parquet
            file's bytes.
        size_bytes: Size of the content.
        prefixes: SHA-256 of the first n bytes by n, for those asked that end with a line.
    """

    digest: str
    size_bytes: int
    prefixes: Mapping[int, str] = field(default_factory=dict)


def digest_content(
    path: Path, settings: ReadingSettings | None = None, at: Iterable[int] = ()
) -> ContentDigest:
    """Hash the content of a file in one pass, without reading rows.

    Args:
        path: The file.
        settings: How it is read; the encoding matters if it is turned to UTF-8 on the fly.
        at: Sizes in bytes of beginnings to hash too. Left out of the answer: those longer than
            the content, those that do not end with a line, and all of a Parquet file.

    Raises:
        InputError: It cannot be opened or unpacked.
    """
    content = content_of(path, settings or ReadingSettings())
    return digest_of(content, at)


def digest_of(content: Content, at: Iterable[int] = ()) -> ContentDigest:
    """Hash a content whose kind is known already. See ``digest_content``."""
    ends = [] if content.is_parquet else sorted({end for end in at if end > 0}, reverse=True)
    digest = hashlib.sha256()
    size_bytes = 0
    prefixes: dict[int, str] = {}
    with closing(content.open()) as source:
        for chunk in _chunks(source):
            start, size_bytes = size_bytes, size_bytes + len(chunk)
            done = 0
            while ends and ends[-1] <= size_bytes:
                end = ends.pop()
                digest.update(chunk[done : end - start])
                done = end - start
                if chunk[done - 1] in b"\r\n":
                    prefixes[end] = digest.copy().hexdigest()
            digest.update(chunk[done:])
    return ContentDigest(digest.hexdigest(), size_bytes, prefixes)


def _chunks(source: ByteSource) -> Iterator[memoryview]:
    """Yield views of the next bytes."""
    while chunk := source.read(_CHUNK_BYTES):
        yield memoryview(chunk)

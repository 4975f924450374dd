import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from bulkpost.errors import InputError
from bulkpost.reading import digest_content, open_reader, survey

Read = Callable[..., Any]
PACKERS: list[Any] = [
    pytest.param(gzip.compress, "gzip", id="gzip"),
    pytest.param(bz2.compress, "bzip2", id="bzip2"),
    pytest.param(lzma.compress, "xz", id="xz"),
    pytest.param(zstandard.compress, "zstd", id="zstd"),
]
_random = random.Random(20)
CONTENT = b"a,b\n" + b"".join(
    b"%d,%d\n" % (number, _random.getrandbits(64)) for number in range(3000)
)


@pytest.mark.parametrize(("pack", "word"), PACKERS)
def test_i20_a_packed_input_is_told_by_its_bytes(
    read: Read, pack: Callable[[bytes], bytes], word: str
) -> None:
    """A list packed with gzip, bzip2, xz or zstd is told by its bytes, whatever its name says."""
    seen = read(pack(CONTENT), "leads.csv")

    assert 3000 == len(seen.good)
    assert f"CSV, comma, UTF-8, {word}" == seen.description


def test_i20_a_suffix_that_promises_packing_may_lie(read: Read) -> None:
    """A plain list whose name ends in `.gz` is read as the plain list that it is."""
    assert "CSV, comma, UTF-8" == read(CONTENT, "leads.csv.gz").description


@pytest.mark.parametrize(("pack", "word"), PACKERS)
def test_i20_two_members_are_one_input(
    read: Read, pack: Callable[[bytes], bytes], word: str
) -> None:
    """Packed files that were joined to one are read to the end of the last."""
    half = len(CONTENT) // 2

    seen = read(pack(CONTENT[:half]) + pack(CONTENT[half:]))

    assert 3000 == len(seen.good), word


@pytest.mark.parametrize(("pack", "word"), PACKERS)
@pytest.mark.parametrize("cut_bytes", [1, 9, 5000])
def test_i20_a_packed_input_that_is_cut_off_is_refused_by_the_survey(
    tmp_path: Path, pack: Callable[[bytes], bytes], word: str, cut_bytes: int
) -> None:
    """A packed list that is cut off, wherever it is, is refused before its first row is sent."""
    path = tmp_path / "leads.csv.gz"
    path.write_bytes(pack(CONTENT)[:-cut_bytes])

    with (
        pytest.raises(InputError, match=r"cut off|damaged") as refused,
        open_reader(path) as reader,
    ):
        survey(reader)

    assert word in str(refused.value)


@pytest.mark.parametrize(("pack", "word"), PACKERS[:3])
def test_i20_a_damaged_packed_input_is_refused(
    tmp_path: Path, pack: Callable[[bytes], bytes], word: str
) -> None:
    """A packed list with a single wrong bit is refused before its first row is sent."""
    packed = bytearray(pack(CONTENT))
    packed[len(packed) // 2] ^= 0x10
    path = tmp_path / "leads"
    path.write_bytes(packed)

    with pytest.raises(InputError, match=word), open_reader(path) as reader:
        survey(reader)


@pytest.mark.parametrize(("pack", "word"), PACKERS)
def test_packed_and_plain_are_the_same_input(
    tmp_path: Path, pack: Callable[[bytes], bytes], word: str
) -> None:
    """Identity is the content's: packing a list after a run does not make it a new one."""
    plain, packed = tmp_path / "leads.csv", tmp_path / f"leads.{word}"
    plain.write_bytes(CONTENT)
    packed.write_bytes(pack(CONTENT))

    assert digest_content(plain, at=[4, 1000]) == digest_content(packed, at=[4, 1000])


def test_a_zstd_bomb_is_unpacked_in_bounded_pieces(read: Read) -> None:
    """A line of 32 MiB in a few kilobytes is one invalid row."""
    packed = zstandard.compress(b"a,b\n" + b"x" * 2**25 + b",1\n2,3\n")

    seen = read(packed)

    assert {1: (2, "the line is longer than 4,194,304 bytes")} == seen.bad
    assert [("2", "3")] == seen.good

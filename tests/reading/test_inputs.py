import hashlib
import io
import os
import stat
from pathlib import Path

import pytest
from privileges import unprivileged

from bulkpost.errors import InputError
from bulkpost.reading import resolve_inputs, spool_stdin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "c.tsv", "odd[1].csv"):
        (tmp_path / name).write_text("x\n")
    return tmp_path


def test_files_come_in_their_order_and_those_of_a_glob_sorted(folder: Path) -> None:
    """A glob is as stable as a list."""
    assert (folder / "c.tsv", folder / "a.csv", folder / "b.csv") == resolve_inputs(
        [str(folder / "c.tsv"), str(folder / "[ab].csv")]
    )


def test_a_name_that_exists_is_no_pattern(folder: Path) -> None:
    """Brackets in a file's name need no escape."""
    assert (folder / "odd[1].csv",) == resolve_inputs([str(folder / "odd[1].csv")])


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("*.xlsx", "No file matches"),
        ("missing.csv", "does not exist"),
        (".", "is a directory"),
        ("a.csv/x", "cannot be opened"),
    ],
)
def test_i28_what_is_no_readable_file_is_refused(folder: Path, argument: str, words: str) -> None:
    """What is no file that can be read is refused, with what to do."""
    with pytest.raises(InputError, match=words) as refused:
        resolve_inputs([str(folder / argument)])

    assert refused.value.advice


def test_i28_devices_and_pipes_are_refused(folder: Path) -> None:
    """A device or a named pipe is refused, for it could not be read twice."""
    os.mkfifo(folder / "pipe")

    for path in (folder / "pipe", Path("/dev/null")):
        with pytest.raises(InputError, match="not a regular file"):
            resolve_inputs([str(path)])


def test_i28_a_symlink_loop_is_refused(folder: Path) -> None:
    """A symbolic link that leads back to itself is refused with words."""
    (folder / "loop").symlink_to(folder / "loop")

    with pytest.raises(InputError, match="loop"):
        resolve_inputs([str(folder / "loop")])


def test_i28_an_unreadable_file_is_refused(folder: Path) -> None:
    """A list that this user may not read is refused, with the command that helps."""
    (folder / "a.csv").chmod(0)

    with unprivileged(), pytest.raises(InputError, match="may not be read") as refused:
        resolve_inputs([str(folder / "a.csv")])

    assert "chmod" in refused.value.advice


def test_the_same_file_twice_is_refused_under_any_name(folder: Path) -> None:
    """A link to a file is that file."""
    (folder / "link.csv").symlink_to(folder / "a.csv")

    for again in ("a.csv", "link.csv", "?.csv"):
        with pytest.raises(InputError, match="given twice"):
            resolve_inputs([str(folder / "a.csv"), str(folder / again)])


def test_no_input_is_refused() -> None:
    """An empty list is a mistake, not an empty run."""
    with pytest.raises(InputError, match="No input"):
        resolve_inputs([])


def test_i22_the_same_bytes_are_kept_in_the_same_private_file(tmp_path: Path) -> None:
    """A list that is piped in again is known again; its copy is readable by its owner only."""
    directory = tmp_path / "deep" / "spool"
    content = b"a,b\n" + b"1,2\n" * 1_000_000

    first = spool_stdin(io.BytesIO(content), directory)
    again = spool_stdin(io.BytesIO(content), directory)

    assert first == again
    assert f"stdin-{hashlib.sha256(content).hexdigest()}" == first.name
    assert content == first.read_bytes()
    assert [first] == list(directory.iterdir())
    assert 0o600 == stat.S_IMODE(first.stat().st_mode)
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)


def test_a_spool_that_was_tampered_with_is_healed(tmp_path: Path) -> None:
    """The name promises the bytes: a planted file or link of that name is replaced."""
    directory, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    spool = spool_stdin(io.BytesIO(b"a\n1\n"), directory)
    spool.unlink()
    elsewhere.write_bytes(b"other")
    spool.symlink_to(elsewhere)

    assert b"a\n1\n" == spool_stdin(io.BytesIO(b"a\n1\n"), directory).read_bytes()
    assert b"other" == elsewhere.read_bytes()
    assert not spool.is_symlink()


def test_a_directory_that_others_may_open_is_refused(tmp_path: Path) -> None:
    """Leads are not left where others read."""
    directory = tmp_path / "spool"
    directory.mkdir()
    directory.chmod(0o755)

    with pytest.raises(InputError, match="open to other users") as refused:
        spool_stdin(io.BytesIO(b"a\n"), directory)

    assert f"chmod 700 {directory}" in refused.value.advice


def test_a_stream_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half a list is not kept as if it were one."""
    reading, writing = os.pipe()
    os.close(writing)

    class Broken(io.FileIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with Broken(reading) as stream, pytest.raises(InputError, match="Input/output error"):
        spool_stdin(stream, tmp_path / "spool")

    assert [] == list((tmp_path / "spool").iterdir())

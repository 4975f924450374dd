import os
from pathlib import Path

import pytest

from bulkpost.errors import BulkpostError, UsageError
from bulkpost.reporting.private_file import private_file, private_files, private_folder


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(targets: list[Path], text: bytes, *, is_forced: bool = False) -> None:
    with private_files(targets, is_forced=is_forced) as drafts:
        for draft in drafts:
            draft.file.write(text)


def test_d17_a_file_appears_whole_private_and_never_over_another(tmp_path: Path) -> None:
    """A results file appears whole, for its owner only; a failure leaves the old one."""
    target = tmp_path / "out.csv"
    umask = os.umask(0)
    try:
        with private_file(target, is_forced=False) as file:
            file.write("old")
            assert not target.exists()
    finally:
        os.umask(umask)
    assert 0o600 == mode_of(target)

    with pytest.raises(UsageError, match="exists"), private_file(target, is_forced=False):
        pass
    with pytest.raises(ZeroDivisionError), private_file(target, is_forced=True) as file:
        file.write(f"new {1 / 0}")
    assert "old" == target.read_text()
    with private_file(target, is_forced=True) as file:
        file.write("new")
    assert "new" == target.read_text()
    assert ["out.csv"] == names_in(tmp_path)


@pytest.mark.parametrize("is_forced", [True, False])
def test_results_are_never_written_through_a_link(is_forced: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    """Neither to a file that exists nor to one that does not."""
    (tmp_path / "secret").write_text("old")
    for name, aim in (("link", "secret"), ("dangling", "nowhere")):
        (tmp_path / name).symlink_to(tmp_path / aim)
        with (
            pytest.raises(UsageError, match="not a regular file"),
            private_file(tmp_path / name, is_forced=is_forced),
        ):
            pass

    assert "old" == (tmp_path / "secret").read_text()
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Two exports at once: the second one to finish gives way."""
    target = tmp_path / "out.csv"
    with pytest.raises(UsageError, match="exists"), private_file(target, is_forced=False):
        target.write_text("first")

    assert "first" == target.read_text()


def test_of_several_files_all_take_their_names_or_none(tmp_path: Path) -> None:
    """A name that is taken meanwhile leaves the others free, and what stands there untouched."""
    targets = [tmp_path / name for name in "abc"]
    with pytest.raises(UsageError, match="exists"), private_files(targets, is_forced=False):
        targets[2].write_text("first")

    assert (["c"], "first") == (names_in(tmp_path), targets[2].read_text())


def test_old_files_come_back_where_new_ones_cannot_take_their_place(tmp_path: Path) -> None:
    """Never one file of this export beside another of that one."""
    targets = [tmp_path / name for name in "abc"]
    write(targets, b"old")
    targets[2].unlink()
    with pytest.raises(UsageError, match="regular file"), private_files(targets, is_forced=True):
        targets[2].mkdir()

    assert ["a", "b", "c"] == names_in(tmp_path)
    assert ["old", "old"] == [target.read_text() for target in targets[:2]]
    targets[2].rmdir()
    write(targets, b"new", is_forced=True)
    assert ["new"] * 3 == [target.read_text() for target in targets]
    assert ["a", "b", "c"] == names_in(tmp_path)


def test_a_folder_that_was_made_for_nothing_is_gone(tmp_path: Path) -> None:
    """Its mode is its owner's alone; one that was there stays, and one deep below is not made."""
    folder = tmp_path / "out"
    with private_folder(folder):
        assert 0o700 == mode_of(folder)
    with pytest.raises(ZeroDivisionError), private_folder(folder):
        raise ZeroDivisionError
    assert folder.is_dir()
    folder.rmdir()
    with pytest.raises(ZeroDivisionError), private_folder(folder):
        raise ZeroDivisionError
    assert [] == names_in(tmp_path)
    with pytest.raises(UsageError, match="does not exist"), private_folder(folder / "deep"):
        pass
    with (
        pytest.raises(BulkpostError, match="could not be written"),
        private_folder(Path("/proc/x")),
    ):
        pass

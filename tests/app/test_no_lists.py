"""Names of inputs behind which there is no list that can be read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faultserver import fault_server
from privileges import unprivileged
from submitting import a_list, an_order, submitted

from bulkpost.errors import UsageError


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def refusal_of(name: str | Path, folder: Path, words: str) -> None:
    """Submit a good list and the named one: status 2, nothing sent and nothing written."""
    good, before = a_list(folder, 2, "good.csv"), names_in(folder)
    async with fault_server([]) as server:
        order = an_order(server.url, good, str(name), ledger=folder / "l.db")
        with unprivileged(), pytest.raises(UsageError) as caught:
            await submitted(order)

    assert (2, 0) == (caught.value.exit_status, server.connections)
    assert words in caught.value.message
    assert caught.value.advice
    assert before == names_in(folder)


async def test_i28_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder in place of a list is refused, with the pattern that names its files."""
    (tmp_path / "lists").mkdir()

    await refusal_of(tmp_path / "lists", tmp_path, "is a directory")


async def test_i28_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    """A symbolic link that leads back to itself is refused with words."""
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")

    await refusal_of(tmp_path / "loop.csv", tmp_path, "cannot be opened")


@pytest.mark.parametrize("make", [lambda _path: Path("/dev/zero"), os.mkfifo], ids=["zero", "fifo"])
async def test_i28_a_device_or_a_pipe_is_refused(
    tmp_path: Path, make: Callable[[Path], Path | None]
) -> None:
    """A device or a named pipe is refused at once: a run over it could not be resumed.

    What comes through a pipe is read with `-` from standard input, and kept until it is submitted.
    """
    made = make(tmp_path / "leads.csv")

    await refusal_of(made or tmp_path / "leads.csv", tmp_path, "not a regular file")


async def test_i28_a_list_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """A list that this user may not read is refused, with the command that helps."""
    a_list(tmp_path, [3], "secret.csv").chmod(0)

    await refusal_of(tmp_path / "secret.csv", tmp_path, "may not be read by this user")


async def test_i28_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A list that is not there, and a pattern that fits nothing, are refused."""
    await refusal_of(tmp_path / "none.csv", tmp_path, "does not exist")
    await refusal_of(tmp_path / "*.tsv", tmp_path, "No file matches")


async def test_i28_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    """A symbolic link whose file is gone is refused like a missing file."""
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")

    await refusal_of(tmp_path / "link.csv", tmp_path, "does not exist")

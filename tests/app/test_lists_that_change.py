"""A list that is written to, cut, replaced or deleted while it is submitted; the server judges."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultserver import fault_server
from submitting import Answerer, Recorder, Seen, a_list, an_order, asked, submitted

from bulkpost.app.order import SubmitResult
from bulkpost.errors import InputError
from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding

ROWS = 330  # more than are read ahead
AT = 12  # the change happens while this row is answered
# Few bytes at a time, so that most of the list is still to be read when it changes.
SMALL_BITES: dict[str, Any] = {
    "input__batch_rows": 5,
    "input__cell_bytes_max": 128,
    "input__record_bytes_max": 256,
    "engine__concurrency": 4,
}


async def submitted_while(
    change: Callable[[], object], leads: Path, answerer: Answerer, observer: Recorder
) -> SubmitResult:
    """Submit a list that changes while row ``AT`` is on its way."""

    def at_row(seen: Seen) -> None:
        if seen.row == AT and len(answerer.seen) < ROWS:
            answerer.on_request = None
            change()

    answerer.on_request = at_row
    async with fault_server(answerer.script) as server:
        ledger = leads.parent / "l.db"
        return await submitted(an_order(server.url, leads, ledger=ledger, **SMALL_BITES), observer)


async def submitted_again(leads: Path, answerer: Answerer) -> SubmitResult:
    """Submit to a server of the same name: the destination is its URL."""
    (url,) = asked(leads.parent / "l.db", "SELECT name FROM destination")[0]
    port = int(url.split("/")[2].rpartition(":")[2])
    async with fault_server(answerer.script, port=port) as server:
        ledger = leads.parent / "l.db"
        return await submitted(an_order(server.url, leads, ledger=ledger, **SMALL_BITES))


def check_stopped(result: SubmitResult, answerer: Answerer, rows: range) -> None:
    """The run failed with words, and only sound rows were sent, each once."""
    assert ExitStatus.INTERNAL is result.exit_status
    assert RunEnding.FAILED is result.runs[0].ending
    assert result.runs[0].halt is not None
    assert "was changed while it was submitted" in result.runs[0].halt.reason
    assert AT <= len(answerer.seen) < ROWS
    assert set(answerer.counts) <= set(rows)
    assert {1} == set(answerer.counts.values())
    for seen in answerer.seen:
        assert ("email", f"ada{seen.row}@example.com") in seen.fields


async def test_i21_rows_added_during_the_run_are_left_for_the_next(tmp_path: Path) -> None:
    """Rows that are added to a list while it is submitted are not sent by this run.

    It sends all rows that it began with and ends with 6; the same command then sends the new ones.
    """
    leads, answerer, observer = a_list(tmp_path, ROWS), Answerer(), Recorder()
    longer = a_list(tmp_path, ROWS + 3, "longer.csv").read_bytes()[leads.stat().st_size :]

    def grow() -> None:
        with leads.open("ab") as file:
            file.write(longer)

    result = await submitted_while(grow, leads, answerer, observer)
    assert (ExitStatus.RESUMABLE, ROWS) == (result.exit_status, len(answerer.seen))
    assert any("rows were added while" in note for note in observer.notes)
    again = await submitted_again(leads, answerer)

    assert ExitStatus.DONE is again.exit_status
    assert dict.fromkeys(range(1, ROWS + 4), 1) == answerer.counts


async def test_i21_a_list_that_is_cut_during_the_run_stops_it(tmp_path: Path) -> None:
    """A list that becomes shorter while it is submitted stops the run with 1.

    The row at the cut, which looks whole, is not sent. With the list as it was, the same command
    sends the rest, and nothing twice.
    """
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    content = leads.read_bytes()
    cut = content.index(b"ada310@example.com") + 8
    result = await submitted_while(lambda: os.truncate(leads, cut), leads, answerer, Recorder())
    check_stopped(result, answerer, range(1, 310))

    leads.write_bytes(content)
    again = await submitted_again(leads, answerer)

    assert ExitStatus.DONE is again.exit_status
    assert dict.fromkeys(range(1, ROWS + 1), 1) == answerer.counts


async def test_i21_a_list_that_is_replaced_during_the_run_stops_it(tmp_path: Path) -> None:
    """A list that is replaced by another while it is submitted stops the run with 1.

    No row of the new list is sent by this run. The same command then submits the new list, without
    the leads of it that were sent already.
    """
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    other = a_list(tmp_path, range(5, ROWS + 9), "other.csv")
    result = await submitted_while(lambda: other.replace(leads), leads, answerer, Recorder())
    check_stopped(result, answerer, range(1, ROWS + 1))
    again = await submitted_again(leads, answerer)

    assert ExitStatus.DONE is again.exit_status
    assert {1} == set(answerer.counts.values())
    assert set(range(1, ROWS + 9)) == set(answerer.counts)


async def test_i21_a_list_that_is_overwritten_during_the_run_stops_it(tmp_path: Path) -> None:
    """A list whose bytes are overwritten in place while it is submitted stops the run with 1.

    Nothing of what stands in it now is sent, even if its size is the same.
    """
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    changed = leads.read_bytes().replace(b"@example.com", b"@example.net")

    result = await submitted_while(lambda: leads.write_bytes(changed), leads, answerer, Recorder())

    check_stopped(result, answerer, range(1, ROWS + 1))


async def test_i21_a_list_that_is_deleted_during_the_run_stops_it(tmp_path: Path) -> None:
    """A list that is deleted or moved away while it is submitted stops the run with 1.

    Put back, it is gone on with: the same command sends the rest, and nothing twice.
    """
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    aside = tmp_path / "aside.csv"
    result = await submitted_while(lambda: leads.rename(aside), leads, answerer, Recorder())
    check_stopped(result, answerer, range(1, ROWS + 1))

    aside.rename(leads)
    again = await submitted_again(leads, answerer)

    assert ExitStatus.DONE is again.exit_status
    assert dict.fromkeys(range(1, ROWS + 1), 1) == answerer.counts


async def test_i21_a_list_that_changes_after_its_last_row_is_told(tmp_path: Path) -> None:
    """A list that is replaced when all its rows are on their way ends the run with 1.

    A script that moves the list away after a 0 must not move away one that nobody submitted.
    """
    leads, answerer = a_list(tmp_path, AT), Answerer()
    other = a_list(tmp_path, range(700, 705), "other.csv")

    result = await submitted_while(lambda: other.replace(leads), leads, answerer, Recorder())

    assert ExitStatus.INTERNAL is result.exit_status
    assert dict.fromkeys(range(1, AT + 1), 1) == answerer.counts


async def test_a_touched_list_is_the_same_list(tmp_path: Path) -> None:
    """Bytes decide, not times: a new time of change stops nothing."""
    leads, answerer = a_list(tmp_path, ROWS), Answerer()

    result = await submitted_while(lambda: os.utime(leads, (1, 1)), leads, answerer, Recorder())

    assert (ExitStatus.DONE, ROWS) == (result.exit_status, len(answerer.seen))


async def test_d18_a_list_overwritten_in_place_with_its_old_time_is_noticed(tmp_path: Path) -> None:
    """A list that is overwritten during a run, file, size and time as before, stops the run.

    No row is sent that was read after the change.
    """
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    status = leads.stat()

    def overwrite() -> None:
        leads.write_bytes(leads.read_bytes().replace(b"@example.com", b"@example.net"))
        os.utime(leads, ns=(status.st_atime_ns, status.st_mtime_ns))

    result = await submitted_while(overwrite, leads, answerer, Recorder())

    assert (status.st_ino, status.st_size) == (leads.stat().st_ino, leads.stat().st_size)
    check_stopped(result, answerer, range(1, ROWS + 1))
    assert not any(b"example.net" in seen.request.body for seen in answerer.seen)


@pytest.mark.parametrize("at_s", [1, 4_102_444_800], ids=["1970", "2100"])
async def test_d18_a_list_is_known_by_its_bytes_and_not_by_its_time(
    at_s: int, tmp_path: Path
) -> None:
    """A list whose file time is long past or in the future is the same list; other bytes are not.

    The same file with other content of the same size is a new list, and its rows are submitted.
    """
    leads, answerer = a_list(tmp_path, AT), Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=tmp_path / "l.db")
        await submitted(order)
        os.utime(leads, (at_s, at_s))
        await submitted(order)
        same = len(answerer.seen)
        leads.write_bytes(leads.read_bytes().replace(b"@example.com", b"@example.net"))
        os.utime(leads, (at_s, at_s))
        await submitted(order)

    assert (AT, 2 * AT) == (same, len(answerer.seen))
    assert [(1,), (2,)] == asked(tmp_path / "l.db", "SELECT id FROM input ORDER BY id")


async def test_i21_a_list_that_changes_while_it_is_first_read_is_refused(tmp_path: Path) -> None:
    """A list that is written to while it is read for the first time is refused: nothing is sent."""
    leads, answerer = a_list(tmp_path, ROWS), Answerer()
    changed = leads.read_bytes().replace(b"@example.com", b"@example.net")

    class Meddler(Recorder):
        def surveyed(self, path: Path, rows: int) -> None:
            if rows == ROWS:
                path.write_bytes(changed)

    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=tmp_path / "l.db")
        with pytest.raises(InputError, match="changed while it was read") as refused:
            await submitted(order, Meddler())

    assert (2, []) == (refused.value.exit_status, answerer.seen)
    assert refused.value.advice


async def test_i28_a_list_that_is_gone_when_its_turn_comes_is_refused(tmp_path: Path) -> None:
    """A list that is deleted between being named and being read is refused: nothing is sent."""
    leads, gone, answerer = a_list(tmp_path, 2), a_list(tmp_path, [3], "gone.csv"), Answerer()

    class Meddler(Recorder):
        def noted(self, text: str) -> None:  # noqa: ARG002  # the interface
            gone.unlink(missing_ok=True)

    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, gone, ledger=tmp_path / "l.db")
        with pytest.raises(InputError, match=r"gone\.csv cannot be opened any more"):
            await submitted(order, Meddler())

    assert [] == answerer.seen


@pytest.mark.parametrize(("end", "is_told"), [("", True), ("\n", False), ("\r", False)])
async def test_i21_a_list_that_ends_amid_a_line_is_told(
    tmp_path: Path, end: str, *, is_told: bool
) -> None:
    """A list whose last line has no end is sent, with a warning that it may have been cut off."""
    (tmp_path / "leads.csv").write_text(f"row,a\n1,x\n2,y{end}", newline="")
    answerer, observer = Answerer(), Recorder()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, tmp_path / "leads.csv", ledger=tmp_path / "l.db")
        await submitted(order, observer)

    assert [1, 2] == sorted(answerer.rows)
    assert is_told is any("the last line has no line end" in note for note in observer.notes)

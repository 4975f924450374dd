"""A writer whose disk, file or rescue fails: what it says, and what becomes of answers in hand."""

import sqlite3
from pathlib import Path

import anyio
import pytest
import structlog
from ledgers import LEAD_ID, an_intent, opened

from bulkpost.errors import LedgerDiskError, LedgerWriteError
from bulkpost.ledger.entries import Settlement, row_id_of
from bulkpost.outcome import Outcome, OutcomeKind

SUCCESS = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


@pytest.mark.parametrize(
    ("name", "what", "kind"),
    [
        ("SQLITE_FULL", "the disk under the ledger is full", LedgerWriteError),
        ("SQLITE_READONLY", "the ledger is read-only", LedgerDiskError),
        ("SQLITE_CORRUPT", "the ledger is damaged", LedgerDiskError),
        (
            "SQLITE_IOERR_FSYNC",
            "writing to the ledger failed (SQLITE_IOERR_FSYNC)",
            LedgerDiskError,
        ),
    ],
)
async def test_a_write_that_fails_is_told_by_its_cause(
    name: str, what: str, kind: type[LedgerWriteError], path: Path
) -> None:
    """A disk that fails is not written to again; a full one is, once there is room."""
    problem = sqlite3.OperationalError("it failed")
    problem.sqlite_errorname = name

    def fail(_: sqlite3.Connection) -> None:
        raise problem

    async with opened(path) as ledger:
        with pytest.raises(LedgerWriteError) as caught:
            await ledger.writer.transact(fail)

    assert kind is type(caught.value)
    assert f"{what}: {path}" == caught.value.message
    assert caught.value.advice.startswith("Nothing was sent after that. Mend the disk")


async def test_an_answer_that_no_file_can_hold_leaves_nobody_waiting(path: Path) -> None:
    """Its row stays in flight, and is in doubt at the next start; why is logged."""
    odd = Outcome(OutcomeKind.FAILURE, "\ud800", 201, LEAD_ID)
    with structlog.testing.capture_logs() as log:
        async with opened(path) as ledger:
            assert await ledger.writer.arm(an_intent(1))
            ledger.writer.put(Settlement(row_id_of(1, 1), odd))
            with anyio.fail_after(10):
                await ledger.writer.flush()
            failure = ledger.writer.failure

    assert failure is not None
    assert ["ledger_write_failed", "rescue_failed"] == [entry["event"] for entry in log]
    assert ("error", "UnicodeEncodeError") == (log[1]["log_level"], log[1]["error_type"])


def _lose(path: Path) -> None:
    path.unlink()


async def test_a_ledger_that_vanishes_under_the_second_try_is_not_written_to_again(
    path: Path,
) -> None:
    """A group that an intent has spoilt is tried without it; what then fails is what counts."""
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        ledger.writer.put(Settlement(row_id_of(1, 1), SUCCESS))
        _lose(path)
        with anyio.fail_after(10), pytest.raises(LedgerDiskError) as caught:
            await ledger.writer.arm(an_intent(2, ambiguous=1 << 70))
        failure = ledger.writer.failure

    assert caught.value is failure
    assert f"the ledger was deleted or replaced while in use: {path}" == caught.value.message
    assert LEAD_ID in path.with_name("leads.db.rescue").read_text()

"""What is done once a ledger's database is open: checked, brought up to date, recovered."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ledgers import LEAD_ID, OPTIONS, an_intent, content, opened

from bulkpost.clock import SystemClock
from bulkpost.errors import LedgerDamagedError, LedgerWriteError
from bulkpost.ledger import ledger as module
from bulkpost.ledger import schema
from bulkpost.ledger.entries import Settlement, row_id_of
from bulkpost.ledger.ledger import open_ledger
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.outcome import Outcome, OutcomeKind

_PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db"


async def _made(path: Path) -> None:
    async with opened(path) as ledger:
        for row in range(1, 40):
            assert await ledger.writer.arm(an_intent(row))
            answer = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID)
            ledger.writer.put(Settlement(row_id_of(1, row), answer))


def _spoil(path: Path, name: str) -> None:
    """Overwrite the first page of a table."""
    number = dict(content(path, "SELECT name, rootpage FROM sqlite_schema"))[name]
    with path.open("r+b") as file:
        file.seek((number - 1) * _PAGE_BYTES)
        file.write(b"\xff" * _PAGE_BYTES)


def _size(path: Path) -> int:
    return path.stat().st_size


async def test_damage_where_a_run_begins_is_told(path: Path) -> None:
    """What an earlier run left behind cannot be read: nobody knows what was sent."""
    await _made(path)
    _spoil(path, "intent")
    with pytest.raises(LedgerDamagedError) as caught:
        async with open_ledger(path, OPTIONS, SystemClock()):
            pass

    assert f"the ledger is damaged: {path}" == caught.value.message


@pytest.mark.parametrize("is_longer", [False, True])
async def test_damage_elsewhere_is_looked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, is_longer: bool
) -> None:
    """In a ledger up to a size that can be read at every start; a longer one is left to verify."""
    await _made(path)
    _spoil(path, "attempt")
    monkeypatch.setattr(module, "_QUICK_CHECK_BYTES_MAX", _size(path) - is_longer)
    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        if is_longer:
            await ledger.quick_check()
            return
        with pytest.raises(LedgerDamagedError) as caught:
            await ledger.quick_check()

    assert f"the ledger is damaged: {path}" == caught.value.message


async def test_a_disk_that_fails_under_the_check_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no damage that a backup would mend."""
    problem = sqlite3.OperationalError("disk I/O error")
    problem.sqlite_errorname = "SQLITE_IOERR_READ"

    async def fail(*_: Any) -> list[Any]:
        raise problem

    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        monkeypatch.setattr(ledger.reader, "fetch", fail)
        with pytest.raises(LedgerWriteError) as caught:
            await ledger.quick_check()

    assert f"the disk under the ledger fails (SQLITE_IOERR_READ): {path}" == caught.value.message


async def test_an_older_ledger_is_brought_up_to_date_at_its_opening(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a copy that carries the old version's number; what it held is in both."""
    await _made(path)
    monkeypatch.setattr(schema, "VERSION", 2)
    async with open_ledger(path, OPTIONS, SystemClock()) as ledger:
        assert not ledger.is_new

    backup = LedgerPaths(path).backup(1)
    assert path.with_name("leads.db.v1.bak") == backup
    for file in (path, backup):
        assert [(39,)] == content(file, "SELECT count(*) FROM outcome")
        assert 0o600 == os.stat(file).st_mode & 0o777  # noqa: PTH116  # a short look

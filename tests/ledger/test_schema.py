"""A ledger's file is made, recognised, and brought up to date."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import content

from bulkpost.destination import Environment
from bulkpost.errors import LedgerDamagedError, LedgerError, LedgerWriteError
from bulkpost.ledger import schema
from bulkpost.ledger.paths import LedgerPaths

STEPS = {
    1: "ALTER TABLE run ADD COLUMN note TEXT;",
    2: "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO later VALUES (1), (2);",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "leads.db"
    schema.create(LedgerPaths(path), Environment.LIVE, 1_000)
    return path


def test_a_new_ledger_is_whole(path: Path) -> None:
    """It holds what it must, nothing of its making is left, and only its owner can read it."""
    meta = dict(content(path, "SELECT name, value FROM meta"))
    ledger_id = meta["ledger_id"]

    assert [(1, 0, ledger_id)] == content(path, "SELECT * FROM commit_count")
    assert (16, 32) == (len(ledger_id), len(meta["key_salt"]))
    assert {"environment": "live", "created_at_ms": 1_000} == {
        name: meta[name] for name in ("environment", "created_at_ms")
    }
    assert schema.is_ours(row[0] for row in content(path, schema.STATEMENTS))
    assert schema.VERSION == schema.check_header(path)
    assert b"bPL1" == path.read_bytes()[68:72]
    assert [path] == list(path.parent.iterdir())
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_draft_that_was_left_is_made_anew(tmp_path: Path) -> None:
    """Whatever a run that died has left of it."""
    paths = LedgerPaths(tmp_path / "leads.db")
    paths.draft.write_bytes(b"half")
    schema.create(paths, Environment.LIVE, 1_000)
    schema.forget_draft(paths)

    assert schema.VERSION == schema.check_header(paths.database)
    assert not paths.draft.exists()


def test_a_ledger_that_is_there_is_never_written_over(path: Path) -> None:
    """Two that begin at once do not make two."""
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        schema.create(LedgerPaths(path), Environment.LIVE, 2_000)

    assert before == path.read_bytes()


def test_a_new_ledger_is_flushed_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure it is whole or not there: the file first, its folder last."""
    paths, flushed = LedgerPaths(tmp_path / "leads.db"), list[tuple[str, bool]]()
    flush = os.fsync

    def note(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        flushed.append((name, paths.database.exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    schema.create(paths, Environment.LIVE, 1_000)

    assert [("leads.db.new", False), (tmp_path.name, True)] == flushed


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"hello\n" * 99, "is not a SQLite file"),
        (b"SQLite format 3\0" + bytes(83), "is not a SQLite file"),
    ],
)
def test_a_file_that_is_no_ledger_is_told(data: bytes, what: str, path: Path) -> None:
    """It may have been one: a new one in its place would know nothing of what was sent."""
    _fill(path, data)
    with pytest.raises(LedgerDamagedError) as caught:
        schema.check_header(path)

    assert f"this is not a bulkpost ledger: {path} {what}" == caught.value.message
    assert caught.value.advice.startswith("If it was one, restore it from a backup")


def test_a_header_is_all_that_is_read(path: Path) -> None:
    """A hundred bytes are enough."""
    _fill(path, path.read_bytes()[:100])

    assert schema.VERSION == schema.check_header(path)


def _set(path: Path, name: str, value: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA {name} = {value}")


@pytest.mark.parametrize(
    "application_id", [4711, schema.APPLICATION_ID & 0xFFFFFF, schema.APPLICATION_ID ^ 1]
)
def test_a_database_of_another_program_is_told(application_id: int, path: Path) -> None:
    """SQLite itself would read it."""
    _set(path, "application_id", application_id)
    with pytest.raises(LedgerDamagedError) as caught:
        schema.check_header(path)

    assert (
        f"this is not a bulkpost ledger, but a SQLite file of another program: {path}"
        == caught.value.message
    )
    assert "Name another file: --ledger PATH." == caught.value.advice


@pytest.mark.parametrize("version", [2, 0x01000001])
def test_a_ledger_of_a_newer_version_is_told(version: int, path: Path) -> None:
    """With the command that brings bulkpost up to date."""
    _set(path, "user_version", version)
    with pytest.raises(LedgerError) as caught:
        schema.check_header(path)

    assert (
        f"the ledger was written by a newer bulkpost (schema {version}, this one knows 1): {path}"
        == caught.value.message
    )
    assert ("Update bulkpost.", "pip install --upgrade bulkpost") == (
        caught.value.advice,
        caught.value.command,
    )
    assert version == schema.check_header(path, version_known=version)


def _migrate(path: Path, steps: dict[int, str] = STEPS) -> Path:
    backup = LedgerPaths(path).backup(1)
    schema.migrate(path, 1, backup, target=3, migrations=steps)
    return backup


def test_a_migration_takes_every_step_after_a_copy(path: Path) -> None:
    """The copy is whole, private and of the old version; an older copy gives way to it."""
    before = path.read_bytes()
    LedgerPaths(path).backup(1).write_bytes(b"older")
    backup = _migrate(path)

    assert [(3,)] == content(path, "PRAGMA user_version")
    assert [(1,), (2,)] == content(path, "SELECT id FROM later")
    assert [] == content(path, "SELECT note FROM run")
    assert 1 == schema.check_header(backup)
    assert schema.is_ours(row[0] for row in content(backup, schema.STATEMENTS))
    assert 0o600 == backup.stat().st_mode & 0o777
    assert before != path.read_bytes()


def test_a_copy_is_flushed_before_the_first_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It and its folder: after a power failure there is one whole ledger at least."""
    flushed, flush = list[tuple[str, int]](), os.fsync

    def note(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        flushed.append((name, schema.check_header(path, version_known=3)))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    _migrate(path)

    assert [("leads.db.v1.bak", 1), (path.parent.name, 1)] == flushed


def _bad_step(path: Path) -> None:
    _migrate(path, STEPS | {2: "CREATE TABLE later (id); INSERT INTO nowhere VALUES (1);"})


def _no_folder(path: Path) -> None:
    schema.migrate(path, 1, path / "no" / "leads.db.v1.bak", target=3, migrations=STEPS)


@pytest.mark.parametrize(
    ("fail", "what", "version"),
    [(_bad_step, "SQLITE_ERROR", 2), (_no_folder, "NotADirectoryError", 1)],
)
def test_a_migration_that_fails_stops_between_two_steps(
    fail: Callable[[Path], None], what: str, version: int, path: Path
) -> None:
    """The ledger is of one version or of another, and the message says that nothing is lost."""
    with pytest.raises(LedgerWriteError) as caught:
        fail(path)

    assert f"the ledger could not be brought up to date ({what}): {path}" == caught.value.message
    assert caught.value.advice.startswith("Nothing was sent, and nothing in it was lost.")
    assert [(version,)] == content(path, "PRAGMA user_version")
    assert [] == content(path, "SELECT 1 FROM sqlite_schema WHERE name = 'later'")

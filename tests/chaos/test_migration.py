"""A later version changes an older one's tables: killed, or failing, at every step of it."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.judge import plain_env
from harness.points import MIGRATING
from harness.snapshot import Snapshot

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger import schema
from bulkpost.ledger.paths import LedgerPaths

_STEPS = {
    1: "ALTER TABLE run ADD COLUMN note TEXT; UPDATE run SET note = 'kept';",
    2: "CREATE TABLE later (id INTEGER PRIMARY KEY); INSERT INTO later VALUES (1), (2);",
}
_MIGRATE = f"""
import sys
from pathlib import Path
from bulkpost.errors import LedgerWriteError
from bulkpost.ledger import schema
try:
    schema.migrate(Path(sys.argv[1]), 1, Path(sys.argv[2]), target=3, migrations={_STEPS!r})
except LedgerWriteError as error:
    sys.exit(error.message)
"""
# Point, which pass of it, and the version that is on the disk then.
_PLACES = [
    ("migrate.copied", 1, 1),
    ("migrate.step", 1, 1),
    ("migrate.done", 1, 2),
    ("migrate.step", 2, 2),
    ("migrate.done", 2, 3),
]


@pytest.fixture
def crashed(campaign: Campaign) -> Campaign:
    """A list whose run died, with answers on their way: its log must not be lost either."""
    campaign.a_list(12)
    campaign.run(fault="answered:5")
    return campaign


def _migrated(campaign: Campaign, fault: str) -> subprocess.CompletedProcess[str]:
    backup = LedgerPaths(campaign.ledger).backup(1)
    return subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-c", _MIGRATE, str(campaign.ledger), str(backup)],
        env=plain_env() | {"BULKPOST_FAULT": fault},
        capture_output=True,
        text=True,
        check=False,
    )


def _version(ledger: Path) -> int:
    """Return a ledger's version, having seen that it is whole in that version."""
    with closing(sqlite3.connect(ledger)) as database:
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
        columns = {row[1] for row in database.execute("PRAGMA table_info(run)")}
        later = list(database.execute("SELECT name FROM sqlite_schema WHERE name = 'later'"))
        assert ("note" in columns, bool(later)) == (version >= 2, version >= 3)
        if version >= 2:
            assert [("kept",)] == database.execute("SELECT DISTINCT note FROM run").fetchall()
        if version >= 3:
            assert 2 == database.execute("SELECT count(*) FROM later").fetchone()[0]
    return version


def _check_goes_on(campaign: Campaign, version: int, before: Snapshot) -> None:
    paths = LedgerPaths(campaign.ledger)
    assert version == _version(campaign.ledger)
    assert before == campaign.snapshot()
    with closing(sqlite3.connect(paths.backup(1))) as copy:
        assert [("ok",)] == copy.execute("PRAGMA integrity_check").fetchall()
        assert len(before.intents) == copy.execute("SELECT count(*) FROM intent").fetchone()[0]
    assert 0o600 == paths.backup(1).stat().st_mode & 0o777
    schema.migrate(campaign.ledger, version, paths.backup(version), target=3, migrations=_STEPS)
    assert 3 == _version(campaign.ledger)
    assert before == campaign.snapshot()


@pytest.mark.parametrize(("point", "nth", "version"), _PLACES)
def test_d12_a_migration_killed_at_any_step_leaves_one_version_or_the_next(
    point: str, nth: int, version: int, crashed: Campaign
) -> None:
    """An update of the ledger that is killed leaves it in one version or the next, never between.

    No row is lost, a copy made beforehand lies beside it, and the next start goes on.
    """
    before = crashed.snapshot()
    died = _migrated(crashed, f"{point}:{nth}")

    assert 137 == died.returncode, died.stderr
    _check_goes_on(crashed, version, before)


@pytest.mark.parametrize(("point", "nth", "version"), _PLACES)
def test_d12_a_migration_that_the_disk_refuses_leaves_one_version_or_the_next(
    point: str, nth: int, version: int, crashed: Campaign
) -> None:
    """An update of the ledger that fails says so, sends nothing, and can be tried again."""
    before = crashed.snapshot()
    failed = _migrated(crashed, f"{point}:{nth}:raise")

    assert (1, True) == (failed.returncode, "could not be brought up to date" in failed.stderr)
    _check_goes_on(crashed, version, before)


def test_d12_a_copy_that_cannot_be_made_changes_nothing(crashed: Campaign, tmp_path: Path) -> None:
    """Without a copy of the older ledger, nothing in it is changed."""
    before = crashed.snapshot()
    with pytest.raises(LedgerWriteError, match="could not be brought up to date"):
        schema.migrate(crashed.ledger, 1, tmp_path / "no" / "copy", target=3, migrations=_STEPS)

    assert 1 == _version(crashed.ledger)
    assert before == crashed.snapshot()


def test_d12_every_point_of_a_migration_is_gone_through() -> None:
    """Each named place in it is one at which it is killed."""
    assert set(MIGRATING) == {point for point, _, _ in _PLACES}

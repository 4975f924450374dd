from pathlib import Path

import pytest

from bulkpost.errors import LedgerError
from bulkpost.ledger.registry import Registry

LIVE = "https://app.leadconduit.com/flows/" + "a" * 24 + "/sources/" + "b" * 24 + "/submit"


def test_a_second_ledger_is_refused_and_the_first_is_named(tmp_path: Path) -> None:
    """An empty ledger cannot hide what another one submitted to the same destination."""
    registry = Registry(tmp_path / "state")
    registry.remember(LIVE, tmp_path / "first.db")

    registry.check(LIVE, tmp_path / "first.db")
    with pytest.raises(LedgerError) as refused:
        registry.check(LIVE, tmp_path / "second.db")

    assert "first.db" in refused.value.message
    assert "--new-ledger" in refused.value.advice


def test_the_first_ledger_stays_the_one_that_is_named(tmp_path: Path) -> None:
    """A ledger used on purpose beside the first does not take its place."""
    registry = Registry(tmp_path / "state")
    registry.remember(LIVE, tmp_path / "first.db")
    registry.remember(LIVE, tmp_path / "second.db")

    assert (tmp_path / "first.db").resolve() == registry.ledger_of(LIVE)


def test_a_state_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    """The note is a guard, not a condition."""
    (tmp_path / "state").write_text("a file, not a folder")
    registry = Registry(tmp_path / "state")

    registry.remember(LIVE, tmp_path / "first.db")

    assert registry.ledger_of(LIVE) is None


def test_notes_are_private(tmp_path: Path) -> None:
    """Nobody else reads where a ledger lies."""
    registry = Registry(tmp_path / "state")
    registry.remember(LIVE, tmp_path / "first.db")

    notes = list((tmp_path / "state").iterdir())
    assert [0o600] == [note.stat().st_mode & 0o777 for note in notes]
    assert 0o700 == (tmp_path / "state").stat().st_mode & 0o777

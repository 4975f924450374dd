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


@pytest.mark.parametrize(
    ("variable", "folder"), [("XDG_STATE_HOME", "state"), ("HOME", "state/.local/state")]
)
def test_the_notes_lie_in_the_users_state_folder(
    variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``$XDG_STATE_HOME`` if it is set, else the folder that stands for it; made where missing."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "state"))
    for name in "ab":
        Registry().remember(LIVE.replace("a", name), tmp_path / "first.db")

    assert 2 == len(list((tmp_path / folder / "bulkpost" / "ledgers").iterdir()))


def test_a_ledger_that_is_gone_is_named_as_gone(tmp_path: Path) -> None:
    """Restoring it is another thing than naming it."""
    registry = Registry(tmp_path / "state")
    first = tmp_path / "first.db"
    registry.remember(LIVE, first)
    told = []
    for make in (first.touch, first.unlink):
        make()
        with pytest.raises(LedgerError) as refused:
            registry.check(LIVE, tmp_path / "second.db")
        told.append(refused.value.message.partition(";")[0])

    recorded = f"what was submitted to this destination is recorded in {first.resolve()}"
    assert [recorded, f"{recorded} (which is gone: restore it from a backup)"] == told


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

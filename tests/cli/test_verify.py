import sqlite3
from contextlib import closing
from pathlib import Path

from commands import Commands


def test_a_sound_ledger_exits_0(bulkpost: Commands) -> None:
    """Notes stand beside it and change nothing."""
    done = bulkpost("verify")

    assert (0, "The ledger is sound.") == (done.status, done.out.splitlines()[-1])
    assert "note  run: a run died with 1 row under way" in done.out


def test_an_unsound_ledger_exits_7(bulkpost: Commands, folder: Path) -> None:
    """In words and as a document."""
    with closing(sqlite3.connect(folder / "bulkpost.db", isolation_level=None)) as database:
        database.execute("UPDATE input SET rows = 2")

    done = bulkpost("verify")
    document = bulkpost("verify", "--json").document

    assert 7 == done.status
    assert "BAD   rows: input 1" in done.out
    assert (False, 7) == (document["is_sound"], document["exit_status"])


def test_a_file_that_is_no_ledger_exits_7(bulkpost: Commands, folder: Path) -> None:
    """An error that says so, as one JSON document if that was asked for."""
    (folder / "bulkpost.db").write_text("not a ledger, but long enough to have a header" * 9)

    done = bulkpost("verify", "--json")

    assert (7, "error") == (done.status, done.document["message_type"])

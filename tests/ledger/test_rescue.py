"""The rescue file: outcomes that the database could not take, beside it and back again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bulkpost.errors import LedgerDamagedError
from bulkpost.ledger import rescue
from bulkpost.ledger.entries import Settlement, Wait
from bulkpost.ledger.rescue import RescuedRow, adopt, load, save
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind

LEAD_ID = "0123456789abcdef01234567"
LEDGER_ID = bytes(range(16))
ANSWER = Outcome(OutcomeKind.FAILURE, "too late", 201, LEAD_ID, 1_250_000)
BUSY = Outcome(OutcomeKind.DEFERRED, "502 Bad Gateway", 502)
SETTLED = (
    Settlement(7, ANSWER, attempts=5, ambiguous=2, latency_ms=340, evidence=("{}", "{}")),
    77,
)
WAITING = (Wait(8, 4, BUSY, 1, due_at_ms=99_000, latency_ms=350), 78)
ROWS = [
    RescuedRow(7, 3, LEDGER_ID.hex(), 11, 5, 2, 77, 201, "too late", LEAD_ID, 1_250_000, 340),
    RescuedRow(8, 3, LEDGER_ID.hex(), 50, 4, 1, 78, 502, "502 Bad Gateway", None, None, 350),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.db.rescue"


def test_what_is_saved_is_read_back(path: Path) -> None:
    """Answers and pauses, with all that the ledger would have been told of them."""
    assert save(path, LEDGER_ID, 3, [SETTLED], [WAITING])

    assert ROWS == load(path)
    assert 0o600 == path.stat().st_mode & 0o777


def test_what_is_saved_later_stands_behind(path: Path) -> None:
    """One line each, and nothing between them."""
    assert save(path, LEDGER_ID, 3, [SETTLED], [])
    assert save(path, LEDGER_ID, 3, [], [WAITING])

    assert ROWS == load(path)
    assert 2 == path.read_bytes().count(b"\n")


@pytest.mark.parametrize("cut_bytes", [1, 2, 20, -4])
def test_d2_a_line_that_the_full_disk_cut_swallows_no_other(cut_bytes: int, path: Path) -> None:
    """What was written before and after it is taken in; a line that lacks but its end as well."""
    save(path, LEDGER_ID, 3, [SETTLED, SETTLED], [])
    line_bytes = path.stat().st_size // 2
    path.write_bytes(path.read_bytes()[: -(cut_bytes % line_bytes)])
    save(path, LEDGER_ID, 3, [], [WAITING])

    expected = [ROWS[0], *([ROWS[0]] if cut_bytes == 1 else []), ROWS[1]]
    assert expected == load(path)


def test_d2_what_no_file_takes_goes_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may still be able to read it there, in the same form."""
    assert not save(tmp_path, LEDGER_ID, 3, [SETTLED], [WAITING])

    told = capsys.readouterr().err.splitlines()
    assert ROWS == [msgspec.json.decode(line, type=RescuedRow) for line in told]


@pytest.mark.parametrize("is_closed", [True, False])
def test_d2_without_standard_error_there_is_nobody_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_closed: bool
) -> None:
    """A closed or a full standard error is no second failure."""
    with Path("/dev/full").open("w", buffering=1) as stream:
        monkeypatch.setattr("sys.stderr", stream)
        if is_closed:
            with suppress(OSError):
                stream.close()
        saved = save(tmp_path, LEDGER_ID, 3, [SETTLED], [WAITING])
        monkeypatch.undo()
        with suppress(OSError):
            stream.close()

    assert not saved


def test_no_file_is_nothing_to_take_in(path: Path) -> None:
    """Most runs never need one."""
    assert [] == load(path)


def test_a_link_in_its_place_is_refused(path: Path, tmp_path: Path) -> None:
    """It may lead anywhere: nothing is read from it, and nothing is written to where it leads."""
    other = tmp_path / "other"
    other.write_bytes(b"")
    path.symlink_to(other)
    with pytest.raises(LedgerDamagedError) as caught:
        load(path)

    assert f"the rescue file is a symbolic link: {path}" == caught.value.message
    assert not save(path, LEDGER_ID, 3, [SETTLED], [])
    assert b"" == other.read_bytes()


def test_a_file_that_is_too_large_to_be_one_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have to be read into memory first."""
    save(path, LEDGER_ID, 3, [SETTLED], [WAITING])
    monkeypatch.setattr(rescue, "_FILE_BYTES_MAX", path.stat().st_size)
    assert ROWS == load(path)

    monkeypatch.setattr(rescue, "_FILE_BYTES_MAX", path.stat().st_size - 1)
    with pytest.raises(LedgerDamagedError, match="too large to be one") as caught:
        load(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"what?", id="no-json"),
        pytest.param(b'{"row_id":7}', id="whole-but-not-an-outcome"),
        pytest.param(b'{"lead_id":"01', id="cut-but-of-another-make"),
        pytest.param(b'{"row_id":7} ', id="whole-with-a-blank-behind"),
        pytest.param(b'{"row_id":"x","run_id":3}', id="another-type"),
        pytest.param(b"\xff\xfe", id="no-text"),
    ],
)
def test_d2_a_line_that_is_not_ours_is_named(line: bytes, path: Path) -> None:
    """Nothing is thrown away: a person looks at it."""
    save(path, LEDGER_ID, 3, [SETTLED], [])
    path.write_bytes(path.read_bytes() + b"\n" + line + b"\n")
    with pytest.raises(LedgerDamagedError, match="line 3 of the rescue file") as caught:
        load(path)

    assert str(path) in caught.value.message
    assert "Keep the file; remove that line" in caught.value.advice


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(sql("schema"))
        yield connection


def in_state(database: sqlite3.Connection, state: State, row_id: int = 7, run_id: int = 3) -> None:
    database.execute(
        "INSERT INTO outcome (row_id, run_id, state, attempts, ambiguous, elapsed_ms, key)"
        " VALUES (?, ?, ?, 1, 0, 1, x'ab')",
        (row_id, run_id, state.value),
    )


def outcomes(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return database.execute(
        "SELECT row_id, run_id, state, attempts, ambiguous, elapsed_ms, http_status, reason.text,"
        " lower(hex(lead_id)), price_micros, latency_ms, key"
        " FROM outcome LEFT JOIN reason ON reason.id = reason_id ORDER BY row_id"
    ).fetchall()


def test_d2_a_rescued_outcome_takes_the_place_of_the_doubt(database: sqlite3.Connection) -> None:
    """Nothing of the answer is lost, and the ledger says where it comes from."""
    in_state(database, State.IN_DOUBT, 7)
    in_state(database, State.IN_DOUBT, 8)

    assert 2 == adopt(ROWS, database, LEDGER_ID, 5_000)
    assert [
        (7, 3, 11, 5, 2, 77, 201, "too late", LEAD_ID, 1_250_000, 340, b"\xab"),
        (8, 3, 50, 4, 1, 78, 502, "502 Bad Gateway", "", None, 350, b"\xab"),
    ] == outcomes(database)
    assert [(7, 5_000, "rescue", "bulkpost", 20, 11), (8, 5_000, "rescue", "bulkpost", 20, 50)] == (
        database.execute(
            "SELECT row_id, at_ms, how, who, state_before, state_after FROM resolution"
        ).fetchall()
    )


@pytest.mark.parametrize("row_id", [None, 7])
def test_d2_an_answer_without_a_place_in_the_ledger_is_refused(
    row_id: int | None, database: sqlite3.Connection
) -> None:
    """Answers of another ledger, or of a newer copy, are neither taken in nor thrown away."""
    if row_id is not None:
        in_state(database, State.SUCCESS, row_id)  # of a lead with another id
    with pytest.raises(LedgerDamagedError, match="rescue file holds an answer") as caught:
        adopt(ROWS[:1], database, LEDGER_ID, 5_000)

    assert "put that one back. Or move the .rescue file away, and keep it." in caught.value.advice


@pytest.mark.parametrize("state", sorted(set(State) - {State.IN_DOUBT}))
def test_d2_only_a_doubt_of_the_same_run_gives_way(
    state: State, database: sqlite3.Connection
) -> None:
    """A file that is taken in twice, or late, changes nothing that was known since."""
    in_state(database, state)
    database.execute("UPDATE outcome SET lead_id = ?", (bytes.fromhex(LEAD_ID),))
    in_state(database, State.IN_DOUBT, 8, run_id=4)
    before = outcomes(database)

    assert 0 == adopt(ROWS, database, LEDGER_ID, 5_000)
    assert before == outcomes(database)
    assert [] == database.execute("SELECT * FROM resolution").fetchall()


def test_d2_answers_of_another_ledger_are_refused(database: sqlite3.Connection) -> None:
    """If the rescue file is another ledger's, nothing of it is taken in, and it is kept.

    Runs and rows have the same numbers in both: only the ledger's own id tells them apart.
    """
    in_state(database, State.IN_DOUBT, 7)
    in_state(database, State.IN_DOUBT, 8)
    before = outcomes(database)
    with pytest.raises(LedgerDamagedError, match="of another ledger") as caught:
        adopt(ROWS, database, bytes(16), 5_000)

    assert before == outcomes(database)
    assert "move the .rescue file away" in caught.value.advice

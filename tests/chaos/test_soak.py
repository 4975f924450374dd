"""The soak, short; ``python tests/chaos/soak.py --rows 2000000`` is the long one."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.measured import Measured
from harness import mutant
from harness.audit import audit
from harness.soak import FAULTS, Soak
from harness.soak_report import figures, judged

ROWS = 2_000
# A row that was sent once and answered.
_ONE = "(SELECT min(row_id) FROM outcome WHERE state = 10 AND attempts = 1)"
TORTURE_ROWS = int(os.environ.get("BULKPOST_SOAK_ROWS", "200000"))


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    """A list that went through every fault, killed once and stopped once."""
    soak = Soak(tmp_path_factory.mktemp("soak"), ROWS, every_s=0.05)
    soak.run()
    return soak


def _missed(soak: Soak) -> list[Measured]:
    return [finding for finding in judged(soak) if not finding.is_met]


def test_every_fault_at_once_and_two_interruptions_lose_nothing(soaked: Soak) -> None:
    """With one in a hundred of every fault, a kill and a stop, every row is accounted for."""
    faults = soaked.stats["faults"]
    assert isinstance(faults, dict)

    assert [] == _missed(soaked)
    assert set(FAULTS) == faults.keys()
    assert ["killed", "drained", "finished"] == [stage.name for stage in soaked.stages][:3]


def _first_answered(ledger: Path) -> tuple[int, str]:
    """Return number and lead id of a row that was sent once and answered."""
    with closing(sqlite3.connect(ledger)) as database:
        found = database.execute(
            "SELECT row, lead_id FROM rows WHERE outcome = 'success' AND attempts = 1 ORDER BY row"
        ).fetchone()
    return int(found[0]), str(found[1])


def _twice(ledger: Path, log: Path) -> None:
    row, lead_id = _first_answered(ledger)
    again = {"id": lead_id[::-1], "fields": {"email": f"ada.{row}@example.com"}}
    log.write_text(log.read_text() + json.dumps(again) + "\n")


def _stranger(_ledger: Path, log: Path) -> None:
    lead = {"id": "5" * 24, "fields": {"email": "nobody@example.com"}}
    log.write_text(log.read_text() + json.dumps(lead) + "\n")


def _never_came(ledger: Path, log: Path) -> None:
    _, lead_id = _first_answered(ledger)
    log.write_text("".join(line for line in _lines(log) if lead_id not in line))


def _other_id(ledger: Path, log: Path) -> None:
    _, lead_id = _first_answered(ledger)
    log.write_text(log.read_text().replace(lead_id, lead_id[::-1]))


def _lines(log: Path) -> Iterator[str]:
    with log.open() as file:
        yield from file


def _changed(statement: str) -> Callable[[Path, Path], None]:
    def change(ledger: Path, _log: Path) -> None:
        with closing(sqlite3.connect(ledger)) as database, database:
            assert 1 == database.execute(statement.format(one=_ONE)).rowcount

    return change


_INTENT = (
    "INSERT INTO intent (row_id, run_id, key, phase, attempt, ambiguous, elapsed_ms)"
    " SELECT row_id, run_id, key, PHASE, 1, 0, 1 FROM outcome WHERE row_id = {one}"
)


@pytest.mark.parametrize(
    ("doctor", "rule"),
    [
        pytest.param(_twice, "I1", id="a lead came twice"),
        pytest.param(
            _changed("UPDATE outcome SET ambiguous = 1 WHERE row_id = {one}"),
            "I1",
            id="a repeat that no answer asked for",
        ),
        pytest.param(
            _changed("UPDATE outcome SET state = 50, lead_id = NULL WHERE row_id = {one}"),
            "I1",
            id="deferred, but taken",
        ),
        pytest.param(_stranger, "I2", id="a lead of no row"),
        pytest.param(
            _changed("UPDATE outcome SET state = 40, lead_id = NULL WHERE row_id = {one}"),
            "I2",
            id="invalid, but taken",
        ),
        pytest.param(_changed("DELETE FROM outcome WHERE row_id = {one}"), "I2", id="forgotten"),
        pytest.param(_never_came, "I3", id="a verdict on a lead that never came"),
        pytest.param(_other_id, "I3", id="another lead id"),
        pytest.param(
            _changed("UPDATE outcome SET lead_id = NULL WHERE row_id = {one}"),
            "I3",
            id="a verdict without its lead id",
        ),
        pytest.param(_changed(_INTENT.replace("PHASE", "0")), "I4", id="armed after the end"),
        pytest.param(_changed(_INTENT.replace("PHASE", "1")), "I5", id="two states"),
        pytest.param(
            _changed("UPDATE outcome SET row_id = row_id + 2000 WHERE row_id = {one}"),
            "I5",
            id="a row beyond the list",
        ),
    ],
)
def test_the_judge_of_the_soak_finds(
    doctor: Callable[[Path, Path], None], rule: str, soaked: Soak, tmp_path: Path
) -> None:
    """What the soak asks of log and ledger is missed as soon as it is not so."""
    ledger, log = tmp_path / "leads.db", tmp_path / "taken.jsonl"
    shutil.copyfile(soaked.ledger, ledger)
    shutil.copyfile(soaked.log, log)
    assert () == audit(ledger, log, ROWS, armed_max=0).wrong

    doctor(ledger, log)

    assert rule in {line[:2] for line in audit(ledger, log, ROWS, armed_max=0).wrong}


@pytest.mark.torture
def test_torture_soak(tmp_path: Path) -> None:
    """The same, long enough to judge memory, descriptors and the ledger's size."""
    soak = Soak(tmp_path, TORTURE_ROWS)

    soak.run()

    for line in (*figures(soak), *judged(soak)):
        print(line)  # noqa: T201  # the report of a long run
    assert [] == _missed(soak)


@pytest.mark.torture
@pytest.mark.parametrize("name", ["send_doubts_again", "lose_lead_ids", "settle_in_memory"])
def test_torture_the_soak_finds_a_broken_promise(name: str, tmp_path: Path) -> None:
    """A mutant of bulkpost does not pass the soak."""
    command = (sys.executable, str(mutant.__file__), name, "submit")
    soak = Soak(tmp_path, ROWS, command, every_s=0.05)

    soak.run()

    assert any(stage.found.wrong for stage in soak.stages)

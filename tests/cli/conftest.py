from pathlib import Path

import anyio
import pytest
from commands import Commands
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.run import RunEnding

_K = OutcomeKind


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a list of 10 leads and a ledger of two runs over it."""
    monkeypatch.chdir(tmp_path)
    endings = [
        ok(1),
        ok(2),
        ended(3, _K.FAILURE, "duplicate", 201),
        ended(4, _K.HTTP_ERROR, "HTTP 500: we are sorry", 500),
        Ending(5, Outcome(_K.IN_DOUBT, "the answer was cut", 201, "d" * 24)),
        ended(6, _K.INVALID, "4 cells, 3 columns"),
    ]
    first = Past(endings, RunEnding.DRAINED, 130, settings={"reference": "ref_id"})
    second = Past([ok(7), Ending(8, None)], ending=None)
    source = leads_csv(tmp_path / "leads.csv", 10)
    anyio.run(make_past, tmp_path / "bulkpost.db", source, first, second)
    return tmp_path


@pytest.fixture
def bulkpost(folder: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Run commands on the ledger in ``folder``."""
    return Commands(capsys, str(folder / "bulkpost.db"))

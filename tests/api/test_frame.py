from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from past_runs import Ending, Past, ended, leads_csv, make_past, ok

import bulkpost
from bulkpost.outcome import OutcomeKind
from bulkpost.verdict_columns import VERDICT_COLUMNS

_TYPES = ["Int64", "category", "string", "string", "Float64", "Int64", "Int64"]


async def test_every_row_of_the_input_has_a_row_with_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, over several batches, the untouched ones too; inside a loop that runs."""
    monkeypatch.setattr("bulkpost.api.frame._BATCH_ROWS", 2)
    source, ledger = leads_csv(tmp_path / "leads.csv", 5), tmp_path / "l.db"
    failed = ended(3, OutcomeKind.FAILURE, "bad phone", 201)
    await make_past(ledger, source, Past([ok(1, price_micros=1_234_567), failed, Ending(4, None)]))

    frame = bulkpost.results(ledger)

    assert list(VERDICT_COLUMNS) == list(frame.columns)
    assert [*_TYPES, "datetime64[ms, UTC]"] == [str(kind) for kind in frame.dtypes]
    assert [1, 2, 3, 4, 5] == frame["bulkpost_row"].tolist()
    words = ["success", "pending", "failure", "in_doubt", "pending"]
    assert words == frame["bulkpost_outcome"].tolist()
    first, second, third = (frame.iloc[at] for at in range(3))
    assert (f"{1:024x}", 1.234567, 201, 1) == tuple(first.iloc[3:7])
    assert (datetime.now(UTC) - first["bulkpost_at"]).total_seconds() < 600  # noqa: TID251
    assert ("bad phone", 0) == (third["bulkpost_reason"], second["bulkpost_attempts"])
    assert "not submitted yet" == second["bulkpost_reason"]
    assert [True] * 4 == [bool(pd.isna(second.iloc[at])) for at in (3, 4, 5, 7)]


async def test_runs_over_lists_are_told_apart(tmp_path: Path) -> None:
    """By their number; without one the latest run's input is meant."""
    ledger = tmp_path / "l.db"
    for name, rows in (("a", 2), ("b", 3)):
        await make_past(ledger, leads_csv(tmp_path / f"{name}.csv", rows), Past([ok(1)]))

    assert (2, 3, 3) == tuple(len(bulkpost.results(ledger, run)) for run in (1, 2, None))
    with pytest.raises(bulkpost.UsageError, match="no run 3"):
        bulkpost.results(str(ledger), 3)


def test_a_ledger_that_cannot_be_read_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As errors of bulkpost, and nothing is printed."""
    with pytest.raises(bulkpost.LedgerError, match="no ledger"):
        bulkpost.results(tmp_path / "l.db")
    (tmp_path / "l.db").write_bytes(b"not a ledger")
    with pytest.raises(bulkpost.LedgerError):
        bulkpost.results(tmp_path / "l.db")

    assert ("", "") == capfd.readouterr()

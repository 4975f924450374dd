"""What is found in values: no value is in what is printed, written to a file or kept."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from canaries import a_canary_list, leaks
from click.testing import CliRunner
from faultserver import fault_server
from submitting import Answerer, Recorder, an_order, asked, path_of, submitted, table

from bulkpost.app import commands
from bulkpost.app.examining import FindingsTarget
from bulkpost.cli.check import check
from bulkpost.spreadsheet import TRIGGERS

_TO = ("--url", f"http://127.0.0.1:9{path_of()}", "--ledger")


@pytest.mark.parametrize(
    "more", [(), ("--json",), ("--refuse", "doubtful", "-vv"), ("--normalise",)]
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_t1_what_a_check_finds_in_values_shows_no_lead(
    more: tuple[str, ...], suffix: str, tmp_path: Path
) -> None:
    """Findings are fixed sentences with a place, on the screen and in their file."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    target = home / f"f.{suffix}"
    words = [str(leads), *_TO, str(home / "l.db"), "--findings", str(target), *more]
    done = CliRunner().invoke(check, words, standalone_mode=False)
    table_text = str(pq.read_table(target).to_pylist()) if suffix == "parquet" else ""

    assert done.exception is None, done.exception
    assert "email_domain_reserved" in done.stdout
    assert "email_domain_reserved" in table_text + target.read_bytes().decode("latin-1")
    assert [] == leaks(home, done.stdout.encode(), done.stderr.encode(), table_text.encode())


async def test_t1_what_is_refused_or_changed_by_its_values_leaves_no_lead(tmp_path: Path) -> None:
    """The reason of a refusal names a column and a rule."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    for name, changes in (
        ("refused.db", {"check__refuse": ["doubtful"]}),
        ("changed.db", {"check__normalise": True}),
    ):
        async with fault_server(Answerer().script) as server:
            await submitted(an_order(server.url, leads, ledger=home / name, **changes))

    reasons = {reason for (reason,) in asked(home / "refused.db", "SELECT reason FROM rows")}
    assert any(it.startswith("column 2 (first_name): ") for it in reasons if it)
    assert [] == leaks(home)


async def test_t14_no_cell_of_a_file_of_findings_begins_like_a_formula(tmp_path: Path) -> None:
    """Whatever a column or the list is called."""
    columns = ["row", *(f"{trigger}cmd" for trigger in TRIGGERS if trigger.strip("\0\r\n\t"))]
    leads = table(tmp_path / "=cmd.csv", [*columns, "a\r=cmd"], [["1", *["n/a"] * len(columns)]])
    target = tmp_path / "f.csv"
    order = an_order("http://127.0.0.1:9", leads, ledger=tmp_path / "l.db")
    await commands.check(order, Recorder(), FindingsTarget(target))
    with target.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]

    assert len(cells) == 9 * (1 + len(columns))
    assert not [cell for cell in cells if cell.startswith(TRIGGERS)]

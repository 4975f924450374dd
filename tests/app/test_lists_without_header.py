"""A list whose first row is a lead: refused as it is, read when told, and resumed as that list."""

from pathlib import Path

from faultserver import fault_server
from submitting import (
    Answerer,
    Recorder,
    all_of,
    an_order,
    bulkpost,
    endings,
    path_of,
    quick_config,
    submitted,
)

from bulkpost.reporting.status import ExitStatus

LIST = "1,Ada,ada@example.com\n2,Bob,bob@example.com\n"
MAP = '[map.columns]\ncolumn_1 = "row"\ncolumn_2 = "first_name"\ncolumn_3 = "email"\n'


async def test_i16_a_list_without_a_header_is_refused_and_submitted_with_no_header(
    tmp_path: Path,
) -> None:
    """A list whose first row is a lead instead of a header is refused, and nothing is sent.

    With `--no-header`, and the fields named by place, every row is sent, the first one too.
    """
    (tmp_path / "leads.csv").write_text(LIST)
    config = quick_config(tmp_path)
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        words = ("submit", "leads.csv", "--url", server.url + path_of(), "--config", str(config))
        refused = await bulkpost(*words, cwd=tmp_path)
        unmapped = await bulkpost(*words, "--no-header", cwd=tmp_path)
        assert (2, 2, []) == (refused.returncode, unmapped.returncode, answerer.seen)
        with config.open("a") as file:
            file.write(MAP)
        done = await bulkpost(*words, "--no-header", cwd=tmp_path)
        again = await bulkpost(*words, cwd=tmp_path, env={"BULKPOST_NO_HEADER": "1"})

    assert b"--no-header" in refused.stderr
    assert not [word for word in (b"Ada", b"ada@") if word in refused.stderr + unmapped.stderr]
    assert b"column 1 'column_1'" in unmapped.stderr
    assert (0, 0) == (done.returncode, again.returncode), done.stderr + again.stderr
    assert b"CSV, comma, UTF-8, no header" in done.stderr
    assert {1: 1, 2: 1} == answerer.counts
    assert [("row", "1"), ("first_name", "Ada"), ("email", "ada@example.com")] == next(
        seen.fields for seen in answerer.seen if seen.row == 1
    )
    exported = await bulkpost("export", "out", "--no-header", "--config", str(config), cwd=tmp_path)
    assert 0 == exported.returncode, exported.stderr
    header, first, *_ = (tmp_path / "out" / "leads-success.csv").read_text().splitlines()
    assert header.startswith("column_1,column_2,column_3,bulkpost_row,")
    assert first.startswith("1,Ada,ada@example.com,1,success,")


async def test_i16_a_list_is_not_read_with_and_then_without_its_header(tmp_path: Path) -> None:
    """A list that was submitted with a header is refused with `--no-header`, and the reverse.

    Its rows would be others than those whose outcomes are recorded.
    """
    (tmp_path / "leads.csv").write_text("row,first_name\n1,Ada\n")
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        words = ("submit", "leads.csv", "--url", server.url + path_of())
        first = await bulkpost(*words, cwd=tmp_path)
        (tmp_path / "bulkpost.toml").write_text(MAP.replace('column_3 = "email"\n', ""))
        other = await bulkpost(*words, "--no-header", cwd=tmp_path)

    assert (0, 2, [1]) == (first.returncode, other.returncode, answerer.rows), other.stderr
    assert b"was read as" in other.stderr


async def test_a_list_without_a_header_grows_like_any_other(tmp_path: Path) -> None:
    """Rows added at its end are sent, and the ones before them are not sent again."""
    leads, ledger, observer = tmp_path / "leads.csv", tmp_path / "l.db", Recorder()
    columns = {"column_1": "row", "column_2": "first_name", "column_3": "email"}
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(
            server.url, leads, ledger=ledger, map__columns=columns, input__header=False
        )
        leads.write_text("\ufeff" + LIST)
        await submitted(order)
        leads.write_text("\ufeff" + LIST + "3,Cid,cid@example.com\n")
        result = await submitted(order, observer)

    assert ExitStatus.DONE is result.exit_status
    assert {1: 1, 2: 1, 3: 1} == answerer.counts
    assert all_of(3) == endings(ledger)
    assert any("rows added" in note for note in observer.notes)

"""Which inputs a command takes, and what becomes of each."""

import gzip
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faultserver import fault_server, hang
from submitting import (
    SOURCE,
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    asked,
    bulkpost,
    child_env,
    endings,
    path_of,
    quick_config,
    submitted,
)

from bulkpost.clock import SystemClock
from bulkpost.errors import UsageError
from bulkpost.reporting.status import ExitStatus


async def test_several_inputs_go_one_after_the_other(tmp_path: Path) -> None:
    """Each is a run of its own; a lead that stands in two of them goes out once."""
    inputs = [
        a_list(tmp_path, range(1, 6), "b.csv"),
        a_list(tmp_path, range(4, 9), "a.csv"),
        a_list(tmp_path, [9], "c.csv"),
    ]
    ledger, answerer, observer = tmp_path / "l.db", Answerer(), Recorder()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, *inputs, ledger=ledger, engine__concurrency=1)
        result = await submitted(order, observer)

    assert ExitStatus.DONE is result.exit_status
    assert list(range(1, 10)) == answerer.rows
    assert ["b.csv", "a.csv", "c.csv"] == [run.path.name for run in observer.results]
    outcomes = asked(ledger, "SELECT input, outcome, count(*) FROM rows GROUP BY 1, 2")
    assert [(1, "success", 5), (2, "duplicate", 2), (2, "success", 3), (3, "success", 1)] == sorted(
        outcomes
    )


async def test_a_glob_is_sorted_and_a_bad_file_among_them_stops_all(tmp_path: Path) -> None:
    """Every input is read whole before the first lead of any is sent."""
    a_list(tmp_path, [2], "part-2.csv")
    a_list(tmp_path, [1], "part-1.csv")
    ledger, answerer = tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, f"{tmp_path}/part-*.csv", ledger=ledger)
        (tmp_path / "part-3.csv").write_text("row,row\n3,3\n")
        bad = await bulkpost(
            "submit", f"{tmp_path}/part-*.csv", "--url", server.url + path_of(), cwd=tmp_path
        )
        assert (2, []) == (bad.returncode, answerer.seen)
        (tmp_path / "part-3.csv").unlink()
        result = await submitted(order)

    assert (ExitStatus.DONE, [1, 2]) == (result.exit_status, answerer.rows)


async def test_the_worst_of_several_runs_is_the_exit_status(tmp_path: Path) -> None:
    """An invalid row in the first file is not forgotten when the second is fine."""
    (tmp_path / "a.csv").write_text("row,name\n1,x\n2\n")
    good = a_list(tmp_path, range(3, 6), "b.csv")
    ledger, answerer = tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, tmp_path / "a.csv", good, ledger=ledger))

    assert ExitStatus.ROWS_BAD is result.exit_status
    assert {1, 3, 4, 5} == set(answerer.counts)


async def test_a_limit_counts_over_all_inputs(tmp_path: Path) -> None:
    """The rest of the first and the whole of the second are left for the next run."""
    inputs = [a_list(tmp_path, range(1, 4), "a.csv"), a_list(tmp_path, range(4, 7), "b.csv")]
    ledger, answerer = tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        rest: dict[str, Any] = {"ledger": ledger, "engine__concurrency": 1}
        first = await submitted(an_order(server.url, *inputs, limit=4, **rest))
        assert [1, 2, 3, 4] == answerer.rows
        second = await submitted(an_order(server.url, *inputs, **rest))

    assert [ExitStatus.RESUMABLE, ExitStatus.DONE] == [first.exit_status, second.exit_status]
    assert list(range(1, 7)) == answerer.rows


async def test_i22_standard_input_is_kept_private_resumed_and_removed(tmp_path: Path) -> None:
    """A list that comes through a pipe is kept in a file that only its owner can read.

    Killed in the middle and piped in again, the run goes on where it stood. Once nothing of the
    list may be sent any more, no copy of it is left.
    """
    data = a_list(tmp_path, 12).read_bytes()
    home = tmp_path / "home"
    home.mkdir()
    config = quick_config(tmp_path, engine__concurrency=1)
    answerer, spool = Answerer({6: [hang]}), home / "bulkpost.db.spool"
    async with fault_server(answerer.script) as server:
        words = ("submit", "-", "--url", server.url + path_of(), "--config", str(config))
        await killed_at(lambda: 6 in answerer.counts, words, home, data)
        (kept,) = spool.iterdir()
        assert (0o700, 0o600) == (spool.stat().st_mode & 0o777, kept.stat().st_mode & 0o777)
        assert data == kept.read_bytes()
        again = await bulkpost(*words, cwd=home, stdin=data)
        assert [kept] == list(spool.iterdir())  # a row is in doubt: it may be wanted again
        resolved = await bulkpost("doubt", "resolve", "1:6", "--as", "success", cwd=home)
        done = await bulkpost(*words, cwd=home, stdin=data)

    assert [5, 0, 0] == [again.returncode, resolved.returncode, done.returncode], done.stderr
    assert dict.fromkeys(range(1, 13), 1) == answerer.counts
    assert all_of(12) == endings(home / "bulkpost.db")
    assert not spool.exists() or [] == list(spool.iterdir())


async def test_a_list_from_standard_input_stays_while_another_destination_lacks_rows(
    tmp_path: Path,
) -> None:
    """The same bytes are the same file, whichever of two submissions is done first."""
    data, spool = a_list(tmp_path, 4).read_bytes(), tmp_path / "bulkpost.db.spool"
    left = []
    async with fault_server(Answerer().script) as server:
        for source, *limit in ((SOURCE, "--limit", "2"), ("c" * 24,), (SOURCE,)):
            url = server.url + path_of(source=source)
            await bulkpost("submit", "-", "--url", url, *limit, cwd=tmp_path, stdin=data)
            left.append(len(list(spool.iterdir())))

    assert [1, 1, 0] == left


async def killed_at(
    is_time: Callable[[], bool], words: Sequence[str], home: Path, data: bytes
) -> None:
    """Run the command with an input piped in, and kill it at a moment."""
    async with await anyio.open_process(
        [sys.executable, "-m", "bulkpost", *words], cwd=home, env=child_env()
    ) as child:
        assert child.stdin is not None
        await child.stdin.send(data)
        await child.stdin.aclose()
        with anyio.fail_after(30):
            while not is_time():
                await SystemClock().sleep(0.01)
        child.kill()
        await child.wait()


async def test_a_packed_list_is_the_same_list(tmp_path: Path) -> None:
    """Unpacked or not, a lead is who it is: nothing goes out a second time."""
    leads, ledger, answerer = a_list(tmp_path, 6), tmp_path / "l.db", Answerer()
    packed = tmp_path / "leads.csv.gz"
    packed.write_bytes(gzip.compress(leads.read_bytes()))
    async with fault_server(answerer.script) as server:
        first = await submitted(an_order(server.url, packed, ledger=ledger))
        second = await submitted(an_order(server.url, leads, ledger=ledger))

    assert [ExitStatus.DONE] * 2 == [first.exit_status, second.exit_status]
    assert dict.fromkeys(range(1, 7), 1) == answerer.counts


async def test_a_parquet_list_sends_what_its_csv_sends(tmp_path: Path) -> None:
    """Typed cells take the text that stands in the CSV, so that both are the same leads."""
    columns: dict[str, list[Any]] = {
        "row": [1, 2, 3],
        "zip": ["01234", "NA", None],
        "amount": [250000, None, 7],
        "ratio": [0.5, 80.0, None],
        "owner": [True, False, None],
    }
    parquet, ledger, answerer = tmp_path / "leads.parquet", tmp_path / "l.db", Answerer()
    pq.write_table(pa.table(columns), parquet)
    text = tmp_path / "leads.csv"
    text.write_text("row,zip,amount,ratio,owner\n1,01234,250000,0.5,true\n2,NA,,80,false\n3,,7,,\n")
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, parquet, ledger=ledger))
        from_parquet = Counter(str(seen.fields) for seen in answerer.seen)
        await submitted(an_order(server.url, text, ledger=ledger))
        assert 3 == len(answerer.seen)
        await submitted(an_order(server.url, text, ledger=tmp_path / "m.db"))

    from_csv = Counter(str(seen.fields) for seen in answerer.seen[3:])
    assert from_parquet == from_csv


async def test_a_list_that_grew_sends_its_new_rows_only(tmp_path: Path) -> None:
    """Rows appended, the file renamed: the old ones are known by their bytes."""
    leads, ledger, answerer = a_list(tmp_path, 5), tmp_path / "l.db", Answerer()
    observer = Recorder()
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger))
        grown = a_list(tmp_path, 9, "renamed.csv")
        result = await submitted(an_order(server.url, grown, ledger=ledger), observer)

    assert ExitStatus.DONE is result.exit_status
    assert dict.fromkeys(range(1, 10), 1) == answerer.counts
    assert all_of(9) == endings(ledger)
    assert any("known input with rows added" in note for note in observer.notes)


async def test_the_sandbox_has_a_ledger_of_its_own(tmp_path: Path) -> None:
    """What was tried out is not taken for submitted, and the other way round."""
    leads, answerer = a_list(tmp_path, 4), Answerer()
    async with fault_server(answerer.script) as server:
        tried = await bulkpost("submit", leads, "--sandbox", cwd=tmp_path)
        assert (0, []) == (tried.returncode, answerer.seen)
        meant = await bulkpost("submit", leads, "--url", server.url + path_of(), cwd=tmp_path)
        again = await bulkpost("submit", leads, "--sandbox", cwd=tmp_path)

    assert (0, 0, 4) == (meant.returncode, again.returncode, len(answerer.seen))
    for name in ("bulkpost.db", "bulkpost-sandbox.db"):
        assert all_of(4) == endings(tmp_path / name)
    destinations = asked(tmp_path / "bulkpost-sandbox.db", "SELECT name FROM destination")
    assert [("http://sandbox/flows/" + "1" * 24 + "/sources/" + "2" * 24 + "/submit",)] == (
        destinations
    )


async def test_a_sandbox_ledger_is_refused_for_live(tmp_path: Path) -> None:
    """Mixed up by --ledger, it would hide live leads behind pretended ones."""
    leads = a_list(tmp_path, 2)
    await bulkpost("submit", leads, "--sandbox", cwd=tmp_path)
    live = f"https://app.leadconduit.com{path_of()}"

    done = await bulkpost(
        "submit", leads, "--url", live, "--ledger", "bulkpost-sandbox.db", cwd=tmp_path
    )

    assert 7 == done.returncode, done.stderr
    assert b"sandbox" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.csv", "does not exist"),
        ("*.tsv", "No file matches"),
        (".", "is a directory"),
        ("twice.csv", "Email"),
        ("quote.csv", "quote"),
        ("cut.csv.gz", "cut.csv.gz"),
        ("leads.csv", "given twice"),
    ],
)
async def test_an_input_that_cannot_be_used_is_refused_before_anything_is_sent(
    name: str, words: str, tmp_path: Path
) -> None:
    """One bad input among good ones: 2, what is wrong and what to do, and no lead of any sent."""
    (tmp_path / "twice.csv").write_text("email,Email\n1,2\n")
    (tmp_path / "quote.csv").write_text('a,b\n1,"' + "x\n" * 3_000_000)
    good, answerer = a_list(tmp_path, 2), Answerer()
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(good.read_bytes() * 100)[:-12])
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, good, f"{tmp_path}/{name}", ledger=tmp_path / "l.db")
        with pytest.raises(UsageError) as caught:
            await submitted(order)

    assert (2, [], True) == (caught.value.exit_status, answerer.seen, bool(caught.value.advice))
    assert words in caught.value.message

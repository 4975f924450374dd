import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from faultserver import fault_server
from submitting import QUICK, Answerer, a_list, asked, path_of, refusal, row_in, verdict

import bulkpost
from bulkpost.app.order import heeded_signals


def quick(url: str, ledger: Path, **more: Any) -> dict[str, Any]:
    """Return quick settings for a server, as keywords."""
    tables: dict[str, Any] = {"url": url + path_of(), "ledger": ledger, **more}
    for name, value in QUICK.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, {})[key] = value
    return tables


@pytest.fixture
def process() -> Any:
    """Return what of this process must stay as it is."""

    def state() -> tuple[Any, ...]:
        umask = os.umask(0o022)
        os.umask(umask)
        return umask, *(signal.getsignal(known) for known in heeded_signals())

    return state


async def test_a_list_is_submitted_once_and_nothing_else_is_touched(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], process: Any
) -> None:
    """Nothing is printed or asked, no signal is taken; the same call again finds nothing to do."""
    leads, ledger = a_list(tmp_path, 6), tmp_path / "l.db"
    answerer = Answerer({2: [verdict("failure", reason="bad")], 3: [refusal(400)]})
    before, during = process(), []
    answerer.on_request = lambda _seen: during.append(process())
    async with (
        fault_server(answerer.script) as server,
        bulkpost.open(**quick(server.url, ledger)) as session,
    ):
        first = await session.submit(str(leads), limit=2)
        done = await session.submit(leads)
        again = await session.submit(leads)

    assert dict.fromkeys(range(1, 7), 1) == answerer.counts
    assert {"pending": 4, "failure": 1, "success": 1} == first.counts
    assert (6, "limit") == (first.exit_status, first.runs[0].ending)
    assert {"success": 4, "failure": 1, "http_error": 1} == done.counts == again.counts
    assert (Decimal("6.00"), Decimal("4.50"), Decimal(0)) == (
        first.price + done.price,
        done.price,
        again.price,
    )
    assert [(1, leads), (2, leads), (3, leads)] == [
        (run.run, run.input) for made in (first, done, again) for run in made.runs
    ]
    assert (3, True) == (done.exit_status, any("nothing is left" in note for note in again.notes))
    assert 6 == len(session.results())
    assert {before} == {*during, process()}
    assert ("", "") == capfd.readouterr()


async def test_what_stops_a_run_is_told(tmp_path: Path) -> None:
    """With advice, and with the rows that wait."""
    answerer = Answerer(otherwise=refusal(401))
    async with (
        fault_server(answerer.script) as server,
        bulkpost.open(**quick(server.url, tmp_path / "l.db")) as session,
    ):
        done = await session.submit(a_list(tmp_path, 40))

    (run,) = done.runs
    assert (4, "refused" in str(run.ending) or bool(run.stopped_because)) == (
        done.exit_status,
        True,
    )
    assert run.advice
    assert 40 == sum(run.counts.values())


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "nothing says where"),
        ({"url": "https://evil.example/flows/x"}, "evil.example|URL"),
        ({"sandbox": True, "ratee": "5/s"}, "bulkpost.open: ratee: unknown setting"),
        ({"sandbox": True, "engine": {"concurency": 4}}, "engine.concurency: unknown"),
        ({"sandbox": True, "engine": 4}, "engine"),
    ],
)
async def test_settings_that_cannot_be_are_refused_before_anything(
    settings: dict[str, Any], word: str
) -> None:
    """As errors of bulkpost that name the setting."""
    with pytest.raises(bulkpost.ConfigError, match=word):
        async with bulkpost.open(**settings):
            pass


async def test_only_the_named_config_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that lies in the working directory nor the environment; keywords win."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BULKPOST_URL", "https://app.leadconduit.com/x")
    config = tmp_path / "bulkpost.toml"
    config.write_text('ledger = "other.db"\nurl = "x"\n[engine]\nconcurrency = 2\n')
    async with bulkpost.open(sandbox=True) as plain:
        assert Path("bulkpost-sandbox.db") == plain.ledger
    async with bulkpost.open(config, sandbox=True) as named:
        assert Path("other.db") == named.ledger
    async with bulkpost.open(config, sandbox=True, ledger="mine.db", url="") as session:
        assert Path("mine.db") == session.ledger


@pytest.mark.parametrize("inputs", [(), ("-",), ("none.csv",)])
async def test_inputs_are_files(inputs: tuple[str, ...], tmp_path: Path) -> None:
    """Standard input is the calling program's own."""
    async with bulkpost.open(sandbox=True, ledger=tmp_path / "l.db") as session:
        with pytest.raises(bulkpost.UsageError):
            await session.submit(*inputs)
        with pytest.raises(bulkpost.UsageError, match="limit"):
            await session.submit("x.csv", limit=0)

    assert not (tmp_path / "l.db").exists()


async def test_a_cancelled_submission_leaves_doubts_and_no_doubles(tmp_path: Path) -> None:
    """As after a crash: what was sent is never sent again, the rest is."""
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    reached = anyio.Event()

    async def hang(_peer: object) -> None:
        reached.set()
        await anyio.sleep_forever()

    answerer = Answerer({2: [hang]})
    async with fault_server(answerer.script) as server:
        settings = quick(server.url, ledger)
        settings["engine"]["concurrency"] = 1
        async with bulkpost.open(**settings) as session:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.submit, leads)
                await reached.wait()
                tasks.cancel_scope.cancel()
            done = await session.submit(leads)

    assert ({1: 1, 2: 1, 3: 1}, 5) == (answerer.counts, done.exit_status)
    assert {"success": 2, "in_doubt": 1} == done.counts
    assert ("in_doubt",) == row_in(ledger, 2, "outcome")


async def test_two_submissions_at_once_are_refused(tmp_path: Path) -> None:
    """The ledger is one run's; the other is told, and can come again."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    reached, go_on = anyio.Event(), anyio.Event()

    async def wait(_peer: object) -> None:
        reached.set()
        await go_on.wait()

    answerer = Answerer({1: [[wait, taken_later]]})
    async with fault_server(answerer.script) as server:
        settings = quick(server.url, ledger)
        async with bulkpost.open(**settings) as session, anyio.create_task_group() as tasks:
            tasks.start_soon(session.submit, leads)
            await reached.wait()
            with pytest.raises(bulkpost.LedgerError):
                await session.submit(leads)
            assert "in_flight" in session.results()["bulkpost_outcome"].tolist()
            go_on.set()

    assert [("success",)] * 2 == asked(ledger, "SELECT outcome FROM rows")


async def taken_later(peer: Any) -> None:
    await peer.write(verdict(price=1))


def test_signals_are_heard_in_the_main_thread_alone_and_when_asked(tmp_path: Path) -> None:
    """In another thread a submission does without; asking for them there is refused."""
    failures: list[BaseException] = []
    counts: list[Any] = []
    leads = a_list(tmp_path, 2)

    async def submit(*, signals: bool) -> None:
        settings: dict[str, Any] = {"ledger": tmp_path / "l.db", "signals": signals}
        async with bulkpost.open(sandbox=True, **settings) as session:
            counts.append((await session.submit(leads)).counts)

    def run() -> None:
        anyio.run(lambda: submit(signals=False))
        try:
            anyio.run(lambda: submit(signals=True))
        except bulkpost.UsageError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert (1, [{"success": 2}]) == (len(failures), counts)


_INTERRUPTED = """
import asyncio, os, signal, bulkpost

async def interrupt(session):
    while not session.ledger.exists() or not await answered(session):
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

async def answered(session):
    try:
        return "success" in set(session.results()["bulkpost_outcome"])
    except bulkpost.BulkpostError:
        return False  # there is no run yet

async def main():
    async with bulkpost.open(sandbox=True, signals=True, ledger="l.db", rate="20/s") as session:
        stop = asyncio.create_task(interrupt(session))
        done = await session.submit("leads.csv")
        await stop
    print(int(done.exit_status), done.runs[0].ending, done.counts.get("in_doubt", 0))

asyncio.run(main())
"""


def test_a_signal_that_is_heard_drains(tmp_path: Path) -> None:
    """What is under way comes in, no row is in doubt, and the caller goes on."""
    a_list(tmp_path, 500)
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", _INTERRUPTED], cwd=tmp_path, capture_output=True, check=True
    )

    assert (b"130 drained 0\n", b"") == (done.stdout, done.stderr)


def test_importing_bulkpost_loads_nothing() -> None:
    """Each name brings what it needs when it is asked for."""
    code = (
        "import sys, bulkpost\n"
        "heavy = {'aiohttp', 'anyio', 'asyncio', 'msgspec', 'numpy', 'pandas', 'sqlite3'}\n"
        "own = [name for name in sys.modules if name.startswith('bulkpost.')]\n"
        "print(sorted(heavy & sys.modules.keys()), own)\n"
    )
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )

    assert "[] []\n" == done.stdout

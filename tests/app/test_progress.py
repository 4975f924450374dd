"""What a person sees while a run goes on: on a terminal, without one, and as JSON."""

import json
import re
import sys
from pathlib import Path

import anyio
import pytest
from faultserver import Peer, closed_port, fault_server, hang, say
from submitting import (
    Answerer,
    a_list,
    all_of,
    an_order,
    bulkpost,
    child_env,
    documents,
    endings,
    path_of,
    quick_config,
    refusal,
    submitted,
    taken,
)
from terminals import a_terminal

from bulkpost.app.order import Watched
from bulkpost.cli import progress
from bulkpost.cli.options import Output
from bulkpost.cli.progress import TerminalObserver
from bulkpost.clock import SystemClock
from bulkpost.engine.tally import Tally
from bulkpost.outcome import Outcome, OutcomeKind


async def test_a_terminal_shows_a_bar_counts_and_what_is_under_way(tmp_path: Path) -> None:
    """Share, rows, pace, time left, outcomes, in flight; at the end the summary, and no bar."""
    leads = a_list(tmp_path, 10)
    held = {row: [[hang, say(taken(row))]] for row in (7, 8, 9, 10)}
    async with fault_server(Answerer(held).script) as server:
        words = [
            *("submit", str(leads), "--url", server.url + path_of()),
            *("--config", str(quick_config(tmp_path))),
        ]
        async with a_terminal(words, tmp_path) as (terminal, child):
            await terminal.until("60%", "6/10", "success 6", "in flight 4", "━", "╌", "/s")
            server.released.set()
            await terminal.rest()
            code = await child.wait()

    assert (0, all_of(10)) == (code, endings(tmp_path / "bulkpost.db"))
    last = terminal.text.rpartition("Run 1")[2]
    assert "finished" in last
    assert "╌" not in last
    assert "Next:" in last


async def test_a_terminal_says_why_nothing_goes_out(tmp_path: Path) -> None:
    """The rate, or the status that made everybody wait and since when."""
    leads = a_list(tmp_path, 6)
    slow = Answerer({1: [refusal(503, ("Retry-After", "2")), taken(1, 2)]})
    async with fault_server(slow.script) as server:
        base = ["submit", str(leads), "--url", server.url + path_of()]
        async with a_terminal([*base, "--concurrency", "1"], tmp_path) as (terminal, child):
            await terminal.until("backing off: 503 since ")
            await terminal.rest()
            await child.wait()
        assert re.search(r"backing off: 503 since \d\d:\d\d:\d\d", terminal.text)
        assert "waiting to retry 1" in terminal.text
        other = [*base, "--rate", "5/s", "--ledger", "m.db"]
        async with a_terminal(other, tmp_path) as (terminal, child):
            await terminal.until("waiting: rate 5/s")
            await terminal.rest()
            assert 0 == await child.wait()


@pytest.mark.parametrize(("answer", "runs"), [("n\r", 0), ("\r", 0), ("y\r", 1)])
async def test_a_first_live_submission_asks_on_a_terminal(
    answer: str, runs: int, tmp_path: Path
) -> None:
    """The plan, the destination and a question whose default is no."""
    leads, config = a_list(tmp_path, 3), tmp_path / "live.toml"
    config.write_text(
        'allowed_hosts = ["0.0.0.0"]\n[breaker]\nfirst_contact_s_max = 0.05\n'
        "[retry]\nunsent_base_s = 0.01\ncap_s = 0.02\n"
    )
    # This machine, but for bulkpost a place like any other; nobody listens there.
    url = f"https://0.0.0.0:{closed_port()}" + path_of()
    words = ["submit", str(leads), "--url", url]
    async with a_terminal([*words, "--config", str(config)], tmp_path) as (terminal, child):
        await terminal.until("Submit these leads? [y/N]")
        terminal.type(answer)
        await terminal.rest()
        code = await child.wait()

    assert url.removesuffix(path_of()) in terminal.text
    assert "never used before" in terminal.text
    assert ("Nothing was sent." in terminal.text, code) == ((True, 0) if not runs else (False, 4))


async def test_without_a_terminal_nobody_is_asked_and_nothing_moves(tmp_path: Path) -> None:
    """A log file gets whole lines: no escape codes, no carriage returns, results on stdout only."""
    leads = a_list(tmp_path, 3)
    async with fault_server(Answerer().script) as server:
        done = await bulkpost("submit", leads, "--url", server.url + path_of(), cwd=tmp_path)

    assert 0 == done.returncode
    assert not set(b"\x1b\r") & set(done.stdout + done.stderr)
    assert b"finished" in done.stdout
    assert b"finished" not in done.stderr


def watched(held_back: str = "") -> Watched:
    tally = Tally(in_flight=3, waiting=2, held_back=held_back)
    for kind, count in ((OutcomeKind.SUCCESS, 5), (OutcomeKind.IN_DOUBT, 1)):
        for _ in range(count):
            tally.ended(Outcome(kind, price_micros=500_000))
    return Watched(Path("leads.csv"), 10, tally)


async def said(
    output: Output, watching: Watched, capsys: pytest.CaptureFixture[str]
) -> tuple[str, str]:
    """Watch until something was said."""
    out = err = ""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(TerminalObserver(output, Path("l.db"), is_asking=False).watch, watching)
        with anyio.fail_after(10):
            while "\n" not in out + err:
                await SystemClock().sleep(0.01)
                captured = capsys.readouterr()
                out, err = out + captured.out, err + captured.err
        tasks.cancel_scope.cancel()
    return out, err


async def test_without_a_terminal_a_line_comes_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, pace, time left, outcomes, in flight and why it is slow, on one line."""
    assert 30.0 == progress._QUIET_LINE_S  # noqa: SLF001  # the documented interval
    monkeypatch.setattr(progress, "_QUIET_LINE_S", 0.01)

    output = Output(is_json=False, verbosity=0, log_format="console")
    out, err = await said(output, watched("waiting: rate 50/s"), capsys)

    line = err.splitlines()[0]
    assert "" == out
    assert line.startswith("6 of 10 rows | ")
    for part in ("success 5, in_doubt 1", "in flight 3", "waiting: rate 50/s", "left"):
        assert part in line


async def test_json_progress_is_a_document_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json the same stands on standard output, typed."""
    monkeypatch.setattr(progress, "_QUIET_LINE_S", 0.01)

    output = Output(is_json=True, verbosity=0, log_format="console")
    out, err = await said(output, watched("backing off"), capsys)

    document = json.loads(out.splitlines()[0])
    assert "" == err
    assert "status" == document["message_type"]
    assert (6, 10, 3, 2, 3.0, "backing off") == tuple(
        document[key]
        for key in ("rows_done", "rows_todo", "in_flight", "waiting", "price", "held_back")
    )
    assert {"success": 5, "in_doubt": 1} == document["outcomes"]


async def test_a_quiet_command_says_results_only(tmp_path: Path) -> None:
    """-q leaves standard error empty where nothing is wrong."""
    leads = a_list(tmp_path, 3)
    async with fault_server(Answerer().script) as server:
        done = await bulkpost("submit", "-q", leads, "--url", server.url + path_of(), cwd=tmp_path)

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"success" in done.stdout


async def test_json_is_json_whatever_happens(tmp_path: Path) -> None:
    """Summaries, refusals and usage errors are documents with a message_type, one a line."""
    first, second = a_list(tmp_path, 3, "a.csv"), a_list(tmp_path, [4, 5], "b.csv")
    async with fault_server(Answerer({5: [refusal(403)]}).script) as server:
        url = server.url + path_of()
        done = await bulkpost("submit", "--json", first, second, "--url", url, cwd=tmp_path)
        wrong = await bulkpost("submit", "--json", "none.csv", "--url", url, cwd=tmp_path)
        unknown = await bulkpost("submit", "--json", "--no-such-flag", cwd=tmp_path)

    summaries = documents(done.stdout)
    assert ["summary", "summary"] == [document["message_type"] for document in summaries]
    assert [3, 1] == [document["counts"]["success"] for document in summaries]
    assert [None, True] == [
        document["stopped_because"] and "403" in document["stopped_because"]
        for document in summaries
    ]
    assert all(document["next_command"].startswith("bulkpost ") for document in summaries)
    for failed in (wrong, unknown):
        (document,) = documents(failed.stdout)
        assert ("error", 2, failed.returncode) == (
            document["message_type"],
            document["exit_status"],
            document["exit_status"],
        )


async def test_a_display_that_breaks_does_not_stop_a_run(tmp_path: Path) -> None:
    """What is sent matters more than what is shown."""
    leads, ledger, answerer = a_list(tmp_path, 5), tmp_path / "l.db", Answerer()

    class Broken(TerminalObserver):
        async def watch(self, watched: Watched) -> None:  # noqa: ARG002  # the interface
            raise RuntimeError("the terminal is gone")

    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        output = Output(is_json=False, verbosity=-1, log_format="console")
        observer = Broken(output, ledger, is_asking=False)
        await submitted(order, observer)

    assert all_of(5) == endings(ledger)


async def test_p12_output_that_nobody_reads_does_not_stop_a_run(tmp_path: Path) -> None:
    """If nobody reads the output any more (`| head`), the run goes on and is recorded."""
    leads = a_list(tmp_path, 20)
    opened = anyio.Event()

    async def wait(peer: Peer) -> None:
        await opened.wait()
        await peer.write(taken(1))

    answerer = Answerer({1: [wait]})
    async with fault_server(answerer.script) as server:
        words = ["-m", "bulkpost", "submit", str(leads), "--url", server.url + path_of(), "-vv"]
        async with await anyio.open_process(
            [sys.executable, *words], cwd=tmp_path, env=child_env()
        ) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            with anyio.fail_after(30):
                while len(answerer.seen) < 20:
                    await SystemClock().sleep(0.01)
            await child.stdout.aclose()
            await child.stderr.aclose()
            opened.set()
            await child.wait()

    assert (0, all_of(20)) == (child.returncode, endings(tmp_path / "bulkpost.db"))

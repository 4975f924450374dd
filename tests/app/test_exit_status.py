"""The exit statuses, one by one, each by a real run; and which of several wins."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import anyio
import anyio.abc
import pytest
from faultserver import close, fault_server, hang, say
from hypothesis import given
from hypothesis import strategies as st
from submitting import (
    Answerer,
    Doing,
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
    table,
    taken,
    verdict,
)

from bulkpost.clock import SystemClock
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.status import ExitStatus, status_of, worst
from bulkpost.run import RunEnding


@pytest.mark.parametrize(
    ("status", "plan", "words"),
    [
        pytest.param(0, {}, [], id="0-every-row-has-its-verdict"),
        pytest.param(0, {2: [verdict("failure", reason="no")]}, [], id="0-a-failure-is-a-verdict"),
        pytest.param(3, {2: [verdict("error", reason="odd")]}, [], id="3-an-error"),
        pytest.param(3, {2: [refusal(500)]}, [], id="3-an-http-error"),
        pytest.param(4, {1: [refusal(403)]}, [], id="4-refused"),
        pytest.param(5, {2: [[close]]}, [], id="5-in-doubt"),
        pytest.param(6, {}, ["--limit", "2"], id="6-limit"),
        pytest.param(6, {2: [refusal(503, ("Retry-After", "9999"))]}, [], id="6-deferred"),
        pytest.param(2, {}, ["--rate", "fast"], id="2-a-rate-that-is-none"),
        pytest.param(2, {}, ["--no-such-flag"], id="2-an-unknown-flag"),
    ],
)
async def test_each_way_to_end_has_its_exit_status(
    status: int, plan: Mapping[int, Sequence[Doing]], words: list[str], tmp_path: Path
) -> None:
    """What the process returns is what happened, and usage errors send nothing."""
    leads, answerer = a_list(tmp_path, 4), Answerer(plan)
    config = quick_config(tmp_path, engine__concurrency=1)
    async with fault_server(answerer.script) as server:
        done = await bulkpost(
            "submit",
            leads,
            "--url",
            server.url + path_of(),
            "--config",
            config,
            *words,
            cwd=tmp_path,
        )

    assert status == done.returncode, done.stderr
    assert (status != 2) == bool(answerer.seen)
    assert status == 2 or endings(tmp_path / "bulkpost.db")


async def test_0_nothing_left_to_do(tmp_path: Path) -> None:
    """A second run of the same command says so, sends nothing and ends well."""
    leads, answerer = a_list(tmp_path, 4), Answerer()
    async with fault_server(answerer.script) as server:
        words = ("submit", leads, "--url", server.url + path_of())
        first = await bulkpost(*words, cwd=tmp_path)
        second = await bulkpost(*words, cwd=tmp_path)

    assert (0, 0) == (first.returncode, second.returncode)
    assert dict.fromkeys(range(1, 5), 1) == answerer.counts


async def test_1_a_mistake_of_ours(tmp_path: Path) -> None:
    """A failing disk or a defect ends with 1 and says where; what is known is in the ledger."""
    leads, answerer = a_list(tmp_path, 4), Answerer()
    async with fault_server(answerer.script) as server:
        words = ("submit", leads, "--url", server.url + path_of())
        done = await bulkpost(*words, cwd=tmp_path, env={"BULKPOST_FAULT": "answered:1:raise"})

    assert 1 == done.returncode, done.stderr
    assert b"internal error OSError" in done.stderr
    assert set(answerer.counts) == set(endings(tmp_path / "bulkpost.db"))


async def test_3_invalid_rows(tmp_path: Path) -> None:
    """Rows that cannot be sent do not stop the others, and are not forgotten."""
    rows = [["1", "a"], ["2"], ["3", "b"]]
    leads, answerer = table(tmp_path / "leads.csv", ["row", "name"], rows), Answerer()
    async with fault_server(answerer.script) as server:
        done = await bulkpost("submit", leads, "--url", server.url + path_of(), cwd=tmp_path)

    assert 3 == done.returncode, done.stderr
    assert all_of(3, _2="invalid") == endings(tmp_path / "bulkpost.db")


async def test_7_a_busy_ledger_names_its_holder(tmp_path: Path) -> None:
    """A second run on the same ledger refuses at once and sends nothing; the first is not hurt."""
    leads, answerer = a_list(tmp_path, 3), Answerer({1: [[hang]]})
    async with fault_server(answerer.script) as server:
        words = ("submit", leads, "--url", server.url + path_of())
        async with a_child(words, tmp_path, lambda: bool(answerer.seen)) as child:
            second = await bulkpost(*words, cwd=tmp_path)
            third = await bulkpost(*words, "--json", cwd=tmp_path)
            child.kill()

    assert (7, 7) == (second.returncode, third.returncode)
    assert str(child.pid) in second.stderr.decode()
    (document,) = documents(third.stdout)
    assert ("error", 7) == (document["message_type"], document["exit_status"])
    assert {1: 1} | answerer.counts == {1: 1, 2: 1, 3: 1}


async def test_7_a_damaged_ledger(tmp_path: Path) -> None:
    """What is no ledger is neither used nor overwritten."""
    leads, answerer = a_list(tmp_path, 3), Answerer()
    ledger = tmp_path / "bulkpost.db"
    ledger.write_bytes(b"not a database" * 1000)
    ledger.chmod(0o600)
    async with fault_server(answerer.script) as server:
        done = await bulkpost("submit", leads, "--url", server.url + path_of(), cwd=tmp_path)

    assert 7 == done.returncode, done.stderr
    assert [] == answerer.seen
    assert b"not a database" * 1000 == ledger.read_bytes()


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
)
async def test_130_143_a_signal_drains(number: signal.Signals, status: int, tmp_path: Path) -> None:
    """What is in flight is awaited, nothing new goes out, and the next run sends the rest."""
    leads, config = a_list(tmp_path, 12), quick_config(tmp_path)
    answerer = Answerer({row: [[hang, say(taken(row))]] for row in range(1, 5)})
    async with fault_server(answerer.script) as server:
        words = ("submit", leads, "--url", server.url + path_of(), "--config", config)
        async with a_child(words, tmp_path, lambda: len(answerer.seen) == 4) as child:
            child.send_signal(number)
            assert child.stderr is not None
            said = b""
            while b"waiting up to" not in said:
                said += await child.stderr.receive()
            server.released.set()
            await child.wait()
        assert status == child.returncode
        assert all_of(4) == endings(tmp_path / "bulkpost.db")
        again = await bulkpost(*words, cwd=tmp_path)

    assert 0 == again.returncode, again.stderr
    assert dict.fromkeys(range(1, 13), 1) == answerer.counts


async def test_130_a_second_signal_aborts_and_records_the_doubt(tmp_path: Path) -> None:
    """Twice Ctrl-C: what is in flight is in doubt at once, and 130 says that it was interrupted."""
    leads, answerer = a_list(tmp_path, 12), Answerer(otherwise=hang)
    config = quick_config(tmp_path, engine__drain_s=600.0, transport__read_s=600.0)
    async with fault_server(answerer.script) as server:
        words = ("submit", leads, "--url", server.url + path_of(), "--config", config)
        async with a_child(words, tmp_path, lambda: len(answerer.seen) == 4) as child:
            child.send_signal(signal.SIGINT)
            assert child.stderr is not None
            said = b""
            while b"waiting up to" not in said:
                said += await child.stderr.receive()
            child.send_signal(signal.SIGINT)
            await child.wait()

    assert 130 == child.returncode
    assert all_of(4, "in_doubt") == endings(tmp_path / "bulkpost.db")


class a_child:  # noqa: N801  # reads as a function: `async with a_child(...)`
    """A running command, once something has happened at the server."""

    def __init__(
        self, words: Sequence[str | Path], cwd: Path, is_ready: Callable[[], bool]
    ) -> None:
        self._words = [sys.executable, "-m", "bulkpost", *map(str, words)]
        self._cwd, self._is_ready = cwd, is_ready

    async def __aenter__(self) -> anyio.abc.Process:
        self._child = await anyio.open_process(self._words, cwd=self._cwd, env=child_env())
        with anyio.fail_after(30):
            while not self._is_ready():
                await SystemClock().sleep(0.01)
        return self._child

    async def __aexit__(self, *_: object) -> None:
        await self._child.aclose()


async def test_a_limit_is_kept_again_and_again_until_everything_is_done(tmp_path: Path) -> None:
    """6, 6, 6, 0: each run sends so many and no more, and none of them twice."""
    leads, ledger, answerer = a_list(tmp_path, 10), tmp_path / "l.db", Answerer()
    statuses, sent = [], []
    async with fault_server(answerer.script) as server:
        for _ in range(4):
            result = await submitted(an_order(server.url, leads, ledger=ledger, limit=3))
            statuses.append(int(result.exit_status))
            sent.append(len(answerer.seen))

    assert ([6, 6, 6, 0], [3, 6, 9, 10]) == (statuses, sent)
    assert all_of(10) == endings(ledger)


async def test_a_limit_that_is_just_enough_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    """A limit equal to what is left is no reason to come back."""
    leads, ledger, answerer = a_list(tmp_path, 4), tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger, limit=4))

    assert (ExitStatus.DONE, all_of(4)) == (result.exit_status, endings(ledger))


# -- which of several wins -------------------------------------------------------------------------

ORDER = (1, 2, 7, 130, 143, 4, 5, 6, 3, 0)


def test_every_status_has_its_place() -> None:
    """The documented order names every status once."""
    assert sorted(ExitStatus) == sorted(ORDER)


@pytest.mark.parametrize(("better", "worse"), list(combinations(reversed(ORDER), 2)))
def test_of_two_the_worse_news_wins(better: int, worse: int) -> None:
    """1, 2, 7, 130/143, 4, 5, 6, 3, 0: in whichever order they were found."""
    assert ExitStatus(worse) is worst([ExitStatus(better), ExitStatus(worse)])
    assert ExitStatus(worse) is worst([ExitStatus(worse), ExitStatus(better)])


def test_of_nothing_nothing_is_wrong() -> None:
    """No run is a good run."""
    assert ExitStatus.DONE is worst([])


BAD = (OutcomeKind.INVALID, OutcomeKind.ERROR, OutcomeKind.HTTP_ERROR, OutcomeKind.CONFLICT)


@given(
    ending=st.sampled_from(RunEnding),
    counts=st.dictionaries(st.sampled_from(OutcomeKind), st.integers(0, 2)),
    pending=st.integers(0, 2),
    signalled=st.sampled_from([None, ExitStatus.SIGINT, ExitStatus.SIGTERM]),
)
def test_the_status_follows_from_what_happened(
    ending: RunEnding,
    counts: dict[OutcomeKind, int],
    pending: int,
    signalled: ExitStatus | None,
) -> None:
    """Each fact alone gives its status; together the first of the documented order holds."""
    facts = {
        1: ending is RunEnding.FAILED,
        130: signalled is ExitStatus.SIGINT,
        143: signalled is ExitStatus.SIGTERM,
        4: ending in {RunEnding.REFUSED, RunEnding.BUDGET, RunEnding.CEILING},
        5: counts.get(OutcomeKind.IN_DOUBT, 0) > 0,
        6: ending is RunEnding.LIMIT or pending > 0 or counts.get(OutcomeKind.DEFERRED, 0) > 0,
        3: any(counts.get(kind, 0) for kind in BAD),
        0: True,
    }

    assert next(n for n in ORDER if facts.get(n)) == status_of(ending, counts, pending, signalled)

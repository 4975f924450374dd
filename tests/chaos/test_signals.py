"""Signals and closed pipes: a run that is asked to stop leaves a ledger that goes on."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.judge import plain_env, running_judge

from bulkpost.ledger.states import State

ROWS = 120


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_p1_the_first_signal_drains(
    number: signal.Signals, status: int, campaign: Campaign
) -> None:
    """After the first Ctrl-C, SIGTERM or SIGHUP nothing new is sent and answers are awaited.

    No row is in doubt, and the next run sends the rest.
    """
    campaign.a_list(ROWS)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 30)
        child.send(number)
        ended = child.wait()
    found = campaign.snapshot()

    assert status == ended.status
    assert {State.SUCCESS, State.PENDING} == found.counts().keys()
    assert len(campaign.flow.leads()) == found.counts()[State.SUCCESS]
    assert {"drained"} == set(found.endings.values())
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


@pytest.mark.parametrize("numbers", [(signal.SIGINT,) * 2, (signal.SIGTERM,) * 2])
def test_p2_the_second_signal_aborts(numbers: tuple[signal.Signals, ...], tmp_path: Path) -> None:
    """After the second signal what is under way is recorded in doubt at once.

    That is at most as many rows as requests at once; the next run sends the rest.
    """
    with running_judge(tmp_path / "taken.jsonl", ["--fault", "hang_after:after=20"]) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow())
        campaign.a_list(ROWS)
        with campaign.start() as child:
            child.until(lambda: len(campaign.flow.leads()) >= 20 + campaign.concurrency)
            for number in numbers:
                assert not child.has_ended
                child.send(number)
                child.until(lambda: "SIG" in child.said()[1])
            ended = child.wait()
        found = campaign.snapshot()

        assert 128 + numbers[0] == ended.status
        assert {} == found.intents
        assert campaign.concurrency == found.counts()[State.IN_DOUBT]
        assert {"aborted"} == set(found.endings.values())
        assert [] == campaign.wrong


def test_p3_a_drain_that_takes_too_long_ends_as_an_abort(tmp_path: Path) -> None:
    """If answers do not come within the time to drain (60 s), what is under way is in doubt.

    A service manager's own time to stop must be longer than that.
    """
    with running_judge(tmp_path / "taken.jsonl", ["--fault", "hang_after:after=20"]) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow())
        config = campaign.folder / "bulkpost.toml"
        config.write_text(config.read_text().replace("drain_s = 20.0", "drain_s = 0.2"))
        campaign.a_list(ROWS)
        with campaign.start() as child:
            child.until(lambda: len(campaign.flow.leads()) >= 20 + campaign.concurrency)
            child.send(signal.SIGTERM)
            ended = child.wait()

        assert 143 == ended.status
        assert {} == campaign.snapshot().intents
        assert campaign.concurrency == campaign.snapshot().counts()[State.IN_DOUBT]


def test_p8_answers_that_came_while_the_process_was_stopped_are_recorded(tmp_path: Path) -> None:
    """If the process is stopped (SIGSTOP, a closed lid) and goes on later, late answers count.

    They are recorded as always, even if the read limit passed meanwhile: no row is in doubt for it.
    """
    with running_judge(tmp_path / "taken.jsonl", ["--latency", "300ms"]) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow())
        config = campaign.folder / "bulkpost.toml"
        config.write_text(config.read_text().replace("read_s = 5.0", "read_s = 2.0"))
        campaign.a_list(ROWS // 2)
        with campaign.start() as child:
            child.until(lambda: len(campaign.flow.leads()) >= 20)
            child.send(signal.SIGSTOP)
            time.sleep(3.0)  # noqa: TID251  # longer than the limit: that is the point
            child.send(signal.SIGCONT)
            ended = child.wait()

        assert 0 == ended.status
        assert {State.SUCCESS: ROWS // 2} == campaign.snapshot().counts()
        assert {1} == {len(ids) for ids in campaign.flow.ids().values()}
        assert 0 == campaign.until_done().status
        assert [] == campaign.wrong


def test_p12_a_terminal_that_goes_away_drains_the_run(campaign: Campaign) -> None:
    """If the terminal goes away, the answers under way are awaited and the run ends with 143.

    No row is in doubt, and the next run sends the rest.
    """
    path = campaign.a_list(ROWS)
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        os.login_tty(theirs)

    with subprocess.Popen(  # noqa: S603  # our own command
        campaign.argv(path),
        cwd=campaign.folder,
        env=plain_env(),
        preexec_fn=take_terminal,  # noqa: PLW1509  # one thread, and a terminal is needed
    ) as process:
        os.close(theirs)
        os.set_blocking(ours, False)
        while len(campaign.flow.leads()) < 30 and process.poll() is None:
            with suppress(BlockingIOError):
                os.read(ours, 65_536)
        os.close(ours)
        status = process.wait(60)
    found = campaign.snapshot()

    assert 143 == status
    assert {State.SUCCESS, State.PENDING} == found.counts().keys()
    assert len(campaign.flow.leads()) == found.counts()[State.SUCCESS]
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


def test_p9_a_second_submit_is_refused_and_names_the_first(campaign: Campaign) -> None:
    """A second run on the same ledger is refused with exit status 7 and names the first by process.

    It sends nothing and changes nothing in the ledger.
    """
    campaign.a_list(ROWS)
    other = campaign.folder / "other.csv"
    other.write_text("reference\nr999999\n")
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 10)
        child.send(signal.SIGSTOP)
        before = campaign.snapshot()
        second = campaign.run(other)
        after = campaign.snapshot()
        child.send(signal.SIGCONT)
        first = child.wait()

    assert 7 == second.status
    assert f"in use by process {child.pid} on " in second.err
    assert before == after
    assert 0 == first.status
    assert "r999999" not in campaign.flow.ids()


@pytest.mark.parametrize("command", [["runs"], ["show"]])
def test_p9_observers_look_on_while_a_run_writes(command: list[str], campaign: Campaign) -> None:
    """``runs`` and ``show`` work while a run goes on, and do not disturb it."""
    campaign.a_list(ROWS)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 10)
        child.send(signal.SIGSTOP)
        looked = subprocess.run(  # noqa: S603  # our own command
            [*campaign.command[:3], *command, "--ledger", str(campaign.ledger)],
            capture_output=True,
            check=False,
            text=True,
            env=plain_env(),
        )
        child.send(signal.SIGCONT)
        ended = child.wait()

    assert (0, "") == (looked.returncode, looked.stderr)
    assert "submit" in looked.stdout
    assert 0 == ended.status
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_p12_a_closed_pipe_does_not_hurt_the_run(
    stream: str, more: list[str], campaign: Campaign
) -> None:
    """If standard output or standard error is closed, every row is sent and recorded as always.

    The exit status is right, too.
    """
    path = campaign.a_list(ROWS)
    campaign.options = more
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(  # noqa: S603  # our own command
        campaign.argv(path),
        stdin=subprocess.DEVNULL,
        cwd=campaign.folder,
        env=plain_env(),
        check=False,
        stdout=writing if stream == "stdout" else subprocess.DEVNULL,
        stderr=writing if stream == "stderr" else subprocess.DEVNULL,
    )
    os.close(writing)

    assert 0 == process.returncode
    assert {State.SUCCESS: ROWS} == campaign.snapshot().counts()
    assert 0 == campaign.until_done().status
    assert [] == campaign.wrong

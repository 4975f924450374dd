"""The crash-point table, row by row: what is on disk after the crash, and what resuming does."""

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.campaign import Campaign
from harness.judge import SOURCE_ID, Flow, running_judge
from harness.lists import Line, write_list
from harness.ports import deaf_port, free_port, narrow_port
from harness.wal import Wal

from bulkpost.ledger.states import State

ROWS = 6


@pytest.fixture
def alone(campaign: Campaign) -> Campaign:
    """A short list, one worker: its transactions come in one order."""
    campaign.concurrency = 1
    campaign.a_list(ROWS)
    return campaign


def _all_sent_once(campaign: Campaign, *, in_doubt: int = 0) -> None:
    assert campaign.until_done().status == (5 if in_doubt else 0)
    assert [] == campaign.wrong
    assert in_doubt == campaign.snapshot().counts().get(State.IN_DOUBT, 0)


@pytest.mark.parametrize("point", ["run.start", "arm.queued"])
def test_crash_point_01_before_the_first_intent(point: str, alone: Campaign) -> None:
    """A run that dies before its first row has sent nothing; the next one submits everything."""
    assert 137 == alone.run(fault=point).status

    assert {} == alone.snapshot().intents
    assert {} == alone.snapshot().outcomes
    assert [] == alone.flow.leads()
    _all_sent_once(alone)


def test_crash_point_01_waiting_for_the_rate(alone: Campaign) -> None:
    """A row that waits for the rate is not armed yet: a run that dies then puts no row in doubt."""
    alone.options = ["--rate", "1/min"]
    alone.kill_when(lambda: len(alone.snapshot().outcomes) == 1)

    assert {State.SUCCESS: 1, State.PENDING: ROWS - 1} == alone.snapshot().counts()
    alone.options = []
    _all_sent_once(alone)


def test_crash_point_02_intent_queued(alone: Campaign) -> None:
    """A row whose intent was not yet on the disk at the death is pending, and submitted next."""
    assert 137 == alone.run(fault="arm.queued:3").status

    found = alone.snapshot()
    assert not {(1, 3), (1, 4), (1, 5), (1, 6)} & (found.intents.keys() | found.outcomes.keys())
    assert 2 == len(alone.flow.leads())
    _all_sent_once(alone, in_doubt=len(found.intents))
    assert 1 == len(alone.flow.ids()["r000003"])


@pytest.mark.parametrize("point", ["commit.begin:3", "commit.middle:1"])
def test_crash_point_03_inside_the_commit_of_an_intent(point: str, alone: Campaign) -> None:
    """A run that dies while it writes an intent has not sent that row; the next one submits it."""
    assert 137 == alone.run(fault=point).status

    assert {State.PENDING: ROWS} == alone.snapshot().counts()
    assert [] == alone.flow.leads()
    _all_sent_once(alone)


def test_crash_point_03_torn_frame(alone: Campaign) -> None:
    """An intent of which only a part reached the disk is none, and its row is submitted next."""
    alone.run(fault="commit.done:3")
    assert {State.PENDING: ROWS - 1, State.ARMED: 1} == alone.snapshot().counts()
    wal = Wal.of(alone.ledger)
    wal.cut(wal.commits[-1] - wal.frame_bytes // 2)
    _forget_last_commit(alone)

    assert {State.PENDING: ROWS} == alone.snapshot().counts()
    _all_sent_once(alone)


@pytest.mark.parametrize("point", ["commit.done:3", "armed"])
def test_crash_point_04_intent_on_disk_nothing_sent(point: str, alone: Campaign) -> None:
    """A run that dies between the intent and the request leaves the row in doubt.

    Nothing was sent, but no one can tell. It is never sent again unasked.
    """
    assert 137 == alone.run(fault=point).status

    assert [1] == alone.snapshot().numbers(State.ARMED)
    assert [] == alone.flow.leads()
    _all_sent_once(alone, in_doubt=1)
    assert [1] == alone.snapshot().numbers(State.IN_DOUBT)


def test_crash_point_05_connecting(alone: Campaign) -> None:
    """A run that dies while it connects leaves the row in doubt, though nothing was sent."""
    with deaf_port() as port:
        origin = f"http://127.0.0.1:{port}"
        alone.flow.url = f"{origin}/flows/{alone.flow.flow_id}/sources/{SOURCE_ID}/submit"
        alone.kill_when(lambda: bool(alone.snapshot().intents))
        assert [1] == alone.snapshot().numbers(State.ARMED)
        alone.kill_when(lambda: bool(alone.snapshot().numbers(State.IN_DOUBT)), delay_s=0.2)

    assert [1] == alone.snapshot().numbers(State.IN_DOUBT)
    assert [2] == alone.snapshot().numbers(State.ARMED)
    assert [] == alone.wrong


def test_crash_point_06_request_partly_written(campaign: Campaign) -> None:
    """A run that dies in the middle of a long request leaves the row in doubt."""
    campaign.concurrency = 1
    path = campaign.a_list(2)
    long = [(f"long_{number}", "x" * 900_000) for number in range(4)]
    write_list(path, [Line(1), Line(2)], extra=long)
    with narrow_port() as server:
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"
        campaign.flow.url = f"{origin}/flows/{campaign.flow.flow_id}/sources/{SOURCE_ID}/submit"
        with campaign.start() as child:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(64).startswith(b"POST ")
                child.kill()
                rest = b"".join(iter(lambda: connection.recv(65536), b""))

    assert len(rest) < 3_600_000
    assert [1] == campaign.snapshot().numbers(State.ARMED)


def test_crash_point_07_request_written(alone: Campaign) -> None:
    """A run that dies after a request was written leaves the row in doubt.

    The lead arrives all the same, and is not sent again.
    """
    assert 137 == alone.run(fault="sent").status

    assert [1] == alone.snapshot().numbers(State.ARMED)
    _all_sent_once(alone, in_doubt=1)
    assert 1 == len(alone.flow.ids()["r000001"])


def test_crash_point_08_server_at_work(tmp_path: Path) -> None:
    """A run that dies while the server works on a lead leaves the row in doubt."""
    with running_judge(tmp_path / "taken.jsonl", ["--fault", "hang_after:burst=1"]) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow(), concurrency=1)
        campaign.a_list(ROWS)
        campaign.kill_when(lambda: bool(campaign.flow.leads()))

        assert [1] == campaign.snapshot().numbers(State.ARMED)
        _all_sent_once(campaign, in_doubt=1)


@pytest.mark.parametrize("point", ["answered", "settle.queued"])
def test_crash_point_09_answer_read_not_recorded(point: str, alone: Campaign) -> None:
    """A run that dies before an answer is on the disk leaves the row in doubt.

    Its lead id is lost.
    """
    assert 137 == alone.run(fault=point).status

    assert [1] == alone.snapshot().numbers(State.ARMED)
    assert 1 == len(alone.flow.leads())
    _all_sent_once(alone, in_doubt=1)


@pytest.mark.parametrize("point", ["commit.begin:4", "commit.middle:2"])
def test_crash_point_10_inside_the_commit_of_an_answer(point: str, alone: Campaign) -> None:
    """A run that dies while it writes an answer leaves the row in doubt."""
    assert 137 == alone.run(fault=point).status

    assert [1] == alone.snapshot().numbers(State.ARMED)
    _all_sent_once(alone, in_doubt=1)


def test_crash_point_11_answer_on_disk(alone: Campaign) -> None:
    """An answer that is on the disk keeps its lead id, and its row is never sent again."""
    assert 137 == alone.run(fault="commit.done:4").status

    row = alone.snapshot().outcomes[1, 1]
    assert (State.SUCCESS, alone.flow.ids()["r000001"]) == (row.state, [row.lead_id])
    armed = len(alone.snapshot().intents)
    _all_sent_once(alone, in_doubt=armed)
    assert 1 == len(alone.flow.ids()["r000001"])


def test_crash_point_12_back_off_after_502(tmp_path: Path) -> None:
    """A row that waits for its next attempt when the run dies is sent again when its time comes.

    Its retries stay counted.
    """
    options = ["--fault", "502:burst=1,retry_after=2"]
    with running_judge(tmp_path / "taken.jsonl", options) as judge:
        campaign = Campaign(tmp_path / "work", judge.new_flow(), concurrency=1)
        campaign.a_list(ROWS)
        campaign.kill_when(lambda: bool(campaign.snapshot().numbers(State.BACK_OFF)))

        waiting = campaign.snapshot().intents[1, 1]
        assert (502, 1) == (waiting.http_status, waiting.ambiguous)
        assert 137 == campaign.run(fault="run.start").status
        recovered = campaign.snapshot().outcomes[1, 1]
        assert (State.DEFERRED, 1) == (recovered.state, recovered.ambiguous)
        assert waiting.due_at_ms == recovered.due_at_ms
        _all_sent_once(campaign)
    row = campaign.snapshot().outcomes[1, 1]
    assert (State.SUCCESS, 2, 1) == (row.state, row.attempts, row.ambiguous)


def test_crash_point_13_back_off_after_not_sent(tmp_path: Path) -> None:
    """A row whose server was away when the run died is sent again, without any doubt."""
    port = free_port()
    campaign = Campaign(tmp_path / "work", flow=_nobody(port, tmp_path), concurrency=1)
    campaign.a_list(ROWS)
    campaign.kill_when(lambda: bool(campaign.snapshot().numbers(State.BACK_OFF)))

    assert {0} == {row.ambiguous for row in campaign.snapshot().intents.values()}
    armed = campaign.snapshot().numbers(State.ARMED)
    with running_judge(campaign.flow.log, port=port):
        _all_sent_once(campaign, in_doubt=len(armed))


@pytest.mark.parametrize("share", [0.5, 1.0], ids=["half", "whole"])
def test_crash_point_14_inside_a_checkpoint(share: float, campaign: Campaign) -> None:
    """A run that dies while the log is copied into the ledger loses nothing: it is copied again."""
    campaign.a_list(60)
    campaign.run(fault="answered:40")
    before = campaign.snapshot()
    wal = Wal.of(campaign.ledger)
    log = wal.path.read_bytes()
    copied = campaign.folder / "copied.db"
    shutil.copyfile(campaign.ledger, copied)
    shutil.copyfile(wal.path, copied.with_name("copied.db-wal"))
    with closing(sqlite3.connect(copied)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    old, new = campaign.ledger.read_bytes(), copied.read_bytes()
    pages = len(new) // 4096
    mixed = new[: int(pages * share) * 4096]
    campaign.ledger.write_bytes(mixed + old[len(mixed) :])
    for path in campaign.folder.glob("copied.db*"):
        path.unlink()

    assert log == wal.path.read_bytes()
    assert before == campaign.snapshot()
    _all_sent_once(campaign, in_doubt=len(before.numbers(State.ARMED)))


def test_crash_point_15_inside_recovery(campaign: Campaign) -> None:
    """A run that dies while it clears up after another leaves all as it was; the next clears up."""
    campaign.a_list(60)
    campaign.run(fault="answered:20")
    before = campaign.snapshot()
    assert 137 == campaign.run(fault="recovery.middle").status

    assert before.intents == campaign.snapshot().intents
    assert before.outcomes == campaign.snapshot().outcomes
    _all_sent_once(campaign, in_doubt=len(before.numbers(State.ARMED)))


def test_crash_point_18_power_loss_on_an_honest_disk(campaign: Campaign) -> None:
    """A power failure loses nothing that was committed, whatever else was being written."""
    campaign.a_list(60)
    campaign.run(fault="answered:20")
    before = campaign.snapshot()
    wal = Wal.of(campaign.ledger)
    wal.cut(wal.commits[-1], garbage=b"\xaa" * (wal.frame_bytes + 100))

    assert before == campaign.snapshot()
    _all_sent_once(campaign, in_doubt=len(before.numbers(State.ARMED)))


def test_crash_point_19_a_disk_that_lied(campaign: Campaign) -> None:
    """A ledger whose disk lost what it had confirmed is refused with status 7.

    Nothing is sent from it.
    """
    campaign.a_list(60)
    campaign.run(fault="answered:20")
    wal = Wal.of(campaign.ledger)
    wal.cut(wal.commits[-3])
    before = len(campaign.flow.leads())
    ended = campaign.run()

    assert 7 == ended.status
    assert "older than what this machine wrote" in ended.err
    assert before == len(campaign.flow.leads())


def test_crash_point_20_restored_from_a_copy(campaign: Campaign) -> None:
    """An older copy of the ledger that is put back is refused with status 7.

    With --accept-rollback it is used, and leads sent since then are sent twice.
    """
    path = campaign.a_list(20)
    campaign.run()
    copy = campaign.folder.parent / "copy.db"
    shutil.copyfile(campaign.ledger, copy)
    later = [Line(number) for number in range(21, 41)]
    second = campaign.a_list(later, "later.csv")
    campaign.run(second)
    shutil.copyfile(copy, campaign.ledger)
    refused = campaign.run(path, second)

    assert 7 == refused.status
    assert "--accept-rollback" in refused.err
    assert 40 == len(campaign.flow.leads())
    campaign.options = ["--accept-rollback"]
    assert 0 == campaign.run(path, second).status
    assert 60 == len(campaign.flow.leads())
    campaign.options = []
    assert 0 == campaign.run(path, second).status
    assert 60 == len(campaign.flow.leads())


def test_crash_point_21_frozen_and_thawed(campaign: Campaign) -> None:
    """A run that is stopped and continued keeps the ledger, and records its late answers."""
    campaign.a_list(200)
    with campaign.start() as child:
        child.until(lambda: len(campaign.flow.leads()) >= 40)
        child.send(signal.SIGSTOP)
        second = campaign.run()
        child.send(signal.SIGCONT)
        ended = child.wait()

    assert 7 == second.status
    assert f"process {child.pid}" in second.err
    assert 0 == ended.status
    _all_sent_once(campaign)


def _forget_last_commit(campaign: Campaign) -> None:
    """The witness is written after the commit, so a crash inside it came before the witness."""
    lock = campaign.ledger.with_name(campaign.ledger.name + ".lock")
    content = lock.read_bytes()
    number = int.from_bytes(content[:8], "big") - 1
    lock.write_bytes(number.to_bytes(8, "big") + content[8:])


def _nobody(port: int, folder: Path) -> Flow:
    flow_id = "ab" * 12
    url = f"http://127.0.0.1:{port}/flows/{flow_id}/sources/{SOURCE_ID}/submit"
    log = folder / "taken.jsonl"
    log.touch()
    return Flow(url, flow_id, log)

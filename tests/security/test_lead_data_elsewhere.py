"""Lead data is in no corner: read back, piped in, in file names, after crashes, in debug output."""

import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from canaries import (
    HEADER,
    ROWS,
    a_canary_list,
    a_leaky_run,
    canaries,
    echoes,
    leaks,
    ssn_spellings,
)
from commands import Commands
from faultserver import fault_server
from submitting import (
    Answerer,
    an_order,
    asked,
    bulkpost,
    path_of,
    quick_config,
    submitted,
    table,
    verdict,
)

from bulkpost.errors import LedgerWriteError
from bulkpost.ledger.transaction import TransactionConnection

_PERSON = "jane.doe@example.com 512-555-0143 219-09-9901"


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with nothing in it but the ledger of a run whose server repeated all."""
    place = tmp_path_factory.mktemp("leaky")
    leads, home = a_canary_list(place / "in"), place / "out"
    home.mkdir()

    async def run() -> None:
        async with fault_server(Answerer(echoes()).script) as server:
            order = an_order(server.url, leads, ledger=home / "l.db", map__reference="ref")
            await submitted(order)

    anyio.run(run)
    return home


_ROWS = [["show", "--row", str(row)] for row in range(1, ROWS + 1)]
_NOTE = "; ".join((canaries(5)[2], canaries(5)[3], *ssn_spellings(5)))


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([["runs"], ["show"], ["show", "--support"], ["doubt", "list"]], id="runs"),
        pytest.param(_ROWS, id="rows"),
        pytest.param([["verify"]], id="verify"),
        pytest.param([["report", "PAGE", "--force"]], id="report"),
        pytest.param([["export", "OUT", "--no-join", "--force"]], id="export"),
        pytest.param([["doubt", "resolve", "1:5", "--as", "error", "--note", _NOTE]], id="note"),
        pytest.param(_ROWS[4:5], id="row-with-a-note"),
    ],
)
def test_t1_every_command_that_reads_a_ledger_shows_no_lead(
    commands: Sequence[Sequence[str]], leaky: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs, rows, support text, doubts, exports without the list, notes: as text and as JSON."""
    bulkpost_on = Commands(capsys, str(leaky / "l.db"))
    for words in commands:
        places = {"OUT": str(leaky / "out"), "PAGE": str(leaky / "page.html")}
        placed = [places.get(word, word) for word in words]
        for more in ([], ["--json", "-vv"]):
            done = bulkpost_on(*placed, *more)

            assert [] == leaks(leaky, done.out.encode(), done.err.encode())
            assert done.out or done.status == 2, placed


@pytest.mark.parametrize(
    "told", ["SSN ending in {}", "XXX-XX-{}", "xxxxx{} is bad", "***{}", "({})", "last4={}&x=1"]
)
async def test_t1_the_end_of_a_social_security_number_is_taken_out(
    told: str, tmp_path: Path
) -> None:
    """The last four digits, which are what people write when they mean to write no number."""
    leads = table(tmp_path / "l.csv", ["row", "ssn", "zip"], [["1", "219-09-9901", "10101"]])
    plan = {1: [verdict("failure", reason=told.format("9901"))]}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    ((reason,),) = asked(tmp_path / "l.db", "SELECT reason FROM rows")
    assert told.format("[ssn]") == reason


async def test_t1_crashes_before_the_first_row_and_in_the_recovery_show_no_lead(
    tmp_path: Path,
) -> None:
    """A run that died, a recovery that died, a run that died at its start: nothing is left."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    said = []
    async with fault_server(Answerer(echoes()).script) as server:
        for point in ("answered:2", "recovery.middle:1", "run.start:1"):
            done = await bulkpost(
                *("submit", leads, "--url", server.url + path_of(), "-vv"),
                *("--config", quick_config(tmp_path)),
                cwd=home,
                env={"BULKPOST_FAULT": point},
            )
            assert 137 == done.returncode, (point, done.stderr)
            said += [done.stdout, done.stderr]

    assert [] == leaks(home, *said)


async def test_t1_a_rescue_file_holds_no_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that the ledger could not take are kept without what they repeat."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    commit, commits = TransactionConnection.commit, [0]

    def failing(self: TransactionConnection) -> None:
        commits[0] += 1
        if commits[0] > 6:
            self.work = None
            raise sqlite3.OperationalError("disk I/O error")
        commit(self)

    monkeypatch.setattr(TransactionConnection, "commit", failing)
    async with fault_server(Answerer(echoes()).script) as server:
        order = an_order(server.url, leads, ledger=home / "l.db", engine__concurrency=1)
        with pytest.raises(LedgerWriteError):
            await submitted(order)

    assert (home / "l.db.rescue").stat().st_size
    assert [] == leaks(home)


async def test_t1_a_list_from_a_pipe_is_kept_private_and_only_while_it_is_needed(
    tmp_path: Path,
) -> None:
    """After a crash it is there for its owner; when its rows have ended, it is gone."""
    rows = [[str(row), *canaries(row)] for row in (1, 2, 3)]
    piped = table(tmp_path / "piped.csv", HEADER, rows).read_bytes()
    home = tmp_path / "out"
    home.mkdir()
    async with fault_server(Answerer().script) as server:
        words: list[str | Path] = [
            "submit",
            "-",
            "--url",
            server.url + path_of(),
            "--config",
            quick_config(tmp_path),
        ]
        died = await bulkpost(*words, cwd=home, stdin=piped, env={"BULKPOST_FAULT": "run.end"})
        (spooled,) = (home / "bulkpost.db.spool").iterdir()
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (spooled, spooled.parent)]
        kept = spooled.read_bytes()
        done = await bulkpost(*words, cwd=home, stdin=piped)

    assert (137, 0) == (died.returncode, done.returncode), done.stderr
    assert piped == kept
    assert [0o600, 0o700] == modes
    assert not spooled.exists()
    assert [] == leaks(home, died.stdout, died.stderr, done.stdout, done.stderr)


async def test_t1_a_person_in_a_file_name_is_in_no_note_log_lock_or_ledger(tmp_path: Path) -> None:
    """E-mail address, telephone and social security number are taken out of the list's name."""
    home = tmp_path / "out"
    home.mkdir()
    leads = table(tmp_path / f"{_PERSON}.csv", ["row", "city"], [["1", "Rome"], ["2", "Bonn"]])
    async with fault_server(Answerer().script) as server:
        words: list[str | Path] = [
            leads,
            "--url",
            server.url + path_of(),
            "--config",
            quick_config(tmp_path),
        ]
        log = ["-vv", "--log-format", "json"]
        said = []
        for command in (["submit"], ["check"], ["submit"]):
            done = await bulkpost(*command, *words, *log, cwd=home)
            assert 0 == done.returncode, done.stderr
            said += [done.stdout, done.stderr]
    texts = [*said, *(path.read_bytes() for path in home.rglob("*") if path.is_file())]

    for part in (b"jane.doe", b"512-555", b"219-09"):
        assert [] == [text for text in texts if part in text]


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_t1_a_developers_debug_output_shows_no_lead(log_format: str, tmp_path: Path) -> None:
    """With asyncio in debug mode, which prints the arguments of slow calls, too."""
    debug = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
    stall = {"BULKPOST_FAULT": "answered:3:sleep=0.3"}
    done, _, home = await a_leaky_run(
        tmp_path, "-vv", "--log-format", log_format, env={**debug, **stall}
    )

    assert [] == leaks(home, done.stdout, done.stderr)
    assert b"library_spoke" in done.stderr

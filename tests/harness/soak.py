"""A long list through every fault at once, killed at a third and stopped at two thirds.

The judge is the sandbox's own log; the sender's words count for nothing.
"""

import json
import signal
import sqlite3
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.lists import write_list

from harness.audit import Found, audit
from harness.child import SUBMIT, Child, Ended, run, running
from harness.gauge import Gauge, watching
from harness.judge import Flow, Judge, running_judge

# Every fault of the sandbox that a run outlives. The statuses stand for their kind; 401, 403, 404,
# 405, 406 and 415, and the closed source, would stop the run, for every row would fare alike.
FAULTS = (
    *("200", "202", "302", "400", "408", "413", "422", "429", "500", "502", "503", "504"),
    *("200_after", "500_after", "502_after", "503_after", "504_after"),
    *("hang_before", "hang_after", "reset_before", "reset_after", "close_before", "close_after"),
    *("cut", "cut_late", "garbage", "empty", "odd", "mislabelled", "drip"),
)
SHARE = 0.01
CONCURRENCY = 64
RUNS_MAX = 10
_KEEP = 10_000  # leads and requests that the sandbox remembers; its log remembers all
_WAIT_S_MAX = 6 * 3600.0
# Short waits, so that a hang costs a second and not six minutes; a quarter of the requests meets a
# fault, so the run bears more than it would by default.
_CONFIG = """
[engine]
drain_s = 30.0
[retry]
base_s = 0.5
cap_s = 5.0
[transport]
connect_s = 5.0
read_s = 1.0
total_s = 5.0
[budget]
errors_max = 150
window = 200
"""
_SANDBOX_CONFIG = "drip_interval_s = 0.002\n"


@dataclass(slots=True)
class Stage:
    """One run of the command.

    Attributes:
        name: How it was to end.
        status: How it ended; -9 if it was killed.
        wall_s: From its start to its end.
        leads: Taken by the server meanwhile.
        gauge: Its memory and descriptors, from its first lead on.
        found: What the audit found afterwards.
    """

    name: str
    status: int
    wall_s: float
    leads: int
    gauge: Gauge
    found: Found


@dataclass(slots=True)
class Soak:
    """One list on its way, and what was seen.

    Attributes:
        folder: Holds the list, the ledger, the log and the words of the children.
        rows: Of the list.
        command: What is run; a mutant, to see the judge bite.
        every_s: Between two looks at the processes.
        stages: Runs so far.
        server: The sandbox's memory and descriptors.
        stats: The sandbox's own counts.
        verified: How ``bulkpost verify`` ended.
    """

    folder: Path
    rows: int
    command: Sequence[str] = SUBMIT
    concurrency: int = CONCURRENCY
    every_s: float = 1.0
    stages: list[Stage] = field(default_factory=list)
    server: Gauge = field(default_factory=Gauge)
    stats: dict[str, object] = field(default_factory=dict)
    verified: Ended | None = None

    @property
    def ledger(self) -> Path:
        return self.folder / "leads.db"

    @property
    def leads(self) -> Path:
        return self.folder / "leads.csv"

    @property
    def log(self) -> Path:
        return self.folder / "taken.jsonl"

    @property
    def row_bytes(self) -> float:
        """Bytes of the ledger for each row of the list."""
        return self.ledger.stat().st_size / self.rows

    def run(self) -> None:
        """Send the list: killed once, stopped once, then to the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "bulkpost.toml").write_text(_CONFIG)
        write_list(self.leads, self.rows)
        with self._served() as judge:
            flow = judge.new_flow()
            taken = Counted(self.log)
            self._stage("killed", flow, taken, self.rows // 3)
            self._stage("drained", flow, taken, self.rows * 2 // 3)
            self._stage("finished", flow, taken)
            while self.stages[-1].status == 6 and len(self.stages) < RUNS_MAX:
                self._stage("finished", flow, taken)
            with urllib.request.urlopen(f"{judge.origin}/sandbox/stats") as answer:  # noqa: S310  # loopback
                self.stats = json.load(answer)
        verify = (*SUBMIT[:-1], "verify", "--ledger", str(self.ledger))
        self.verified = run(verify, self.folder, limit_s=_WAIT_S_MAX)

    @contextmanager
    def _served(self) -> Iterator[Judge]:
        config = self.folder / "sandbox.toml"
        config.write_text(_SANDBOX_CONFIG)
        faults = [f"--fault={kind}:{SHARE}" for kind in FAULTS]
        options = ["--faults", str(config), "--keep", str(_KEEP), *faults]
        with (
            running_judge(self.log, options) as judge,
            watching(judge.process.pid, self.every_s) as self.server,
        ):
            yield judge

    def _stage(self, name: str, flow: Flow, taken: "Counted", until: int | None = None) -> None:
        before, began_s = taken.count(), time.monotonic()
        with running(self._argv(flow), self.folder) as child:
            child.until(lambda: taken.count() > before, _WAIT_S_MAX)
            with watching(child.pid, self.every_s) as gauge:
                status = _ended(child, name, taken, until)
        wall_s = time.monotonic() - began_s
        leads = taken.count() - before
        armed_max = self.concurrency if status == -signal.SIGKILL else 0
        found = audit(self.ledger, self.log, self.rows, armed_max)
        self.stages.append(Stage(name, status, wall_s, leads, gauge, found))

    def _argv(self, flow: Flow) -> list[str]:
        return [
            *(*self.command, str(self.leads), "--url", flow.url, "--ledger", str(self.ledger)),
            *("--concurrency", str(self.concurrency), "--quiet", "--yes"),
        ]


def _ended(child: Child, name: str, taken: "Counted", until: int | None) -> int:
    if until is not None:
        child.until(lambda: taken.count() >= until, _WAIT_S_MAX, 0.01)
        child.send(signal.SIGKILL if name == "killed" else signal.SIGTERM)
    return child.wait(_WAIT_S_MAX).status


class Counted:
    """Counts the lines of a growing file, each once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._lines = 0

    def count(self) -> int:
        """Return how many whole lines there are now."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            while chunk := file.read(1 << 20):
                self._read_bytes += len(chunk)
                self._lines += chunk.count(b"\n")
        return self._lines


def bytes_by_table(ledger: Path) -> dict[str, int]:
    """Return what each table takes on disk, its indexes apart, where SQLite can tell."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        try:
            return dict(
                database.execute(
                    "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
                )
            )
        except sqlite3.OperationalError:
            return {}

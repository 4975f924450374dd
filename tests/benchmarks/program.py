"""bulkpost as its users run it, in a child process, looked at from outside."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.gauge import memory_of

_LOOK_EVERY_S = 0.02
_ENDINGS_LEFT_OUT = 0.02  # at either end of a run, where the pool fills and empties


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that has ended.

    Attributes:
        began_s: When it was started, monotonic.
        wall_s: From its start to its end.
        memory_peak_bytes: Its VmHWM, all memory that it ever held at once.
        printed: Its standard output.
    """

    began_s: float
    wall_s: float
    memory_peak_bytes: int
    printed: str


def bulkpost(*arguments: str, cwd: Path, is_watched: bool = False) -> Ended:
    """Run a command to its end; exit statuses 0 and 6 (stopped at its limit) are good.

    Args:
        arguments: What follows ``bulkpost``.
        cwd: Where it runs.
        is_watched: Look at its memory all the while, which costs a little time.
    """
    command = [str(Path(sys.executable).with_name("bulkpost")), *arguments]
    began_s = time.monotonic()
    with subprocess.Popen(  # noqa: S603  # our own command
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        peak_bytes = _watched(child) if is_watched else 0
        printed, complaints = child.communicate()
        wall_s = time.monotonic() - began_s
    assert child.returncode in {0, 6}, (child.returncode, complaints)
    return Ended(began_s, wall_s, peak_bytes, printed)


def submit(path: Path, url: str, ledger: Path, *options: str, is_watched: bool = False) -> Ended:
    """Run ``bulkpost submit`` to its end, with all defaults but the given options."""
    arguments = ("submit", str(path), "--url", url, "--ledger", str(ledger), "-y", "-q", *options)
    return bulkpost(*arguments, cwd=ledger.parent, is_watched=is_watched)


def steady_rows_per_s(ledger: Path) -> float:
    """Return the pace of a first run by its own times, without its start and its end."""
    rows = ask(ledger, "SELECT elapsed_ms FROM outcome WHERE run_id = 1 ORDER BY 1")
    times_ms: list[int] = [elapsed_ms for (elapsed_ms,) in rows]
    margin = round(len(times_ms) * _ENDINGS_LEFT_OUT)
    counted = len(times_ms) - 2 * margin - 1
    return counted * 1000 / (times_ms[-1 - margin] - times_ms[margin])


def ask(ledger: Path, statement: str) -> Sequence[tuple[Any, ...]]:
    """Return what a ledger answers."""
    with closing(sqlite3.connect(ledger)) as database:
        return database.execute(statement).fetchall()


def contender(kind: str, loop: str, path: Path, url: str, concurrency: int) -> float:
    """Run a contender in a child and return its seconds, start-up left out."""
    script = Path(__file__).with_name("contender.py")
    command = [sys.executable, str(script), kind, loop, str(path), url, str(concurrency)]
    ended = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # as above
    return float(json.loads(ended.stdout))


def _watched(child: "subprocess.Popen[str]") -> int:
    peak_bytes = 0
    while child.poll() is None:
        peak_bytes = max(peak_bytes, memory_of(child.pid, "VmHWM"))
        time.sleep(_LOOK_EVERY_S)  # noqa: TID251  # there is no clock to ask outside the product
    return peak_bytes

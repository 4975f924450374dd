"""A command in a process of its own, and how to kill it at a chosen moment."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.judge import plain_env

SUBMIT = (sys.executable, "-m", "bulkpost", "submit")
CHILD_S_MAX = 60.0
FAULT_STATUS = 137  # what a fault point ends its process with


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, and what it said."""

    status: int
    out: str
    err: str


class Child:
    """A running command whose words go to files, appended over all its runs."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out, self._err = out, err
        self._out_from, self._err_from = out.stat().st_size, err.stat().st_size

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def until(
        self, is_so: Callable[[], bool], limit_s: float = CHILD_S_MAX, every_s: float = 0.002
    ) -> bool:
        """Look again and again; return False if the child ended first."""
        end_s = time.monotonic() + limit_s
        while not is_so():
            if self.ended_within(every_s):
                return is_so()
            assert time.monotonic() < end_s, f"it never came: {self.said()[1]}"
        return True

    def ended_within(self, delay_s: float) -> bool:
        """Give the child some more time; return whether it ended."""
        try:
            self.process.wait(delay_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> Ended:
        self.process.kill()
        return self.wait()

    def wait(self, limit_s: float = CHILD_S_MAX) -> Ended:
        try:
            status = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it never ended: {self.said()[1]}") from None
        return Ended(status, *self.said())

    def said(self) -> tuple[str, str]:
        """Return what this run wrote to standard output and standard error so far."""
        return (
            self._out.read_bytes()[self._out_from :].decode(errors="replace"),
            self._err.read_bytes()[self._err_from :].decode(errors="replace"),
        )


@contextmanager
def running(
    command: Sequence[str], folder: Path, *, fault: str = "", env: Sequence[tuple[str, str]] = ()
) -> Iterator[Child]:
    """Run a command in a folder; it is dead when the block ends."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    environment = plain_env() | dict(env)
    if fault:
        environment["BULKPOST_FAULT"] = fault
    with out.open("ab") as out_file, err.open("ab") as err_file:
        process = subprocess.Popen(  # noqa: S603  # our own command
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
            cwd=folder,
            env=environment,
        )
    try:
        yield Child(process, out, err)
    finally:
        process.kill()
        process.wait()


def run(
    command: Sequence[str],
    folder: Path,
    *,
    fault: str = "",
    env: Sequence[tuple[str, str]] = (),
    limit_s: float = CHILD_S_MAX,
) -> Ended:
    """Run a command to its end."""
    with running(command, folder, fault=fault, env=env) as child:
        return child.wait(limit_s)

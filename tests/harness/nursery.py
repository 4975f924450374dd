"""Children that start quickly: a process with everything foreign imported forks for each of them.

What the program itself consists of is imported by the child, as always, so that its environment
counts; what takes most of its start is there already. A child is a process of its own: it dies
alone, at the latest after a minute.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.child import Ended
from harness.judge import plain_env

CHILD_S_MAX = 60
FOREIGN = (
    *("aiohttp", "aiosqlite", "anyio.to_thread", "anyio._backends._asyncio", "click"),
    *("msgspec.toml", "rich.traceback", "structlog", "uvloop", "concurrent.futures.thread"),
)


@dataclass(frozen=True, slots=True)
class Nursery:
    """The process that forks."""

    process: subprocess.Popen[str]

    def run(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
    ) -> Ended:
        """Run ``python -m bulkpost WORDS`` in a folder to its end."""
        assert command[1:3] == ["-m", "bulkpost"], command
        out, err = folder / "stdout.txt", folder / "stderr.txt"
        starts = [path.stat().st_size if path.exists() else 0 for path in (out, err)]
        order = {"words": command[2:], "folder": str(folder), "env": dict(env or {})}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        said = [
            path.read_bytes()[start:].decode(errors="replace")
            for path, start in zip((out, err), starts, strict=True)
        ]
        assert status != -signal.SIGALRM, f"it never ended: {said[1]}"
        return Ended(status, *said)


@contextmanager
def a_nursery() -> Iterator[Nursery]:
    """Keep such a process while a block runs."""
    with subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_env() | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


def _bear(order: Mapping[str, Any]) -> int:
    """Run one command in a fork; return its status as a shell would."""
    pid = os.fork()
    if pid == 0:
        _live(order)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _live(order: Mapping[str, Any]) -> None:
    signal.alarm(CHILD_S_MAX)
    os.chdir(order["folder"])
    os.environ.update(order["env"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in ((0, os.devnull), (1, "stdout.txt"), (2, "stderr.txt")):
        os.dup2(os.open(path, flags if number else os.O_RDONLY, 0o600), number)
    sys.argv = list(order["words"])
    code = 1
    try:
        runpy.run_module("bulkpost", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Fork for each line of standard input."""
    for name in FOREIGN:
        __import__(name)
    for line in sys.stdin:
        sys.stdout.write(f"{_bear(json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

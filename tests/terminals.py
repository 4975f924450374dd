"""Runs the command on a pseudo-terminal, as a person does."""

import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import Process
from submitting import child_env

ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command on a pseudo-terminal, and what it has shown so far."""

    def __init__(self, master: int) -> None:
        self.master = master
        self.shown = b""

    @property
    def text(self) -> str:
        """What was shown, without the codes that move the cursor."""
        return ANSI.sub(b"", self.shown).decode("utf-8", "replace")

    async def until(self, *words: str) -> None:
        """Read until all of these were shown."""
        with anyio.fail_after(30):
            while not all(word in self.text for word in words):
                self.shown += await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)

    async def rest(self) -> None:
        """Read until the command has ended."""
        with anyio.fail_after(30):
            while chunk := await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True):
                self.shown += chunk

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65_536)
        except OSError:  # Linux: the other end is closed
            return b""

    def type(self, text: str) -> None:
        """Answer as a person would."""
        os.write(self.master, text.encode())


async def asleep(child: Process) -> None:
    """Return once a command that asked has gone to sleep over it.

    Python hears of a signal that comes between the question and the waiting for its answer only
    with the answer.
    """
    stat = anyio.Path(f"/proc/{child.pid}/stat")
    with anyio.fail_after(30):
        while (await stat.read_text()).rpartition(")")[2].split()[0] != "S":  # noqa: ASYNC110  # the kernel tells of it only when asked
            await anyio.sleep(0.01)


@asynccontextmanager
async def a_terminal(words: list[str], cwd: Path) -> AsyncIterator[tuple[Terminal, Process]]:
    """Run the command on a terminal of its own."""
    master, slave = pty.openpty()
    env = {**child_env(), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    try:
        async with await anyio.open_process(
            [sys.executable, "-m", "bulkpost", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=env,
        ) as child:
            os.close(slave)
            try:
                yield Terminal(master), child
            except BaseException:
                child.kill()  # it would wait for an answer for ever
                raise
    finally:
        os.close(master)

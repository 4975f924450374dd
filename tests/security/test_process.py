"""A crash leaves no copy of the memory behind, and nobody looks into it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from canaries import a_canary_list, leaks
from faultserver import fault_server
from submitting import Answerer, child_env, path_of, quick_config

_SEALED = """
import ctypes, os, resource
from bulkpost.process import seal
seal()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
print(oct(os.umask(0)))
"""


# Core files are welcome, as far as this shell may say so.
_WELCOMING = ("/bin/sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$@"', "sh")


def cores_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith("core")]


def test_t5_a_sealed_process_cannot_be_dumped_or_looked_into() -> None:
    """The kernel's own answers: not dumpable, no core file, no file for others."""
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", _SEALED], capture_output=True, text=True, check=True, env=child_env()
    )

    assert ["0 (0, 0)", "0o77"] == done.stdout.splitlines()


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
async def test_t5_a_run_that_crashes_leaves_no_core_file_and_no_lead(
    number: signal.Signals, tmp_path: Path
) -> None:
    """With leads in memory and requests under way, whatever limit the shell has set."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    arrived = anyio.Event()
    answerer = Answerer(on_request=lambda _seen: arrived.set())
    async with fault_server(answerer.script) as server:
        words = ["submit", leads, "--url", server.url + path_of()]
        with (tmp_path / "said").open("wb") as said:
            process = await anyio.open_process(
                [*_WELCOMING, sys.executable, "-m", "bulkpost", *map(str, words),
                 "--config", str(quick_config(tmp_path))],
                cwd=home,
                env=child_env({"BULKPOST_FAULT": "answered:1:sleep=30"}),
                stdout=said,
                stderr=said,
            )  # fmt: skip
            with anyio.fail_after(60):
                await arrived.wait()
                limits = await anyio.Path(f"/proc/{process.pid}/limits").read_text()
                os.kill(process.pid, number)
                await process.wait()

    assert -number == process.returncode
    assert ["0", "0"] == next(
        line.split()[-3:-1] for line in limits.splitlines() if line.startswith("Max core file size")
    )
    assert [] == cores_in(home)
    told = (tmp_path / "said").read_bytes()
    assert b"Fatal Python error" in told
    assert [] == leaks(home, told)

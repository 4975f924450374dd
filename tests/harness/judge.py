"""A sandbox process, and the log of the leads that it took: the judge."""

import itertools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE_ID = "5" * 24
PLAIN = ("-m", "bulkpost")
MOODY = (str(Path(__file__).with_name("moody.py")),)  # takes other faults while it runs
_flows = itertools.count(0xF10000)

Lead = Mapping[str, Any]


@dataclass(slots=True)
class Flow:
    """One flow of the judge: what one test sends, apart from all others."""

    url: str
    flow_id: str
    log: Path
    named_by: tuple[str, ...] = ("reference",)  # the fields that tell its leads apart
    _read_bytes: int = 0
    _leads: list[Lead] = field(default_factory=list)

    def leads(self) -> list[Lead]:
        """Return what this flow took so far, oldest first; the log is read on from last time."""
        with self.log.open("rb") as file:
            file.seek(self._read_bytes)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                self._read_bytes += len(raw)
                if self.flow_id.encode() in raw:
                    self._leads.append(json.loads(raw))
        return self._leads

    def ids(self) -> dict[str, list[str]]:
        """Return the lead ids taken, by the lead's name."""
        found: dict[str, list[str]] = {}
        for lead in self.leads():
            found.setdefault(self.name_of(lead), []).append(lead["id"])
        return found

    def name_of(self, lead: Lead) -> str:
        """Return by what a lead is told apart: its reference, unless the flow says otherwise."""
        return " ".join(lead["fields"][name] for name in self.named_by)


@dataclass(frozen=True, slots=True)
class Judge:
    """A running sandbox."""

    origin: str
    log: Path
    process: subprocess.Popen[str]

    def misbehave(self, *faults: str) -> None:
        """From now on commit these faults, and no others; a ``MOODY`` sandbox can be told so."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(" ".join(faults) + "\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline()
        assert told == f"{len(faults)} faults\n", told

    def settle(self) -> None:
        """Return when all that was sent by the dead has been read: the judge knows of it."""
        for _ in range(2):
            with urllib.request.urlopen(f"{self.origin}/sandbox/stats") as reply:  # noqa: S310  # loopback
                reply.read()

    def new_flow(self) -> Flow:
        flow_id = f"{next(_flows):024x}"
        url = f"{self.origin}/flows/{flow_id}/sources/{SOURCE_ID}/submit"
        return Flow(url, flow_id, self.log, _read_bytes=self.log.stat().st_size)


@contextmanager
def running_judge(
    log: Path, options: Sequence[str] = (), port: int = 0, program: Sequence[str] = PLAIN
) -> Iterator[Judge]:
    """Run ``bulkpost sandbox``; same leads are told apart by the ledger, not by the sandbox."""
    command = [
        *(sys.executable, *program, "sandbox", "--port", str(port), "--json"),
        *("--log", str(log), "--no-duplicates", "--seed", "20", *options),
    ]
    with subprocess.Popen(  # noqa: S603  # our own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=plain_env(),
    ) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield Judge(url.partition("/flows/")[0], log, process)
        finally:
            process.kill()


def plain_env() -> dict[str, str]:
    """Return the environment without settings of ours."""
    return {name: text for name, text in os.environ.items() if not name.startswith("BULKPOST_")}

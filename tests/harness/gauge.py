"""What a process holds, read from outside: memory and file descriptors."""

import os
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process."""

    memory_bytes: int
    descriptors: int


@dataclass(slots=True)
class Gauge:
    """Samples of one process, oldest first.

    Attributes:
        samples: All looks that found it alive.
        memory_peak_bytes: All memory that it ever held at once, before the first look too.
        cpu_s: Processor time that it had used up at the last look.
    """

    samples: list[Sample] = field(default_factory=list)
    memory_peak_bytes: int = 0
    cpu_s: float = 0.0

    @property
    def descriptors_max(self) -> int:
        return max((sample.descriptors for sample in self.samples), default=0)

    def tenths(self, name: str) -> tuple[float, float]:
        """Return the median of an attribute over the first and over the last tenth of the looks."""
        values: Sequence[int] = [getattr(sample, name) for sample in self.samples]
        tenth = max(1, len(values) // 10)
        if not values:
            return 0.0, 0.0
        return statistics.median(values[:tenth]), statistics.median(values[-tenth:])

    def look(self, pid: int) -> None:
        """Take one sample, if the process is there."""
        memory_bytes = memory_of(pid, "VmRSS")
        if memory_bytes:
            self.samples.append(Sample(memory_bytes, descriptors_of(pid)))
            self.memory_peak_bytes = max(self.memory_peak_bytes, memory_of(pid, "VmHWM"))
            self.cpu_s = max(self.cpu_s, cpu_s_of(pid))


@contextmanager
def watching(pid: int, every_s: float) -> Iterator[Gauge]:
    """Look at a process again and again while a block runs, and once at either end of it."""
    gauge = Gauge()
    over = threading.Event()

    def watch() -> None:
        gauge.look(pid)
        while not over.wait(every_s):
            gauge.look(pid)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield gauge
    finally:
        over.set()
        thread.join()


def memory_of(pid: int, name: str) -> int:
    """Return ``VmRSS`` or ``VmHWM`` of a process in bytes; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else 0


def cpu_s_of(pid: int) -> float:
    """Return the processor time of a process, its own and the kernel's for it; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def descriptors_of(pid: int) -> int:
    """Return how many files, sockets and pipes a process holds; 0 if it is gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0

"""Crash, resume, crash again, until done; after each death the judge is asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from harness import rules
from harness.child import FAULT_STATUS, SUBMIT, Child, Ended, run, running
from harness.judge import Flow
from harness.lists import Line, lines, write_list
from harness.nursery import Nursery
from harness.snapshot import Place, Snapshot, snapshot

CONCURRENCY = 8
RUNS_MAX = 60
CONFIG = """
[engine]
drain_s = 20.0
[retry]
base_s = 0.01
unsent_base_s = 0.01
attempts_max = 20
unsent_attempts_max = 50
[breaker]
base_s = 0.02
cap_s = 0.1
failures_max = 100
[transport]
read_s = 5.0
"""


@dataclass(slots=True)
class Campaign:
    """One list on its way into one flow, through any number of runs.

    Attributes:
        folder: Holds the ledger, the config, the lists, and all that the children said.
        flow: Where the leads go.
        command: What is run; the list's path is added.
        places: Where each lead's row stands.
        nursery: Where children come from that need not be watched; each on its own if None.
        is_judged: The command keeps a ledger of ours, which can be looked into.
        wrong: What the judge found so far.
        runs: Children so far.
        kills: Of these, how many died.
    """

    folder: Path
    flow: Flow
    command: Sequence[str] = SUBMIT
    options: Sequence[str] = ()
    concurrency: int = CONCURRENCY
    places: dict[str, Place] = field(default_factory=dict)
    inputs: list[Path] = field(default_factory=list)
    nursery: Nursery | None = None
    is_judged: bool = True
    wrong: list[str] = field(default_factory=list)
    runs: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "bulkpost.toml").write_text(CONFIG)

    @property
    def ledger(self) -> Path:
        return self.folder / "leads.db"

    @property
    def holders(self) -> rules.Places:
        """The places, as the rules want them."""
        return {reference: [place] for reference, place in self.places.items()}

    def a_list(self, rows: int | Sequence[Line], name: str = "leads.csv") -> Path:
        """Write a list and note where its rows stand; its input is the next new one."""
        content = lines(1, rows) if isinstance(rows, int) else rows
        path = write_list(self.folder / name, content)
        self.note(path, content, input_id=len(self.inputs) + 1)
        return path

    def note(self, path: Path, content: Sequence[Line], input_id: int) -> None:
        """Note where the rows of a list stand, as far as their leads are not known already."""
        if path not in self.inputs:
            self.inputs.append(path)
        for number, line in enumerate(content, start=1):
            self.places.setdefault(line.reference, (input_id, number))

    def argv(self, *paths: Path) -> list[str]:
        return [
            *(*self.command, *(str(path) for path in paths or self.inputs), "--url", self.flow.url),
            *("--ledger", str(self.ledger), "--concurrency", str(self.concurrency), *self.options),
        ]

    def snapshot(self) -> Snapshot:
        return snapshot(self.ledger)

    def run(self, *paths: Path, fault: str = "", env: Mapping[str, str] | None = None) -> Ended:
        """Run the command to its end, however it ends, and ask the judge."""
        self.runs += 1
        if self.nursery is not None and not env:
            faults = {"BULKPOST_FAULT": fault} if fault else {}
            ended = self.nursery.run(self.argv(*paths), self.folder, faults)
        else:
            ended = run(self.argv(*paths), self.folder, fault=fault, env=list((env or {}).items()))
        if ended.status == FAULT_STATUS:
            self.kills += 1
            self.ask()
        return ended

    @contextmanager
    def start(
        self, *paths: Path, fault: str = "", env: Mapping[str, str] | None = None
    ) -> Iterator[Child]:
        """Run the command while a block looks on; it is dead when the block ends."""
        self.runs += 1
        given = list((env or {}).items())
        with running(self.argv(*paths), self.folder, fault=fault, env=given) as child:
            yield child

    def kill_when(self, is_time: Callable[[], bool], delay_s: float = 0.0) -> Ended:
        """Run the command and kill it at a moment, unless it ends before; ask the judge."""
        with self.start() as child:
            if child.until(is_time) and not child.ended_within(delay_s):
                self.kills += 1
            ended = child.kill()
        self.ask()
        return ended

    def kill_after_leads(self, more: int, delay_s: float = 0.0) -> Ended:
        """Kill the next run once the server has taken so many leads more."""
        wanted = len(self.flow.leads()) + more
        return self.kill_when(lambda: len(self.flow.leads()) >= wanted, delay_s)

    def kill_at_random(self, random: Random, rows: int) -> Ended:
        """Kill the next run after a random number of leads, or at a random moment of its start."""
        if random.random() < 0.2:
            return self.kill_when(lambda: True, delay_s=random.random() * 0.5)
        return self.kill_after_leads(random.randint(1, max(1, rows // 8)), random.random() * 0.008)

    def until_done(self) -> Ended:
        """Run until nothing is left to do, and ask the judge the last questions."""
        ended = self.run()
        while ended.status == 6 and self.runs < RUNS_MAX:
            ended = self.run()
        self.wrong += rules.at_the_end(self.snapshot(), self.flow, self.holders)
        self.wrong += rules.leaks(self.folder, self.inputs, self.flow)
        return ended

    def ask(self) -> None:
        """Ask the judge about a run that has just died, if he knows this recorder's ledger."""
        if not self.is_judged:
            return
        found = self.snapshot()
        self.wrong += rules.after_crash(found, self.flow, self.holders, self.concurrency)

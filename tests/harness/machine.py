"""A machine that does with bulkpost whatever comes to its mind, and knows what must then be true.

Runs, kills, signals, power loss, copies put back, decisions, lists that grow, move and change, a
server that misbehaves: in any order. ``harness.model`` says what may have become of each lead.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bulkpost.faultpoint import NAMES
from bulkpost.ledger.states import State
from harness.desk import Desk, WrongError, command
from harness.judge import Judge
from harness.lists import Line
from harness.nursery import Nursery

PROGRAM = (sys.executable, "-m", "bulkpost")
LISTS_MAX = 5
ROWS_MAX = 60
ADDED = 10  # rows, where a run would have nothing to do
COPIES_MAX = 4
CHANGES_MAX = 2  # of the lists, between two runs
WEATHERS = (
    (),
    ("503:0.4",),
    ("502_after:0.3",),
    ("504:0.3", "504_after:0.1"),
    ("500:0.2", "500_after:0.1"),
    ("reset_after:0.15", "close_before:0.1"),
    ("cut:0.2", "garbage:0.1", "empty:0.1"),
    ("503:burst=9,after=3",),
)
_any = st.integers(0, 99)
_workers = st.integers(1, 8)
_weather = st.sampled_from(WEATHERS)


class Machine(RuleBasedStateMachine):
    """One ledger and all that may happen to it.

    Attributes:
        judge: The sandbox of all examples.
        program: What is run.
        nursery: Where children come from that need not be watched.
        has_ledger: The program keeps a ledger of ours; else only the server is looked at.
        counts: Examples, steps, runs, kills, findings, breakdowns and seconds so far.
        found: What was wrong; told again where hypothesis repeats the steps, for no repetition of a
            kill is like the first.
    """

    judge: ClassVar[Judge]
    program: ClassVar[Sequence[str]] = PROGRAM
    nursery: ClassVar[Nursery | None] = None
    has_ledger: ClassVar[bool] = True
    counts: ClassVar[Counter[str]] = Counter()
    found: ClassVar[list[BaseException]] = []

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="bulkpost-machine-"))
        self.said: list[str] = []
        self.is_wrong = False
        self.changes = 0
        self.began_s = time.monotonic()
        self.counts["examples"] += 1

    @initialize(rows=st.integers(8, 30), is_keyed=st.booleans(), concurrency=_workers)
    def begin(self, rows: int, is_keyed: bool, concurrency: int) -> None:  # noqa: FBT001  # drawn
        """A list, and nothing was sent."""
        if self.found:
            raise self.found[0]
        is_keyed = is_keyed or not self.has_ledger
        self.desk = Desk.open(
            self.folder / "desk",
            self.judge,
            self.program,
            is_keyed=is_keyed,
            has_ledger=self.has_ledger,
            nursery=self.nursery if self.program == PROGRAM else None,
        )
        self.desk.campaign.concurrency = concurrency
        with self.step(f"begin({rows} rows, keyed {is_keyed}, concurrency {concurrency})"):
            self.desk.put(self.desk.new_name(), self.desk.new_lines(rows))

    # Runs.

    @rule(which=_any, weather=_weather, limit=st.sampled_from([0, 0, 0, 4]), workers=_workers)
    def run(self, which: int, weather: tuple[str, ...], limit: int, workers: int) -> None:
        """Submit one list, or all of them; from now on with so many workers."""
        names, limit = self.some(which), limit if self.has_ledger else 0
        with self.step(f"run({names}, {weather}, limit {limit}, concurrency {workers})", weather):
            self.desk.campaign.concurrency = workers
            self.desk.run(names, limit=limit)

    @rule(which=_any, leads=st.integers(1, 20), weather=_weather)
    def kill(self, which: int, leads: int, weather: tuple[str, ...]) -> None:
        """SIGKILL after so many leads."""
        names = self.some(which, with_work=True)
        with self.step(f"kill({names}, {leads} leads, {weather})", weather):
            self.desk.kill(names, leads, 0)

    @rule(which=_any, delay_s=st.floats(0.2, 0.9))
    def kill_early(self, which: int, delay_s: float) -> None:
        """SIGKILL at some moment of the start."""
        names = self.some(which)
        with self.step(f"kill_early({names}, {delay_s:.2f} s)", ()):
            self.desk.kill(names, 0, delay_s)

    @precondition(lambda self: self.has_ledger)
    @rule(which=_any, point=st.sampled_from(NAMES), nth=st.integers(1, 12), weather=_weather)
    def die(self, which: int, point: str, nth: int, weather: tuple[str, ...]) -> None:
        """Die at the n-th pass of a named point of the code."""
        names = self.some(which, with_work=True)
        with self.step(f"die({names}, {point}:{nth}, {weather})", weather):
            self.desk.run(names, fault=f"{point}:{nth}")

    @precondition(lambda self: self.has_ledger)
    @rule(
        which=_any, leads=st.integers(1, 12), number=st.sampled_from([2, 15]), twice=st.booleans()
    )
    def stop(self, which: int, leads: int, number: int, twice: bool) -> None:  # noqa: FBT001  # drawn
        """SIGINT or SIGTERM, once to drain, twice to abort while some answers never come."""
        names, sent = self.some(which, with_work=True), signal.Signals(number)
        weather = ("hang_after:0.2",) if twice else ()
        with self.step(f"stop({names}, {leads} leads, {sent.name}, twice {twice})", weather):
            self.desk.stop(names, leads, sent, 2 if twice else 1)

    # Lists.

    @precondition(lambda self: self.changes < CHANGES_MAX)
    @rule(kind=st.sampled_from(["append", "re_sort", "edit", "rename", "split", "copy"]), at=_any)
    def change(self, kind: str, at: int) -> None:
        """A list grows, is re-sorted, edited, renamed, split, or copied in part."""
        name, lines = self.one(at)
        with self.step(f"{kind}({name}, {at})"):
            self.changes += 1
            getattr(self, f"_{kind}")(name, lines, at % len(lines))

    def _append(self, name: str, lines: list[Line], at: int) -> None:
        if len(lines) < ROWS_MAX:  # some of what is added stands there already
            self.desk.put(name, [*lines, *self.desk.new_lines(1 + at % 6), *lines[: at % 3]])

    def _re_sort(self, name: str, lines: list[Line], at: int) -> None:
        self.desk.put(name, [*reversed(lines[at:]), *lines[:at]])

    def _edit(self, name: str, lines: list[Line], at: int) -> None:
        edited = Line(lines[at].number, f"{lines[at].note}v{len(self.said)}")
        self.desk.put(name, [*lines[:at], edited, *lines[at + 1 :]])

    def _rename(self, name: str, lines: list[Line], _at: int) -> None:
        self.desk.put(self.desk.new_name(), lines)
        self.desk.drop(name)

    def _split(self, name: str, lines: list[Line], at: int) -> None:
        if at and len(self.desk.lists) < LISTS_MAX:
            self.desk.put(self.desk.new_name(), lines[:at])
            self.desk.put(self.desk.new_name(), lines[at:])
            self.desk.drop(name)

    def _copy(self, _name: str, lines: list[Line], at: int) -> None:
        if len(self.desk.lists) < LISTS_MAX:
            self.desk.put(self.desk.new_name(), lines[: len(lines) - at])

    # Power loss and copies.

    @precondition(lambda self: self.has_ledger and self.desk.has_log)
    @rule(garbage=st.sampled_from([b"", b"\xaa" * 5_000, b"\0" * 4_120]))
    def tear(self, garbage: bytes) -> None:
        """Power loss on an honest disk: what stood behind the last commit is gone or torn."""
        with self.step(f"tear({len(garbage)} bytes)"):
            self.desk.tear(garbage)

    @precondition(lambda self: self.has_ledger and self.desk.has_log)
    @rule(count=st.integers(1, 9), is_accepted=st.booleans())
    def lose_commits(self, count: int, is_accepted: bool) -> None:  # noqa: FBT001  # drawn
        """Power loss on a disk that lied."""
        with self.step(f"lose_commits({count}, accepted {is_accepted})"):
            self.desk.lose_commits(count, is_accepted=is_accepted)

    @precondition(lambda self: self.has_ledger and self.desk.is_worth_a_copy(COPIES_MAX))
    @rule()
    def copy_ledger(self) -> None:
        """Somebody makes a copy."""
        with self.step("copy_ledger()"):
            self.desk.copy_ledger()

    @precondition(lambda self: self.has_ledger and self.desk.campaign.ledger.exists())
    @rule(nth=_any, is_accepted=st.booleans())
    def put_back(self, nth: int, is_accepted: bool) -> None:  # noqa: FBT001  # drawn
        """Somebody puts an older copy back, or deletes the ledger."""
        with self.step(f"put_back({nth % len(self.desk.copies)}, accepted {is_accepted})"):
            self.desk.put_back(nth, is_accepted=is_accepted)

    # Decisions.

    @precondition(lambda self: self.has_ledger and self.standing(State.IN_DOUBT, State.ARMED))
    @rule(which=_any)
    def resolve(self, which: int) -> None:
        """A doubt is decided as LeadConduit's records tell it."""
        place = self.pick(which, State.IN_DOUBT, State.ARMED)
        with self.step(f"resolve({place})"):
            self.desk.resolve(place)

    @precondition(lambda self: self.has_ledger and self.standing(State.IN_DOUBT, State.ARMED))
    @rule(which=_any)
    def resend(self, which: int) -> None:
        """A doubt is sent again, whatever became of it."""
        place = self.pick(which, State.IN_DOUBT, State.ARMED)
        with self.step(f"resend({place})"):
            self.desk.resend(place)

    @precondition(lambda self: self.has_ledger and self.retriable())
    @rule(which=_any, weather=_weather)
    def retry(self, which: int, weather: tuple[str, ...]) -> None:
        """The http errors, failures or errors of the latest input are sent again."""
        kinds = self.retriable()
        with self.step(f"retry({kinds[which % len(kinds)].name}, {weather})", weather):
            self.desk.retry(kinds[which % len(kinds)])

    @precondition(lambda self: self.has_ledger and self.desk.campaign.ledger.exists())
    @rule()
    def prune(self) -> None:
        """All that is done with is pruned, which changes nothing that counts."""
        with self.step("prune()"):
            self.desk.prune()

    @precondition(lambda self: self.has_ledger and self.desk.campaign.ledger.exists())
    @rule()
    def verify(self) -> None:
        """The ledger is sound, whatever has just happened."""
        with self.step("verify()"):
            ended = command("verify", "--ledger", str(self.desk.campaign.ledger))
            if ended.status:
                raise WrongError(ended.out)

    def teardown(self) -> None:
        """Run until done, decide every doubt, and account for every row."""
        try:
            if hasattr(self, "desk") and not self.is_wrong:
                with self.step("finish()"):
                    if self.has_ledger:
                        self.desk.finish()
        finally:
            if hasattr(self, "desk"):
                self.counts["runs"] += self.desk.campaign.runs
                self.counts["kills"] += self.desk.campaign.kills
            self.counts["seconds"] += round(time.monotonic() - self.began_s)
            if not self.is_wrong:
                shutil.rmtree(self.folder)

    @contextmanager
    def step(self, text: str, weather: Sequence[str] | None = None) -> Iterator[None]:
        """Do a step, a run if there is a weather; a failure tells all steps up to it."""
        if weather is not None:
            self.desk.faults, self.changes = weather, 0
        self.counts["steps"] += 1
        self.said.append(text)
        try:
            yield
        except BaseException as error:
            self.is_wrong = True
            self.found.append(error)
            # Else the machine under the machine had no time left for a child, or it is a mistake.
            self.counts["findings" if isinstance(error, WrongError) else "breakdowns"] += 1
            told = "\n".join(f"  {number}. {said}" for number, said in enumerate(self.said, 1))
            error.add_note(f"after these steps, in {self.folder}:\n{told}")
            raise

    def some(self, which: int, *, with_work: bool = False) -> list[str]:
        """Return one list's name, or all; where nothing is left to send, rows are added."""
        names = sorted(self.desk.lists)
        chosen = [[name] for name in names] if self.has_ledger else [[names[which % len(names)]]]
        chosen = [*chosen, names] if self.has_ledger else chosen
        found = chosen[which % len(chosen)]
        if with_work and self.desk.is_done(found):
            with self.step(f"add({found[0]}, {ADDED} rows)"):
                self.desk.put(found[0], [*self.desk.lists[found[0]], *self.desk.new_lines(ADDED)])
        return found

    def one(self, which: int) -> tuple[str, list[Line]]:
        names = sorted(self.desk.lists)
        name = names[which % len(names)]
        return name, self.desk.lists[name]

    def standing(self, *states: State) -> list[Any]:
        return self.desk.model.standing(*states)

    def pick(self, which: int, *states: State) -> Any:
        places = self.standing(*states)
        return places[which % len(places)]

    def retriable(self) -> list[State]:
        """Return what ``retry`` could find in the latest run's input."""
        latest = self.desk.model.latest_input
        kinds = (State.HTTP_ERROR, State.FAILURE, State.ERROR)
        return [kind for kind in kinds if any(place[0] == latest for place in self.standing(kind))]

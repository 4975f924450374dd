"""An operator's desk: lists, runs, copies of the ledger and decisions; after each step, the model.

Every method that ends in a look at the ledger raises ``WrongError`` with all that the model found.
"""

import io
import shutil
import signal
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bulkpost.cli.main import main
from bulkpost.clock import SystemClock
from bulkpost.ledger.states import State
from harness import rules
from harness.campaign import CONFIG, Campaign
from harness.child import FAULT_STATUS, Ended
from harness.judge import Judge, Lead
from harness.lists import Line, write_list
from harness.model import Model, Ran
from harness.nursery import Nursery
from harness.snapshot import Place, snapshot
from harness.wal import Wal

# What some leads are answered; the sandbox does not count it as a part of the lead.
_VERDICTS: Final = {3: "failure:no buyer", 5: "error:unreadable"}
_VERDICT_EVERY: Final = 8
_CONFIG: Final = (
    CONFIG.replace("\nattempts_max = 20", "\nattempts_max = 3")
    .replace("failures_max = 100", "failures_max = 8")
    .replace("read_s = 5.0", "read_s = 3.0")
    + "[budget]\nerrors_max = 100000\nsuspects_max = 100000\n"
)
# A log of so many frames may be in the database already: cutting it would be no older ledger.
_FRAMES_MAX: Final = 900
_ROUNDS_MAX: Final = 8
_SIGNALLED: Final = {signal.SIGINT: {130, -signal.SIGINT}, signal.SIGTERM: {143, -signal.SIGTERM}}


class WrongError(AssertionError):
    """What the model, the rules or an exit status say against a step."""


@dataclass(slots=True)
class Desk:
    """One ledger, its lists, and whoever works with them.

    Attributes:
        judge: A moody sandbox; every desk has a flow of its own.
        campaign: The runs.
        model: What must be true.
        lists: The files as they are now, by name.
        program: What is run; the command follows.
        copies: Folders with older copies of the ledger; the first is of none at all.
        has_ledger: The program keeps a ledger of ours.
        faults: What the sandbox does in the next run.
    """

    judge: Judge
    campaign: Campaign
    model: Model
    program: Sequence[str]
    has_ledger: bool = True
    lists: dict[str, list[Line]] = field(default_factory=dict)
    copies: list[Path] = field(default_factory=list)
    faults: Sequence[str] = ()
    last_number: int = 0
    names: int = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        judge: Judge,
        program: Sequence[str],
        *,
        is_keyed: bool,
        has_ledger: bool = True,
        nursery: Nursery | None = None,
    ) -> "Desk":
        folder.mkdir()
        flow = judge.new_flow()
        flow.named_by = ("reference",) if is_keyed else ("reference", "note")
        # The desk asks the model instead of the campaign its judge.
        command = (*program, "submit") if has_ledger else program
        campaign = Campaign(folder / "work", flow, command, nursery=nursery, is_judged=False)
        (campaign.folder / "bulkpost.toml").write_text(_CONFIG)
        none = folder / "copy-0"
        none.mkdir()
        model = Model(is_keyed=is_keyed)
        return cls(judge, campaign, model, program, has_ledger, copies=[none])

    # Lists.

    def new_lines(self, count: int) -> list[Line]:
        self.last_number += count
        return [Line(self.last_number - count + nth) for nth in range(1, count + 1)]

    def new_name(self) -> str:
        self.names += 1
        return f"list-{self.names}.csv"

    def put(self, name: str, lines: Sequence[Line]) -> Path:
        """Write a list."""
        self.lists[name] = list(lines)
        return write_list(
            self.campaign.folder / name, lines, extra=[("sandbox_outcome", _verdict_of)]
        )

    def drop(self, name: str) -> None:
        del self.lists[name]
        (self.campaign.folder / name).unlink()

    def is_done(self, names: Sequence[str]) -> bool:
        """Whether every lead of these lists has had its turn."""
        return all(self.model.is_held(line) for name in names for line in self.lists[name])

    # Runs.

    def run(
        self, names: Sequence[str], *, limit: int = 0, fault: str = "", more: Sequence[str] = ()
    ) -> Ended:
        """Submit lists to the end, or to a limit, or to death at a fault point."""
        over = self._aim(names, more=[*more, *(["--limit", str(limit)] if limit else [])])
        ended = self.campaign.run(fault=fault)
        if ended.status == FAULT_STATUS:
            self.look(Ran.DIED, over)
            return ended
        self.look(Ran.STOPPED if limit else Ran.TO_THE_END, over)
        if not limit or len(names) == 1:
            self._check_status(ended, over)
        return ended

    def kill(self, names: Sequence[str], leads: int, start_delay_s: float) -> None:
        """Kill a run after so many leads more, or, with none, that long after its start."""
        over = self._aim(names)
        if leads:
            ended = self.campaign.kill_after_leads(leads)
        else:
            ended = self.campaign.kill_when(lambda: True, delay_s=start_delay_s)
        self.look(Ran.TO_THE_END if ended.status >= 0 else Ran.DIED, over)

    def stop(self, names: Sequence[str], leads: int, number: signal.Signals, times: int) -> None:
        """Send a run a signal once or twice, after so many leads more."""
        over = self._aim(names)
        wanted = len(self.campaign.flow.leads()) + leads
        with self.campaign.start() as child:
            if child.until(lambda: len(self.campaign.flow.leads()) >= wanted):
                for _ in range(times):
                    child.send(number)
                    child.until(lambda: "SIG" in child.said()[1])
            ended = child.wait()
        if ended.status in _SIGNALLED[number]:
            self.look(Ran.STOPPED if ended.status > 0 else Ran.DIED, over)
            return
        self.look(Ran.TO_THE_END, over)
        self._check_status(ended, over)

    def retry(self, kind: State) -> None:
        """``retry``: the rows of the latest run's input that ended so are sent again."""
        found = self.campaign.snapshot()
        assert found.latest_input is not None
        digest = found.digests[found.latest_input]
        name = self.new_name()
        self.put(name, self.model.contents[digest])
        self.model.recover()
        for place in self.model.standing(kind):
            if place[0] == found.latest_input:
                self.model.release(place)
        submit = self.campaign.command
        words = ("retry", "--outcome", kind.name.lower(), "--input")
        self.campaign.command = (*self.program, *words)
        try:
            self.run([name])
        finally:
            self.campaign.command = submit
            self.drop(name)

    # Power loss and copies.

    @property
    def has_log(self) -> bool:
        """Whether a dead run has left a write-ahead log."""
        return self._log() is not None

    def is_worth_a_copy(self, copies_max: int) -> bool:
        """Whether the ledger is another one than its latest copy."""
        if len(self.copies) >= copies_max or not self.campaign.ledger.exists():
            return False
        copy = self.copies[-1] / self.campaign.ledger.name
        return snapshot(copy).commits < self._witnessed()

    def tear(self, garbage: bytes) -> None:
        """Lose what stands behind the last commit of the log."""
        wal = self._log()
        assert wal is not None
        wal.cut(wal.commits[-1], garbage)
        self.look()

    def lose_commits(self, count: int, *, is_accepted: bool) -> None:
        """Lose whole commits from the log's end, as many as there are at most."""
        wal = self._log()
        assert wal is not None
        if len(wal.commits) < 2 or wal.end > _FRAMES_MAX * wal.frame_bytes:
            return
        newest = self._copied("newest")
        wal.cut(wal.commits[max(0, len(wal.commits) - 1 - count)])
        self._use_older(newest, is_accepted=is_accepted)

    def copy_ledger(self) -> None:
        """Keep a copy of the ledger, as it lies."""
        self.copies.append(self._copied(f"copy-{len(self.copies)}"))

    def put_back(self, nth: int, *, is_accepted: bool) -> None:
        """Put a copy in the place of the ledger; the newest is put back if it is refused."""
        newest = self._copied("newest")
        self._replace_by(self.copies[nth % len(self.copies)])
        self._use_older(newest, is_accepted=is_accepted)

    # Decisions.

    def prune(self) -> None:
        """Let go of the details of every list that is done with."""
        self.model.recover()
        now_at = SystemClock().now_at().isoformat()
        ended = command("prune", "--before", now_at, "-y", "--ledger", str(self.campaign.ledger))
        if ended.status:
            self._raise([f"prune: exit {ended.status}: {ended.err}"])
        self.look()

    def resolve(self, place: Place) -> None:
        """Decide a doubt as LeadConduit's records tell it."""
        name = self.model.name_at(place)
        taken = [lead for lead in self._taken() if self.campaign.flow.name_of(lead) == name]
        self.model.recover()
        if taken:
            outcome, lead_id = taken[-1]["outcome"], taken[-1]["id"]
            self.model.decide(place, State[outcome.upper()], lead_id)
            verdict = ["--as", outcome, "--lead-id", lead_id]
        else:
            self.model.decide(place, State.DEFERRED)
            verdict = ["--as", "not-received"]
        self._decide("resolve", _shown(place), *verdict)

    def resend(self, place: Place) -> None:
        """Send a doubt again, whatever became of it."""
        self.model.release(place)
        self._decide("resend", _shown(place), "--now", "-y")

    # The end.

    def finish(self) -> None:
        """Submit every list there ever was until nothing is left, decide all, and count."""
        self._submit_all()
        for place in self.model.standing(State.IN_DOUBT, State.ARMED):
            self.resolve(place)
        self._submit_all()
        found = self.campaign.snapshot()
        wrong = rules.unaccounted(found)
        wrong += [f"{name} was never sent" for name in self.model.missing(self.campaign.flow)]
        wrong += rules.leaks(
            self.campaign.folder,
            [self.campaign.folder / name for name in self.lists],
            self.campaign.flow,
        )
        verified = command("verify", "--ledger", str(self.campaign.ledger))
        if verified.status:
            wrong.append(verified.out)
        self._raise(wrong)

    def look(self, ran: Ran = Ran.NOT, over: Sequence[str] = ()) -> None:
        """Ask the model."""
        self.judge.settle()
        if not self.has_ledger:
            self._raise(self.model.taken_too_often(self.campaign.flow))
            return
        found = self.campaign.snapshot()
        wrong = self.model.look(found, self.campaign.flow, ran, over)
        if ran is Ran.DIED:
            wrong += rules.too_many_armed(found, self.campaign.concurrency)
        elif ran is not Ran.NOT and found.intents:
            wrong.append(f"a run that ended in order left intents: {found.intents}")
        self._raise(wrong)

    def _submit_all(self) -> None:
        self.faults = ()
        for digest in list(self.campaign.snapshot().digests.values()):
            if not any(self._digest_of(name) == digest for name in self.lists):
                self.put(self.new_name(), self.model.contents[digest])
        for _ in range(_ROUNDS_MAX):
            if self.run(sorted(self.lists)).status != 6:
                return
        self._raise([f"something is left to do after {_ROUNDS_MAX} runs"])

    def _aim(self, names: Sequence[str], more: Sequence[str] = ()) -> list[str]:
        """Set what the next run is given; return the digests of its files."""
        self.judge.misbehave(*self.faults)
        self.campaign.inputs = [self.campaign.folder / name for name in names]
        key = ["--key", "reference"] if self.model.is_keyed else []
        self.campaign.options = [*key, *more] if self.has_ledger else []
        return [self._digest_of(name) for name in names]

    def _digest_of(self, name: str) -> str:
        content = (self.campaign.folder / name).read_bytes()
        return self.model.learn(content, self.lists[name])

    def _check_status(self, ended: Ended, over: Sequence[str]) -> None:
        if not self.has_ledger:
            return
        expected = self.model.status_after(self.campaign.snapshot(), over)
        if ended.status != expected:
            self._raise([f"exit status {ended.status} instead of {expected}: {ended.err}"])

    def _use_older(self, newest: Path, *, is_accepted: bool) -> None:
        """Run over a ledger that is older than the witness says; refused, it is left alone."""
        found = self.campaign.snapshot()
        if found.commits >= self._witnessed():
            # The run died between a commit and its witness: nothing was sent on the strength of it.
            self.model.take_for_known(found)
            self.look()
            return
        taken = len(self._taken())
        self._aim(sorted(self.lists))
        refused = self.campaign.run()
        wrong = [] if refused.status == 7 else [f"exit {refused.status}: an old ledger was used"]
        if "--accept-rollback" not in refused.err:
            wrong.append(f"the refusal does not tell what to do: {refused.err}")
        if (found, taken) != (self.campaign.snapshot(), len(self._taken())):
            wrong.append("a refused run has changed something")
        self._raise(wrong)
        if not is_accepted:
            self._replace_by(newest)
            self.look()
            return
        self.model.roll_back_to(found, self.campaign.flow)
        self.run(sorted(self.lists), more=["--accept-rollback"])

    def _decide(self, *words: str) -> None:
        ended = command("doubt", *words, "--ledger", str(self.campaign.ledger))
        if ended.status:
            self._raise([f"doubt {words[0]}: exit {ended.status}: {ended.err}"])
        self.look()

    def _taken(self) -> list[Lead]:
        self.judge.settle()
        return self.campaign.flow.leads()

    def _log(self) -> Wal | None:
        path = self.campaign.ledger.with_name(self.campaign.ledger.name + "-wal")
        if not path.exists() or not path.stat().st_size:
            return None
        wal = Wal.of(self.campaign.ledger)
        return wal if wal.commits else None

    def _witnessed(self) -> int:
        lock = self.campaign.ledger.with_name(self.campaign.ledger.name + ".lock")
        number = int.from_bytes(lock.read_bytes()[:8], "big") if lock.exists() else 0
        return 0 if number == (1 << 64) - 1 else number  # it has seen no commit yet

    def _copied(self, name: str) -> Path:
        folder = self.campaign.folder.parent / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in self._ledger_files():
            shutil.copy2(path, folder)
        return folder

    def _replace_by(self, copy: Path) -> None:
        for path in self._ledger_files():
            path.unlink()
        for path in copy.iterdir():
            shutil.copy2(path, self.campaign.folder)

    def _ledger_files(self) -> list[Path]:
        ledger = self.campaign.ledger
        paths = [ledger.with_name(ledger.name + suffix) for suffix in ("", "-wal", "-shm")]
        return [path for path in paths if path.exists()]

    @staticmethod
    def _raise(wrong: Sequence[str]) -> None:
        if wrong:
            raise WrongError("\n".join(wrong))


def command(*words: str) -> Ended:
    """Run a command that sends nothing, in this process."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as ended:
            status = int(str(ended.code))
    return Ended(status, out.getvalue(), err.getvalue())


def _verdict_of(line: Line) -> str:
    return _VERDICTS.get(line.number % _VERDICT_EVERY, "")


def _shown(place: Place) -> str:
    return f"{place[0]}:{place[1]}"

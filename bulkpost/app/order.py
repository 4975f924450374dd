"""What the user asked for, what came of it, and who watches."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Generic, Protocol

from bulkpost.app.items import Fit
from bulkpost.checking.against_flow import FlowNews
from bulkpost.checking.examination import ValueReport
from bulkpost.clock import SystemClock
from bulkpost.config import Settings
from bulkpost.destination import Destination, Kind
from bulkpost.engine.halt import Halt
from bulkpost.engine.intake import Intake
from bulkpost.engine.job import ItemT
from bulkpost.engine.plan import Plan
from bulkpost.engine.tally import Tally
from bulkpost.ledger.paths import LEDGER_DEFAULT, SANDBOX_LEDGER_DEFAULT
from bulkpost.ledger.reader import LedgerReader
from bulkpost.reading.reader import Reader
from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding

STDIN: Final = "-"
SIGNAL_STATUS: Final = {
    signal.SIGINT: ExitStatus.SIGINT,
    signal.SIGTERM: ExitStatus.SIGTERM,
    signal.SIGHUP: ExitStatus.SIGTERM,
}


def heeded_signals() -> list[signal.Signals]:
    """Return the signals that stop a run; under nohup, SIGHUP is not one of them."""
    return [known for known in SIGNAL_STATUS if signal.getsignal(known) != signal.SIG_IGN]


Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for.

    Attributes:
        inputs: Files, globs, or ``-`` for standard input.
        settings: From config, environment and flags.
        limit: Rows to send at most, over all inputs; None for all.
        is_sandbox: Start the embedded sandbox and submit to it.
        sandbox_config: TOML file for the embedded sandbox; None for its defaults.
        accept_rollback: Use a ledger that is older than what this machine wrote.
        is_new_ledger: Use a ledger that does not know what another ledger of this machine
            submitted to the destination.
        command: Name for the history.
        kind: What is sent.
        heeds_signals: Ctrl-C and SIGTERM drain and then abort; else they are the caller's affair.
        flow_path: File in which the flow's metadata may be kept; None for none.
        as_of: When it was given: dates without a year and ages are read as of then.
    """

    inputs: tuple[str, ...]
    settings: Settings
    limit: int | None = None
    is_sandbox: bool = False
    sandbox_config: Path | None = None
    accept_rollback: bool = False
    is_new_ledger: bool = False
    command: str = "submit"
    kind: Kind = Kind.SUBMISSION
    heeds_signals: bool = True
    flow_path: Path | None = None
    as_of: datetime = field(default_factory=lambda: SystemClock().now_at())

    @property
    def ledger_path(self) -> Path:
        """The ledger to use."""
        default = SANDBOX_LEDGER_DEFAULT if self.is_sandbox else LEDGER_DEFAULT
        return Path(self.settings.ledger or default)


@dataclass(frozen=True, slots=True)
class Batch(Generic[ItemT]):
    """An input that was taken in: it can be read to its end and its columns fit.

    Attributes:
        reader: Its rows.
        fit: How its rows become items.
        intake: What the ledger knows and is to know of it.
        stamp: Device, inode, size and time of the file when it was taken in.
    """

    reader: Reader
    fit: Fit[ItemT]
    intake: Intake
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Preview:
    """What a submission would do.

    Attributes:
        destination: Where the leads would go.
        batches: The inputs.
        plan: Counts over all of them.
        latency_s: Mean time of an answer in earlier runs to this destination; None if unknown.
        is_first: The ledger has not seen the destination.
        values: How the values of each input will be read, in the order of ``batches``; empty if
            nobody asked.
        flow: What is known of the flow; None for nothing.
    """

    destination: Destination
    batches: tuple[Batch[Any], ...]
    plan: Plan
    latency_s: float | None
    is_first: bool
    values: tuple[ValueReport, ...] = ()
    flow: FlowNews | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A run that is going on, for whoever watches it."""

    path: Path
    rows: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class RunResult:
    """How one run ended.

    Attributes:
        run_id: Its number.
        path: Its input.
        ending: Why it ended.
        exit_status: The status that this asks for.
        halt: What stopped it early; None if nothing did.
        changed: Field name to the number of leads that it was sent in otherwise than it stands in
            the list (``normalise``).
    """

    run_id: int
    path: Path
    ending: RunEnding
    exit_status: ExitStatus
    halt: Halt | None
    changed: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class SubmitResult:
    """How a command ended: each of its runs, and the exit status of all.

    Attributes:
        runs: Those that ended.
        begun: Numbers of the runs that were begun.
        exit_status: Of the command.
    """

    runs: list[RunResult] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    exit_status: ExitStatus = ExitStatus.DONE


class Observer(Protocol):
    """Whoever sits before the screen, or nobody."""

    @property
    def is_asking(self) -> bool:
        """Whether there is a person who can be asked."""
        ...

    def noted(self, text: str) -> None:
        """Something happened that is worth a line."""
        ...

    def surveyed(self, path: Path, rows: int) -> None:
        """So many rows of a new input were read so far; called from a thread."""
        ...

    async def approves(self, preview: Preview) -> bool:
        """Ask whether to send."""
        ...

    async def confirms(self, question: str) -> bool:
        """Ask anything else; yes or no."""
        ...

    async def watch(self, watched: Watched) -> None:
        """Show a run's progress until cancelled."""
        ...

    async def ended(self, reader: LedgerReader, result: RunResult) -> None:
        """Show what became of a run."""
        ...

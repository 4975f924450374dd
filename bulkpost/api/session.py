"""Submitting lists from Python."""

import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from bulkpost.api.frame import results
from bulkpost.app import commands
from bulkpost.app.kept_flow import path_beside
from bulkpost.app.order import STDIN, Order, Preview, RunResult, Watched
from bulkpost.clock import SystemClock
from bulkpost.config import Settings, convert, destination_of, load
from bulkpost.errors import UsageError
from bulkpost.ledger.reader import LedgerReader
from bulkpost.log import silenced
from bulkpost.reporting.status import ExitStatus
from bulkpost.reporting.summary import summarise

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RunReport:
    """How one run over one input ended.

    Attributes:
        run: Its number in the ledger.
        input: The file.
        ending: Why it ended: "finished", "limit", "refused", ...
        exit_status: What the command would have ended with.
        counts: Every row of the input by its outcome, ``pending`` among them; what does not occur
            is left out.
        price: What the leads of this run cost.
        stopped_because: What stopped it early; None if nothing did.
        advice: What to do about that; else empty.
    """

    run: int
    input: Path
    ending: str
    exit_status: ExitStatus
    counts: Mapping[str, int]
    price: Decimal
    stopped_because: str | None
    advice: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of a submission.

    Attributes:
        exit_status: What the command would have ended with; the README says what each asks for.
        runs: One for each input, until one ended early.
        notes: What the command would have said beside it.
    """

    exit_status: ExitStatus
    runs: tuple[RunReport, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """The rows of all inputs by their outcome."""
        total: Counter[str] = Counter()
        for run in self.runs:
            total.update(run.counts)
        return dict(total)

    @property
    def price(self) -> Decimal:
        """What the leads of these runs cost."""
        return sum((run.price for run in self.runs), Decimal(0))


@dataclass(slots=True)
class _Listener:
    """An observer that remembers instead of showing, and is asked nothing."""

    notes: list[str] = field(default_factory=list)
    reports: list[RunReport] = field(default_factory=list)
    is_asking: bool = False

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def surveyed(self, path: Path, rows: int) -> None:
        pass

    async def approves(self, preview: Preview) -> bool:  # noqa: ARG002  # an Observer's
        return False

    async def confirms(self, question: str) -> bool:  # noqa: ARG002  # an Observer's
        return False

    async def watch(self, watched: Watched) -> None:  # noqa: ARG002  # an Observer's
        await anyio.sleep_forever()

    async def ended(self, reader: LedgerReader, result: RunResult) -> None:
        summary = await summarise(reader, result.run_id)
        counts = {kind.value: count for kind, count in summary.input_counts.items()}
        counts["pending"] = summary.input_pending
        report = RunReport(
            run=result.run_id,
            input=result.path,
            ending=result.ending.value,
            exit_status=result.exit_status,
            counts={name: count for name, count in counts.items() if count},
            price=Decimal(summary.price),
            stopped_because=result.halt.reason if result.halt is not None else None,
            advice=result.halt.advice if result.halt is not None else "",
        )
        self.reports.append(report)


class Session:
    """A destination and a ledger, ready for lists; ``bulkpost.open`` makes it.

    The ledger is held while a submission goes on, and no longer.
    """

    def __init__(self, order: Order) -> None:
        self._order = order

    @property
    def ledger(self) -> Path:
        """The ledger file."""
        return self._order.ledger_path

    async def submit(
        self,
        *inputs: str | Path,
        limit: int | None = None,
        accept_rollback: bool = False,
        new_ledger: bool = False,
    ) -> Submitted:
        """Submit each row of the inputs once: what ``bulkpost submit`` does.

        The same call again goes on where an earlier one stood, or finds nothing to do. If it is
        cancelled, the rows whose answers were awaited are in doubt.

        Args:
            inputs: Files and globs.
            limit: Rows to send at most, over all inputs; None for all.
            accept_rollback: Use a ledger that is older than what this machine wrote to it.
            new_ledger: Use a ledger that does not know what another one of this machine submitted
                to the same destination.

        Raises:
            UsageError: Nothing was sent: an input, a setting or the column map is not usable.
            LedgerError: The ledger may not be used, or failed.
            BulkpostError: A list was changed while it was submitted.
        """
        names = tuple(map(str, inputs))
        if not names or STDIN in names:
            raise UsageError("name the files that are to be submitted")
        if limit is not None and limit < 1:
            raise UsageError(f"a limit is at least one row, and this is {limit}")
        listener = _Listener()
        order = replace(
            self._order,
            inputs=names,
            limit=limit,
            accept_rollback=accept_rollback,
            is_new_ledger=new_ledger,
            as_of=SystemClock().now_at(),
        )
        with silenced():
            done = await commands.submit(order, listener)
        return Submitted(done.exit_status, tuple(listener.reports), tuple(listener.notes))

    def results(self, run: int | None = None) -> "pd.DataFrame":
        """Return what became of every row of a run's input: see ``bulkpost.results``."""
        return results(self.ledger, run)


@asynccontextmanager
async def open(  # noqa: A001  # bulkpost.open is what people call it
    config: str | Path | None = None,
    *,
    sandbox: bool | str | Path = False,
    signals: bool = False,
    **settings: Any,
) -> AsyncIterator[Session]:
    """Make ready to submit lists.

    Neither the environment nor a ``bulkpost.toml`` that merely lies in the working directory is
    read; but keys may stand in the environment (``BULKPOST_SOURCE_KEY``). On asyncio, in any
    thread.

    Args:
        config: A config file; None for the defaults.
        sandbox: Submit to an imitation of LeadConduit on this machine, with a ledger of its own; a
            path names the TOML file that says how it behaves.
        signals: Let Ctrl-C and SIGTERM end a submission as they end the command: the first waits
            for the answers under way. In the main thread only.
        settings: Laid over the config, with the names of ``config.example.toml``; a table is a
            dict: ``open(url=..., rate="20/s", engine={"concurrency": 4})``.

    Raises:
        ConfigError: A setting is unknown or out of range, or nothing says where the leads go.
        UsageError: Signals are to be heeded outside the main thread.
    """
    if signals and threading.current_thread() is not threading.main_thread():
        raise UsageError("only the main thread hears signals", advice="Leave signals out.")
    order = Order(
        inputs=(),
        settings=_laid_over(load(Path(config)) if config is not None else Settings(), settings),
        is_sandbox=sandbox is not False,
        flow_path=path_beside(Path(config)) if config is not None else None,
        sandbox_config=None if isinstance(sandbox, bool) else Path(sandbox),
        heeds_signals=signals,
    )
    if not order.is_sandbox:
        destination_of(order.settings)
    yield Session(order)


def _laid_over(settings: Settings, given: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = msgspec.to_builtins(settings)
    for name, value in given.items():
        table = values.get(name)
        if isinstance(table, dict) and isinstance(value, Mapping):
            values[name] = {**table, **value}
        else:
            values[name] = str(value) if isinstance(value, PurePath) else value
    return convert(values, "bulkpost.open")

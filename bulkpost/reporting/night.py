"""What became of a whole command, for whoever was not there: as a document, and as one line."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bulkpost import __version__
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.status import ExitStatus
from bulkpost.reporting.summary import RunSummary, summarise
from bulkpost.reporting.wording import counted, duration_text, iso_text, price_text

FORMAT: Final = 1
# A list of which some rows wait for a person to correct them was gone through all the same; as in
# ``last_success.sql``.
SUCCEEDED: Final = frozenset({ExitStatus.DONE, ExitStatus.ROWS_BAD})
_SENT: Final = frozenset(OutcomeKind) - {
    *(OutcomeKind.INVALID, OutcomeKind.DUPLICATE, OutcomeKind.CONFLICT)
}


class Progress(StrEnum):
    """How far a command has come."""

    RUNNING = "running"  # or it was killed
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command failed.

    Attributes:
        message: One sentence, no lead data.
        advice: What to do next, or empty.
        command: The command that does it, or empty.
    """

    message: str
    advice: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a ledger says after a command.

    Attributes:
        runs: The command's runs.
        in_doubt: Rows in doubt in the whole ledger, those that a dead run left, too.
        last_success_ms: When a run ended well for the last time; None if none did.
    """

    runs: tuple[RunSummary, ...] = ()
    in_doubt: int | None = None
    last_success_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a command did.

    Attributes:
        command: "submit", "feedback".
        host: The machine.
        pid: The process.
        started_at_ms: When it began, milliseconds since 1970.
        duration_s: How long it took, or has taken so far, in seconds.
        exit_status: None while it runs.
        ledger: Path of the ledger; None if it was not known yet.
        standing: What the ledger says; None if it could not be asked.
        stopped_because: What stopped its runs early, in words.
        failure: Why it failed; None if it did not.
    """

    command: str
    host: str
    pid: int
    started_at_ms: int
    duration_s: float = 0.0
    exit_status: int | None = None
    ledger: str | None = None
    standing: Standing | None = None
    stopped_because: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def runs(self) -> tuple[RunSummary, ...]:
        """The command's runs, as far as they are known."""
        return self.standing.runs if self.standing is not None else ()

    @property
    def ended_at_ms(self) -> int:
        """When it ended, by the monotonic clock from its beginning."""
        return self.started_at_ms + int(self.duration_s * 1000)

    @property
    def state(self) -> str:
        """How it ended, in one word: "done", "rows_bad", "in_doubt", ...; "running"."""
        if self.exit_status is None:
            return Progress.RUNNING.value
        return ExitStatus(self.exit_status).name.lower()

    @property
    def counts(self) -> Counter[OutcomeKind]:
        """Rows that ended in this command, by outcome."""
        return sum((Counter(run.counts) for run in self.runs), Counter())

    @property
    def sent(self) -> int:
        """Rows that were sent."""
        return sum(count for kind, count in self.counts.items() if kind in _SENT)

    @property
    def unsent(self) -> int | None:
        """Rows of the inputs that the same command would send now; None if no run was begun."""
        by_input = {run.record.input_id: run.unsent for run in self.runs}
        return sum(by_input.values()) if by_input else None

    @property
    def price_micros(self) -> int:
        """Sum of the prices, in millionths."""
        return sum(run.price_micros for run in self.runs)

    @property
    def rows_per_s(self) -> float:
        """Rows that were sent, a second of the runs."""
        run_s = sum(run.record.duration_s or 0.0 for run in self.runs)
        return self.sent / run_s if run_s else 0.0

    def totals(self) -> dict[str, Any]:
        """Return all that may leave the machine: numbers and words of ours, as JSON values."""
        return {
            "message_type": "command",
            "format": FORMAT,
            "command": self.command,
            "version": __version__,
            "host": self.host,
            "state": self.state,
            "exit_status": self.exit_status,
            "started_at": iso_text(self.started_at_ms),
            "ended_at": None if self.exit_status is None else iso_text(self.ended_at_ms),
            "duration_s": round(self.duration_s, 3),
            "counts": {kind.value: self.counts.get(kind, 0) for kind in OutcomeKind},
            "sent": self.sent,
            "unsent": self.unsent,
            "in_doubt": self.standing.in_doubt if self.standing is not None else None,
            "price": price_text(self.price_micros),
            "rows_per_s": round(self.rows_per_s, 2),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        failure = self.failure
        return {
            **self.totals(),
            "pid": self.pid,
            "ledger": self.ledger,
            "stopped_because": list(self.stopped_because),
            "error": failure.message if failure is not None else None,
            "advice": failure.advice or None if failure is not None else None,
            "next_command": failure.command or None if failure is not None else None,
            "runs": [run.to_dict() for run in self.runs],
        }

    def text(self) -> str:
        """Return it as one line for people, without anything that came from outside."""
        outcomes = ", ".join(
            f"{count:,} {kind.value.replace('_', ' ')}"
            for kind in OutcomeKind
            if (count := self.counts.get(kind))
        )
        how = f"{self.state.replace('_', ' ')} (exit status {self.exit_status})"
        parts = [
            f"bulkpost {self.command} on {self.host}: {how} in {duration_text(self.duration_s)}",
            outcomes or "no row ended",
        ]
        if self.unsent:
            parts.append(f"{counted(self.unsent, 'row')} unsent")
        in_doubt = self.standing.in_doubt if self.standing is not None else None
        if in_doubt:
            parts.append(f"{counted(in_doubt, 'row')} in doubt in the ledger")
        return "; ".join(parts)


async def standing_of(reader: LedgerReader, run_ids: list[int]) -> Standing:
    """Ask a ledger what became of a command's runs."""
    doubts = await reader.fetch(sql("doubt_count"), {"run_id": None, "with_armed": True})
    success = await reader.fetch(sql("last_success"))
    runs = [await summarise(reader, run_id) for run_id in run_ids]
    return Standing(tuple(runs), doubts[0][0], success[0][0])

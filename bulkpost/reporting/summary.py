"""What a run did, in numbers: a pure read model of the ledger."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkpost.destination import Kind
from bulkpost.errors import UsageError
from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.counts import NO_REASON, FindingTotal, ReasonCount
from bulkpost.reporting.wording import iso_text, price_text

REASONS_MAX: Final = 10
FINDINGS_MAX: Final = 20
SENT: Final = frozenset(
    {OutcomeKind.SUCCESS, OutcomeKind.FAILURE, OutcomeKind.ERROR}
    | {OutcomeKind.IN_DOUBT, OutcomeKind.HTTP_ERROR, OutcomeKind.DEFERRED}
)
# Name of a file that keeps standard input.
SPOOLED: Final = re.compile(r"stdin-[0-9a-f]{64}")
_EMBEDDED_SANDBOX: Final = re.compile(r"http://sandbox[:/]")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the ledger has it. The fields stand in the order of ``run_record.sql``.

    Attributes:
        run: Its number.
        command: "submit", "retry", ...
        input_id: The ledger's number for its input.
        input_path: Where the input lay, scrubbed.
        input_format: How it was read, in words.
        input_sha256: Digest of its content, lower-case hex.
        input_rows: Its data rows, bad ones included.
        destination: Name of the destination, with whole ids.
        started_at_ms: Milliseconds since 1970.
        ended_at_ms: None while it runs, or if it died.
        ending: As ``ended_at_ms``.
        exit_status: As ``ended_at_ms``.
        settings: JSON object of what it ran with.
        host: The machine.
        pid: The process.
        version: Of bulkpost.
        kind: What its destination takes (``Kind``).
        pruned_at_ms: When times, attempts and exchanges of its rows were let go; None if never.
    """

    run: int
    command: str
    input_id: int
    input_path: str
    input_format: str
    input_sha256: str
    input_rows: int
    destination: str
    started_at_ms: int
    ended_at_ms: int | None
    ending: str | None
    exit_status: int | None
    settings: str
    host: str
    pid: int
    version: str
    kind: str
    pruned_at_ms: int | None = None

    @property
    def duration_s(self) -> float | None:
        """From start to end; None if it has no end."""
        if self.ended_at_ms is None:
            return None
        return max(0, self.ended_at_ms - self.started_at_ms) / 1000

    @property
    def row_ids(self) -> dict[str, int]:
        """The first and the last number that a row of its input can have in the ledger."""
        return {
            "first": row_id_of(self.input_id, 1),
            "last": row_id_of(self.input_id + 1, 1) - 2,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "run": self.run,
            "command": self.command,
            "input": {
                "id": self.input_id,
                "path": self.input_path,
                "format": self.input_format,
                "sha256": self.input_sha256,
                "rows": self.input_rows,
            },
            "destination": self.destination,
            "kind": self.kind,
            "started_at": iso_text(self.started_at_ms),
            "ended_at": iso_text(self.ended_at_ms),
            "duration_s": self.duration_s,
            "ending": self.ending,
            "exit_status": self.exit_status,
            "pruned_at": iso_text(self.pruned_at_ms),
        }


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What became of a run's rows, and of its whole input.

    Attributes:
        record: The run.
        counts: Rows that have their latest ending from this run, by outcome.
        input_counts: Rows of the whole input, by outcome.
        input_armed: Rows of it that are under way, or were when the run died.
        input_waiting: Rows of it that wait for their next attempt.
        prices: Sum of this run's prices by outcome, in millionths; those without one are left out.
        reasons: Of this run, at most ten per outcome, the most frequent first.
        reasonless: Of this run, the rows that came without a reason.
        findings: The commonest, at most twenty, in the values of the leads that it sent; none of a
            run that died.
        price_micros: Sum of this run's prices, in millionths.
        attempts: Requests of this run.
        retries: Of these, repeats after 502, 503, 504 or an attempt that never left.
        ambiguous_rows: Rows that were retried after 502 or 504, or resent out of doubt.
        received_before: Of these, failures whose reason says duplicate: perhaps of themselves.
    """

    record: RunRecord
    counts: Mapping[OutcomeKind, int]
    input_counts: Mapping[OutcomeKind, int]
    input_armed: int
    input_waiting: int
    prices: Mapping[OutcomeKind, int]
    reasons: tuple[ReasonCount, ...]
    reasonless: tuple[ReasonCount, ...]
    findings: tuple[FindingTotal, ...]
    price_micros: int
    attempts: int
    retries: int
    ambiguous_rows: int
    received_before: int

    @property
    def rows(self) -> int:
        """Rows that have their latest ending from this run."""
        return sum(self.counts.values())

    @property
    def rows_per_s(self) -> float | None:
        """Rows sent and ended, a second; None if the run has no end."""
        duration_s = self.record.duration_s
        if not duration_s:
            return None
        return sum(count for kind, count in self.counts.items() if kind in SENT) / duration_s

    @property
    def input_pending(self) -> int:
        """Rows of the input that have neither an outcome nor an intent."""
        known = sum(self.input_counts.values()) + self.input_armed + self.input_waiting
        return self.record.input_rows - known

    @property
    def in_doubt(self) -> int:
        """Rows of the input whose fate is unknown; those that a dead run left, too."""
        is_over = self.record.ended_at_ms is not None
        return self.input_counts.get(OutcomeKind.IN_DOUBT, 0) + (0 if is_over else self.input_armed)

    @property
    def unsent(self) -> int:
        """Rows of the input that the same command would submit now."""
        deferred = self.input_counts.get(OutcomeKind.DEFERRED, 0)
        return self.input_pending + self.input_waiting + deferred

    @property
    def price(self) -> str:
        """Sum of this run's prices as decimal text, in the account's currency unit."""
        return price_text(self.price_micros)

    def unended(self, *, is_dead: bool) -> tuple[tuple[str, int], ...]:
        """Return how many rows of the input have no ending, and why; dead: the run has died."""
        return (
            ("left in flight" if is_dead else "in flight", self.input_armed),
            ("left waiting" if is_dead else "waiting", self.input_waiting),
            ("pending", self.input_pending),
        )

    def price_of(self, kind: OutcomeKind) -> str:
        """Return the sum of this run's prices for an outcome, as decimal text."""
        return price_text(self.prices.get(kind, 0))

    @property
    def ambiguous_words(self) -> str:
        """The warning about answers that may hide a taken lead; empty if there were none."""
        if not self.ambiguous_rows:
            return ""
        leads = "1 lead was" if self.ambiguous_rows == 1 else f"{self.ambiguous_rows:,} leads were"
        return f"{leads} sent again though perhaps taken before (502, 504, doubt)"

    @property
    def received_before_words(self) -> str:
        """What failures of repeated leads may mean; empty if there were none."""
        if not self.received_before:
            return ""
        what = "failure of these says" if self.received_before == 1 else "failures of these say"
        return (
            f"{self.received_before:,} {what} duplicate: received before, or a duplicate of "
            "another lead"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.record.to_dict(),
            "counts": {kind.value: self.counts.get(kind, 0) for kind in OutcomeKind},
            "input_counts": {
                **{kind.value: self.input_counts.get(kind, 0) for kind in OutcomeKind},
                "pending": self.input_pending,
                "in_flight": self.input_armed,
                "waiting": self.input_waiting,
            },
            "reasons": [entry.to_dict() for entry in self.reasons],
            "findings": [
                {"field": entry.field, "code": entry.code, "leads": entry.leads}
                for entry in self.findings
            ],
            "price": self.price,
            "attempts": self.attempts,
            "retries": self.retries,
            "ambiguous_retries": self.ambiguous_rows,
            "received_before_or_duplicate": self.received_before,
            "rows_per_s": None if self.rows_per_s is None else round(self.rows_per_s, 2),
            "in_doubt": self.in_doubt,
        }


async def run_record(reader: LedgerReader, run_id: int | None) -> RunRecord:
    """Return a run, the latest if none is named.

    Raises:
        UsageError: There is no such run.
    """
    found = await run_records(reader, 1, run_id=run_id)
    if not found:
        what = "there is no run yet" if run_id is None else f"there is no run {run_id}"
        raise UsageError(
            f"{what} in this ledger",
            advice="`bulkpost runs` lists them; another ledger is named with --ledger PATH.",
        )
    return found[0]


async def run_records(
    reader: LedgerReader, runs_max: int, **wanted: int | str | None
) -> list[RunRecord]:
    """Return the latest runs, newest first.

    Args:
        reader: The ledger.
        runs_max: At most so many.
        wanted: Parameters of ``run_record.sql``, which says what they mean; None wants all.
    """
    every = dict.fromkeys(("run_id", "up_to", "destination", "since_ms", "states", "live"))
    rows = await reader.fetch(sql("run_record"), {**every, **wanted, "runs_max": runs_max})
    return [RunRecord(*row) for row in rows]


async def summarise(reader: LedgerReader, run_id: int) -> RunSummary:
    """Count what became of a run's rows, and of its input's.

    Raises:
        UsageError: There is no such run.
    """
    record = await run_record(reader, run_id)
    of_run = {**record.row_ids, "run_id": run_id}
    totals = (await reader.fetch(sql("run_totals"), of_run))[0]
    tries = await reader.fetch(sql("run_attempts"), of_run)
    phases = dict(await reader.fetch(sql("intent_counts"), record.row_ids))
    found = await reader.fetch(sql("run_reasons"), {**of_run, "reasons_max": REASONS_MAX})
    here = await _counts(reader, of_run)
    there = await _counts(reader, {**record.row_ids, "run_id": None})
    findings = await reader.fetch(
        sql("run_findings"), {"run_id": run_id, "findings_max": FINDINGS_MAX}
    )
    return RunSummary(
        record=record,
        counts={kind: count for kind, count, _ in here},
        input_counts={kind: count for kind, count, _ in there},
        input_armed=phases.get(State.ARMED.value, 0),
        input_waiting=phases.get(State.BACK_OFF.value, 0),
        prices={kind: micros for kind, _, micros in here if micros is not None},
        reasons=tuple(
            ReasonCount(State(state).kind, *row) for state, *row in found if row[0] is not None
        ),
        reasonless=tuple(
            ReasonCount(State(state).kind, NO_REASON, *row)
            for state, reason, *row in found
            if reason is None
        ),
        findings=tuple(FindingTotal(*entry) for entry in findings),
        price_micros=totals[0],
        attempts=totals[1] + tries[0][0],
        retries=tries[0][1],
        ambiguous_rows=totals[2],
        received_before=totals[3],
    )


def next_command(summary: RunSummary, ledger_path: Path, again: str | None = None) -> str:
    """Return the command that a person needs next, ready to paste into a shell.

    Args:
        summary: The run.
        ledger_path: Its ledger.
        again: The command that was given, if giving it again is how to go on; None rebuilds one
            from what the ledger knows, without the run's other options.
    """
    ledger = f"--ledger {shlex.quote(str(ledger_path))}"
    record = summary.record
    if summary.in_doubt:
        return f"bulkpost doubt list {ledger}"
    if summary.unsent:
        return again or f"{_command(record)} {ledger}"
    if summary.counts.get(OutcomeKind.HTTP_ERROR) or summary.counts.get(OutcomeKind.ERROR):
        support = " --support" if summary.counts.get(OutcomeKind.HTTP_ERROR) else ""
        return f"bulkpost show {record.run}{support} {ledger}"
    return f"bulkpost export {record.run} results/ {ledger}"


def _command(record: RunRecord) -> str:
    path = shlex.quote(record.input_path)
    if record.kind == Kind.SUBMISSION:
        return f"bulkpost submit {path} {_target(record)}"
    told = json.loads(record.settings)
    options = [
        f"--{name.replace('_', '-')} {shlex.quote(told[name])}"
        for name in ("type", "event_id_column", "type_column", "reason_column")
        if told.get(name)
    ]
    return " ".join(["bulkpost feedback", path, *options, _target(record)])


async def next_after_decision(
    reader: LedgerReader, ledger_path: Path, input_id: int | None = None
) -> str:
    """Return the command that a person needs after deciding about rows of an input, or of any."""
    found = await reader.fetch(
        "SELECT max(id) FROM run WHERE :input_id IS NULL OR input_id = :input_id",
        {"input_id": input_id},
    )
    if found[0][0] is None:
        return "bulkpost runs"
    return next_command(await summarise(reader, found[0][0]), ledger_path)


def is_embedded_sandbox(destination: str) -> bool:
    """Tell whether a destination is that of ``submit --sandbox``."""
    return _EMBEDDED_SANDBOX.match(destination) is not None


def _target(record: RunRecord) -> str:
    if is_embedded_sandbox(record.destination):
        return "--sandbox"
    if "*" in record.destination:  # each row names its own: only the config can say so
        return "--config bulkpost.toml"
    return f"--url {shlex.quote(record.destination)}"


async def _counts(
    reader: LedgerReader, params: dict[str, Any]
) -> list[tuple[OutcomeKind, int, int | None]]:
    rows = await reader.fetch(sql("run_counts"), params)
    return [(State(state).kind, count, price_micros) for state, count, price_micros in rows]

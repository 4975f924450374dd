"""What a person does after a run, step by step. Pure."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkpost.destination import Kind
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.run_report import RunReport
from bulkpost.reporting.summary import next_command
from bulkpost.reporting.wording import counted

EXIT_WORDS: Final = {
    0: "all well",
    1: "bulkpost or the disk failed",
    2: "usage or config",
    3: "some rows need correcting",
    4: "stopped early",
    5: "rows are in doubt",
    6: "not finished, goes on with the same command",
    7: "the ledger could not be used",
    130: "interrupted by Ctrl-C, goes on with the same command",
    143: "interrupted by SIGTERM, goes on with the same command",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do.

    Attributes:
        words: What it is.
        command: What does it; None if no command does.
    """

    words: str
    command: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"what": self.words, "command": self.command}


def doubt_steps(report: RunReport, ledger_path: Path) -> list[Step]:
    """Return how a run's rows in doubt are decided; nothing if there are none."""
    if not report.doubts:
        return []
    ledger = f"--ledger {shlex.quote(str(ledger_path))}"
    name, run = report.doubts[0].name, report.record.run
    # LeadConduit finds a lead by its reference, or by the lead id of a broken answer.
    is_to_be_found = report.record.kind != Kind.FEEDBACK and any(
        doubt.reference_field or doubt.lead_id for doubt in report.doubts
    )
    ask = Step(
        "Let LeadConduit be asked, if the flow is yours; that needs its account's API key.",
        f"bulkpost doubt reconcile --run {run} {ledger}",
    )
    return [
        Step("List them all.", f"bulkpost doubt list --run {run} {ledger}"),
        Step("Wait ten minutes after the last attempt: LeadConduit may be at work that long."),
        *([ask] if is_to_be_found else []),
        Step("Look up what is left in LeadConduit, among the events around that time."),
        Step(
            "Found: write it down, with its lead id. --as failure and --as error are there, too.",
            f"bulkpost doubt resolve {name} --as success --lead-id LEAD_ID {ledger}",
        ),
        Step(
            "Surely not there: release it. The next submission sends it.",
            f"bulkpost doubt resolve {name} --as not-received {ledger}",
        ),
        Step(
            "Not to be found out, and paid twice is better than lost: send it again.",
            f"bulkpost doubt resend {name} {ledger}",
        ),
    ]


def next_step(report: RunReport, ledger_path: Path) -> Step:
    """Return what comes next, without the whole address of the destination.

    Whoever has both ids can submit; a page that is sent around has them shortened.
    """
    summary = report.summary
    if report.is_running:
        return Step("The run is going on. Make the report again when it has ended.")
    if summary.in_doubt:
        are = "is" if summary.in_doubt == 1 else "are"
        words = f"{counted(summary.in_doubt, 'row')} of the list {are} in doubt. Decide them first:"
    elif summary.unsent:
        return Step(
            f"{counted(summary.unsent, 'row')} of the list still to be sent. Give the same command "
            "again; it goes on where it stood."
        )
    elif summary.counts.get(OutcomeKind.HTTP_ERROR) or summary.counts.get(OutcomeKind.ERROR):
        words = "Some rows ended in an error. Look at them:"
    else:
        words = "Nothing is left to be sent. To write what became of each row beside its columns:"
    return Step(words, next_command(summary, ledger_path))

"""``bulkpost prune``: let go of what old lists have left in the ledger."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from bulkpost.cli.options import Output, ledger_option, output_options
from bulkpost.errors import UsageError

_EPILOG = """\b
Examples:
  bulkpost prune --before 2026-06-01 --dry-run
  bulkpost prune --before 2026-06-01 -y

\b
Exit status:
  0  pruned, or nothing to prune, or you said no
  1  the disk refused; the ledger is whole
  2  the date is none, or lies ahead; or nobody can be asked and -y is missing
  7  there is no ledger, it is in use, or it is not sound
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--before",
    required=True,
    metavar="DATE",
    help="Lists to which nothing has happened since then: 2026-06-01 (this machine's midnight), or "
    "a time such as 2026-06-01T12:00+02:00.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@ledger_option
@output_options
def prune(*, before: str, is_dry: bool, yes: bool, ledger_path: Path, output: Output) -> None:
    """Make the ledger smaller: let go of what lists that are done with have left in it.

    Says first what would go. A list is done with if each of its rows has an outcome, and no run and
    no decision touched it since DATE. Of its rows that are success, failure, error, invalid,
    duplicate or conflict go the times, the HTTP status, the attempts that brought no verdict and
    the exchanges for support. Also lists that came through standard input and were left behind.

    What stays: each row's outcome, key, lead id, price, reason and number of attempts; every
    decision of yours; rows in doubt, deferred and http_error in full. So nothing is sent again that
    would not have been sent again without it, and rows and prices still add up.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.event_loop import run  # noqa: PLC0415
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.clock import SystemClock  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.pruning import plan_prune  # noqa: PLC0415

    clock = SystemClock()
    before_at = _time(before)
    if before_at > clock.now_at():
        raise UsageError(f"{before} lies ahead", advice="Name a day that is over.")
    before_ms = int(before_at.timestamp() * 1000)
    if is_dry:
        paths = LedgerPaths(ledger_path)
        plan = observe(ledger_path, lambda reader: plan_prune(reader, paths, before_ms))
        _tell(plan, output)
        is_pruned = False
    else:
        bytes_before = ledger_path.stat().st_size if ledger_path.exists() else 0
        plan, is_pruned = run(partial(_prune, ledger_path, before_ms, clock, output, is_yes=yes))
        if is_pruned:
            bytes_after = ledger_path.stat().st_size
            words = f"Pruned. The ledger: {_size(bytes_before)} before, {_size(bytes_after)} now."
            if not output.is_json:
                click.echo(words)
    if output.is_json:
        output.document({"message_type": "prune", "is_pruned": is_pruned, **_document(plan)})


async def _prune(
    ledger_path: Path, before_ms: int, clock: Any, output: Output, *, is_yes: bool
) -> tuple[Any, bool]:
    from bulkpost.ledger.decisions import open_for_decisions  # noqa: PLC0415  # as above
    from bulkpost.ledger.pruning import plan_prune, prune  # noqa: PLC0415

    async with open_for_decisions(ledger_path, "prune", clock) as ledger:
        await ledger.quick_check()
        plan = await plan_prune(ledger.reader, ledger.paths, before_ms)
        _tell(plan, output)
        if plan.is_empty or not _is_sure(output, is_yes=is_yes):
            return plan, False
        await prune(ledger, plan, int(clock.now_at().timestamp() * 1000))
        return plan, True


def _is_sure(output: Output, *, is_yes: bool) -> bool:
    if is_yes:
        return True
    if not output.is_terminal:
        raise UsageError(
            "nobody is there to be asked, so nothing was removed",
            advice="If that is what may go, add -y.",
        )
    return click.confirm("Let it go?", default=False, err=True)


def _tell(plan: Any, output: Output) -> None:
    if output.is_json:
        return
    from bulkpost.redact import printable  # noqa: PLC0415  # as above
    from bulkpost.reporting.wording import counted  # noqa: PLC0415

    if plan.is_empty:
        click.echo("Nothing to prune.")
        return
    if plan.inputs:
        lists = counted(len(plan.inputs), "list")
        click.echo(f"Of {lists}, about {_size(plan.ledger_bytes)} of the ledger can go:")
    for entry in plan.inputs:
        parts = [
            counted(count, noun)
            for count, noun in (
                (entry.rows, "row"),
                (entry.attempts, "attempt"),
                (entry.exchanges, "exchange"),
                (entry.marks, "mark"),
            )
            if count
        ]
        left = f"; {counted(entry.open_rows, 'open row')} kept in full" if entry.open_rows else ""
        click.echo(f"  {entry.id}  {printable(entry.path)}: {', '.join(parts)}{left}")
    if plan.spooled:
        lists = counted(len(plan.spooled), "list")
        click.echo(f"Left behind from standard input: {lists}, {_size(plan.spooled_bytes)}")
    if plan.pack_due:
        click.echo("An earlier prune was cut off before the ledger had become smaller.")


def _document(plan: Any) -> dict[str, Any]:
    names = ("rows", "attempts", "exchanges", "marks", "open_rows")
    return {
        "inputs": len(plan.inputs),
        **{name: plan.total(name) for name in names},
        "spooled": len(plan.spooled),
        "spooled_bytes": plan.spooled_bytes,
        "ledger_bytes": plan.ledger_bytes,
    }


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"--before: this is no date: {text[:40]}",
            command="bulkpost prune --before 2026-06-01 --dry-run",
        ) from None


def _size(size_bytes: int) -> str:
    if size_bytes < 1 << 20:
        return f"{size_bytes / 1024:.0f} KiB"
    return f"{size_bytes / (1 << 20):,.1f} MiB"

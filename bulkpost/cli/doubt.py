"""``bulkpost doubt``: list and decide rows whose fate is unknown."""

import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bulkpost.cli.options import Output, ledger_option, output_options, use_color, user
from bulkpost.cli.reconcile import reconcile
from bulkpost.errors import ConfigError, UsageError

_DOUBTS_DEFAULT: Final = 100
_WAIT_DEFAULT: Final = "10m"
_IN_DOUBT: Final = 5
_VERDICTS: Final = {
    "success": "SUCCESS",
    "failure": "FAILURE",
    "error": "ERROR",
    "not-received": "DEFERRED",
}
_EPILOG: Final = """\b
Exit status:
  0  done
  2  a row or an option is wrong; nothing was changed
  5  resend only: rows were left in doubt, because their last attempt is too young
  7  there is no ledger, or it is busy or damaged
"""


@click.group(epilog=_EPILOG)
def doubt() -> None:
    """List and decide rows whose fate is unknown.

    A row is in doubt when it was, or may have been, sent and no usable answer came: LeadConduit may
    have taken the lead or not. bulkpost never sends it again by itself. `reconcile` asks
    LeadConduit, if you have the API key of the flow's owner. Else look at the source's events
    around the time that `list` prints, and `resolve`; or accept that a lead may be paid twice, and
    `resend`.
    """


doubt.add_command(reconcile)


@doubt.command(name="list", epilog=_EPILOG)
@click.option("--run", "run_id", type=click.IntRange(min=1), help="Rows of this run only.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=_DOUBTS_DEFAULT,
    show_default=True,
    help="List at most this many.",
)
@ledger_option
@output_options
def list_(*, run_id: int | None, limit: int, ledger_path: Path, output: Output) -> None:
    """List the rows in doubt, each with the name by which the other commands take it."""
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.doubts import Doubt, doubt_count, doubts  # noqa: PLC0415
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    async def question(reader: LedgerReader) -> tuple[int, list[Doubt]]:
        if run_id is not None:
            await run_record(reader, run_id)
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        count = await doubt_count(reader, run_id=run_id, is_busy=is_busy)
        return count, await doubts(reader, limit, run_id=run_id, is_busy=is_busy)

    count, found = observe(ledger_path, question)
    if output.is_json:
        rows = [entry.to_dict() for entry in found]
        output.document({"message_type": "doubts", "count": count, "rows": rows})
        return
    if not found:
        output.say("No row is in doubt.")
        return
    from bulkpost.reporting import render  # noqa: PLC0415  # rich is slow to load

    render.print_on(render.console(color=use_color()), render.render_doubts(found))
    if count > len(found):
        output.say(f"{count - len(found):,} more: --limit {count}")
    _tell_how_to_decide(output, found, ledger_path)


@doubt.command(epilog=_EPILOG)
@click.argument("rows", nargs=-1, required=True, metavar="ROW...")
@click.option(
    "--as",
    "verdict",
    type=click.Choice(list(_VERDICTS)),
    required=True,
    help="What became of the lead. not-received: the next submit sends it.",
)
@click.option("--lead-id", metavar="HEX24", help="LeadConduit's id of the lead; for one ROW.")
@click.option("--note", metavar="TEXT", help="Where this is known from; kept, scrubbed.")
@ledger_option
@output_options
def resolve(*, rows: tuple[str, ...], ledger_path: Path, output: Output, **given: Any) -> None:
    """Write down what became of each ROW (INPUT:ROW, as `doubt list` prints it).

    All rows are resolved, or none. Who decided, when and the note stay in the ledger. A row that
    ended as an http_error can be resolved, too, but not as not-received.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.event_loop import run  # noqa: PLC0415
    from bulkpost.ledger.decisions import Resolution  # noqa: PLC0415
    from bulkpost.ledger.states import State  # noqa: PLC0415

    state = State[_VERDICTS[given["verdict"]]]
    resolution = Resolution(state, _checked_lead_id(given["lead_id"], rows, state), given["note"])
    count, command = run(partial(_resolve, ledger_path, rows, resolution))
    words = f"{_rows_text(count)} resolved as {given['verdict']}."
    _tell(output, words, {"resolved": count, "as": given["verdict"]}, command)


@doubt.command(epilog=_EPILOG)
@click.argument("rows", nargs=-1, metavar="[ROW...]")
@click.option("--all", "is_all", is_flag=True, help="All rows in doubt.")
@click.option("--run", "run_id", type=click.IntRange(min=1), help="With --all: of this run only.")
@click.option(
    "--wait",
    metavar="DURATION",
    default=_WAIT_DEFAULT,
    show_default=True,
    help="Leave rows in doubt whose last attempt is younger: LeadConduit may take 6 minutes for a "
    "lead, and one still under way cannot be found in its records.",
)
@click.option("--now", "is_now", is_flag=True, help="Do not wait, whatever the last attempt's age.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@ledger_option
@output_options
def resend(*, rows: tuple[str, ...], ledger_path: Path, output: Output, **given: Any) -> int:
    """Let the next submit send each ROW again (INPUT:ROW, as `doubt list` prints it).

    LeadConduit may have taken the lead already. Then it is there twice, and paid twice.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.event_loop import run  # noqa: PLC0415

    if bool(rows) == given["is_all"]:
        raise UsageError("name rows, or --all", command="bulkpost doubt list")
    if given["run_id"] is not None and rows:
        raise UsageError(
            "--run goes with --all only", command="bulkpost doubt resend --all --run 1"
        )
    age_ms_min = 0 if given["is_now"] else _milliseconds(given["wait"])
    if not _is_sure(rows, output, is_yes=given["yes"]):
        output.say("Nothing was released.")
        return 0
    sent, command = run(partial(_resend, ledger_path, rows or None, given["run_id"], age_ms_min))
    words = f"{_rows_text(sent.released)} released; the next submit sends what was released."
    if sent.held:
        from bulkpost.reporting.wording import time_text  # noqa: PLC0415  # as above

        words += (
            f"\n{_rows_text(sent.held)} left in doubt: the last attempt is younger than "
            f"{given['wait']}, and LeadConduit may still be at work. Try again after "
            f"{time_text(sent.held_until_ms)}, or add --now."
        )
    _tell(output, words, {"released": sent.released, "held": sent.held}, command)
    return _IN_DOUBT if sent.held else 0


async def _resolve(ledger_path: Path, rows: tuple[str, ...], resolution: Any) -> tuple[int, str]:
    from bulkpost.clock import SystemClock  # noqa: PLC0415  # as above
    from bulkpost.ledger.decisions import Author, open_for_decisions, resolve  # noqa: PLC0415

    clock = SystemClock()
    async with open_for_decisions(ledger_path, "doubt resolve", clock) as ledger:
        row_ids = await _row_ids(ledger, rows)
        author = Author(user(), "manual", int(clock.now_at().timestamp() * 1000))
        count = await resolve(ledger, row_ids, resolution, author)
        return count, await _next_command(ledger, row_ids[0])


async def _resend(
    ledger_path: Path, rows: tuple[str, ...] | None, run_id: int | None, age_ms_min: int
) -> tuple[Any, str]:
    from bulkpost.clock import SystemClock  # noqa: PLC0415  # as above
    from bulkpost.ledger.decisions import Author, open_for_decisions, resend  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    clock = SystemClock()
    async with open_for_decisions(ledger_path, "doubt resend", clock) as ledger:
        if run_id is not None:
            await run_record(ledger.reader, run_id)
        row_ids = None if rows is None else await _row_ids(ledger, rows)
        author = Author(user(), "resend", int(clock.now_at().timestamp() * 1000))
        sent = await resend(ledger, row_ids, author, run_id=run_id, age_ms_min=age_ms_min)
        return sent, await _next_command(ledger, row_ids[0] if row_ids else None)


async def _next_command(ledger: Any, row_id: int | None) -> str:
    from bulkpost.ledger.entries import input_id_of  # noqa: PLC0415  # as above
    from bulkpost.reporting.summary import next_after_decision  # noqa: PLC0415  # as above

    input_id = None if row_id is None else input_id_of(row_id)
    return await next_after_decision(ledger.reader, ledger.paths.database, input_id)


async def _row_ids(ledger: Any, rows: tuple[str, ...]) -> list[int]:
    from bulkpost.reporting.row_reference import parse_reference  # noqa: PLC0415  # as above

    found = await ledger.reader.fetch("SELECT id FROM input ORDER BY id")
    input_ids = [row[0] for row in found]
    return sorted({parse_reference(row, input_ids) for row in rows})


def _tell_how_to_decide(output: Output, found: Sequence[Any], ledger_path: Path) -> None:
    from bulkpost.destination import Kind  # noqa: PLC0415  # as above

    ledger = f"--ledger {shlex.quote(str(ledger_path))}"
    if any(entry.can_be_asked for entry in found):
        who = "" if _has_key() else ", with the API key of the flow's owner"
        output.say(f"\nAsk LeadConduit what became of them{who}:")
        output.say(f"  $ bulkpost doubt reconcile {ledger}")
    elif any(entry.kind == Kind.SUBMISSION for entry in found):
        output.say(
            "\nSent without a reference, they can be found by hand only. Next time send one, in a "
            "field that the flow has: bulkpost submit ... --reference FIELD"
        )
    output.say("\nLeadConduit took it, or did not:")
    output.say(f"  $ bulkpost doubt resolve {found[0].name} --as success --lead-id ID {ledger}")
    output.say(f"  $ bulkpost doubt resolve {found[0].name} --as not-received {ledger}")
    output.say("Send it again, and perhaps pay twice:")
    output.say(f"  $ bulkpost doubt resend {found[0].name} {ledger}")


def _has_key() -> bool:
    """Whether an API key is set, whatever it is worth."""
    from bulkpost.config import load  # noqa: PLC0415  # as above
    from bulkpost.records.settings import KEY_VARIABLE  # noqa: PLC0415  # as above

    if os.environ.get(KEY_VARIABLE):
        return True
    try:
        return bool(load(None).api.key_file)
    except ConfigError:  # this command needs no config
        return False


def _is_sure(rows: tuple[str, ...], output: Output, *, is_yes: bool) -> bool:
    if is_yes:
        return True
    what = f"these {len(rows):,} rows" if len(rows) > 1 else "this row" if rows else "all of them"
    warning = (
        f"LeadConduit may have taken {what} already. What is sent again may be there twice, "
        "and be paid twice."
    )
    if not output.is_terminal:
        raise UsageError(warning, advice="If you accept that, add -y.")
    output.say(warning)
    return click.confirm("Send again?", default=False, err=True)


def _checked_lead_id(lead_id: str | None, rows: tuple[str, ...], state: Any) -> str | None:
    from bulkpost.ledger.states import State  # noqa: PLC0415  # as above

    if lead_id is None:
        return None
    is_hex = len(lead_id) == 24 and all(char in "0123456789abcdefABCDEF" for char in lead_id)
    if not is_hex:
        raise UsageError(
            "a lead id is 24 hex digits", advice="Copy it from the lead's page in LeadConduit."
        )
    if len(rows) > 1:
        raise UsageError("--lead-id goes with one row", advice="Resolve the rows one by one.")
    if state is State.DEFERRED:
        raise UsageError(
            "a lead that has an id was received", advice="Resolve it as what LeadConduit says."
        )
    return lead_id.lower()


def _milliseconds(text: str) -> int:
    from bulkpost.sandbox.durations import parse_duration_s  # noqa: PLC0415  # as above

    try:
        return int(parse_duration_s(text) * 1000)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from None


def _tell(output: Output, words: str, numbers: dict[str, Any], command: str) -> None:
    if output.is_json:
        output.document({"message_type": "decision", **numbers, "next_command": command})
        return
    click.echo(words)
    output.say(f"Next:  {command}")


def _rows_text(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

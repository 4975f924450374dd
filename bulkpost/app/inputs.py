"""From names on a command line to inputs whose every row can become a lead."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread

from bulkpost.app.items import Items
from bulkpost.app.order import (
    SIGNAL_STATUS,
    STDIN,
    Batch,
    Observer,
    Order,
    RunResult,
    Stamp,
)
from bulkpost.app.steady import stamp_of
from bulkpost.destination import Destination
from bulkpost.engine.feed import Span, spans
from bulkpost.engine.intake import Intake, KnownInputs, take_in
from bulkpost.engine.job import ItemT
from bulkpost.errors import InputError
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import InputRecord, LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import REFUSED, State
from bulkpost.reading.formats import Compression, InputKind
from bulkpost.reading.inputs import resolve_inputs, spool_stdin
from bulkpost.reading.reader import Reader, open_reader
from bulkpost.redact import scrub_path
from bulkpost.reporting.status import ExitStatus
from bulkpost.reporting.summary import SPOOLED, run_record
from bulkpost.row import Position


async def input_paths(order: Order, spool: Path) -> list[Path]:
    """Return the files to read; standard input is first kept in a private one, in ``spool``."""
    named = [name for name in order.inputs if name != STDIN]
    paths = list(resolve_inputs(named)) if named or not order.inputs else []
    if STDIN in order.inputs:
        paths.append(await anyio.to_thread.run_sync(spool_stdin, sys.stdin.buffer, spool))
    return paths


def called(path: Path) -> str:
    """Return how an input is named in notes, which may end up in a log."""
    return "standard input" if SPOOLED.fullmatch(path.name) else scrub_path(path.name)


async def forget_spools(reader: LedgerReader, ledger_path: Path, runs: Sequence[RunResult]) -> None:
    """A spooled input is lead data: it stays only while rows of it may still be sent."""
    spool = LedgerPaths(ledger_path).spool
    keep = {ExitStatus.RESUMABLE, ExitStatus.STOPPED, ExitStatus.IN_DOUBT, ExitStatus.INTERNAL}
    keep |= set(SIGNAL_STATUS.values())
    for run in runs:
        if run.path.parent != spool or run.exit_status in keep:
            continue
        input_id = (await run_record(reader, run.run_id)).input_id
        if not await reader.fetch(sql("list_needed"), {"input_id": input_id}):
            await anyio.Path(run.path).unlink(missing_ok=True)


async def take_in_all(  # noqa: PLR0913, PLR0917  # where everything about inputs meets
    items: Items[ItemT],
    order: Order,
    paths: Sequence[Path],
    destination: Destination,
    inputs: KnownInputs,
    observer: Observer,
) -> list[Batch[ItemT]]:
    """Read and map every input before the first item of any is sent."""
    batches: list[Batch[ItemT]] = []
    for path in paths:
        stamp = stamp_of(path)
        reader = await anyio.to_thread.run_sync(open_reader, path, order.settings.input)
        if not reader.columns and reader.format.is_results:
            raise InputError(
                f"{called(path)} holds row numbers and verdicts, and no leads.",
                advice="Submit the list itself, or export it again with --join.",
            )
        if not reader.columns:
            observer.noted(f"{called(path)} is empty: there is nothing to submit")
            continue
        observer.noted(f"{called(path)}: {reader.format.description}")
        batch = await _taken_in(items, order, reader, destination, inputs, observer, batches, stamp)
        if any(batch.intake.record.digest == other.intake.record.digest for other in batches):
            observer.noted(f"{called(path)} has the content of an input before it: left out")
            continue
        batches.append(batch)
        for finding in batch.fit.columns.warnings:
            observer.noted(f"{called(path)}: {finding.message}. {finding.advice}".rstrip())
        if _may_be_cut(batch):
            observer.noted(
                f"{called(path)}: the last line has no line end. If the file was cut off, or is "
                "still being written, its last row is not whole"
            )
        await _note_rules(inputs, batch, observer)
    return batches


async def _taken_in(  # noqa: PLR0913, PLR0917  # where the inputs of one command meet
    items: Items[ItemT],
    order: Order,
    reader: Reader,
    destination: Destination,
    inputs: KnownInputs,
    observer: Observer,
    before: Sequence[Batch[ItemT]],
    stamp: Stamp,
) -> Batch[ItemT]:
    fit = items.fit(reader, order.settings, destination, order.as_of)
    # The packing is no part of the content, and none of how it is read.
    plain = replace(reader.format, compression=Compression.NONE)
    blank = InputRecord(
        id=0,
        destination=destination.name,
        digest="",
        size_bytes=0,
        rows=0,
        low_water=0,
        key_spec=fit.key_spec,
        map_digest=fit.rules_digest,
        duplicates=order.settings.duplicates,
        path=scrub_path(str(await anyio.Path(reader.path).resolve())),
        format=plain.description + (f"; {fit.reading}" if fit.reading else ""),
        kind=destination.kind,
    )

    def progress(rows: int) -> None:
        observer.surveyed(reader.path, rows)

    claimed = [batch.intake.record.id for batch in before if batch.intake.record.id]
    intake = await take_in(reader, inputs, blank, progress, claimed=claimed)
    if stamp_of(reader.path) != stamp:
        raise InputError(
            f"{reader.path.name} was changed while it was read.",
            advice="Wait until it is written completely, then run the same command again.",
        )
    return Batch(reader, fit, intake, stamp)


def _may_be_cut(batch: Batch[ItemT]) -> bool:
    """Tell whether a list that was read just now ends amid a line, for all that can be seen."""
    reader, intake = batch.reader, batch.intake
    is_text = reader.format.kind is not InputKind.PARQUET
    was_read = intake.bad_rows is not None and intake.record.rows > 0
    if not (is_text and was_read and reader.is_resumable):
        return False
    return not intake.marks or intake.marks[-1].position.row_number <= intake.record.rows


async def _note_rules(inputs: KnownInputs, batch: Batch[ItemT], observer: Observer) -> None:
    intake = batch.intake
    name = called(Path(intake.record.path))
    if intake.has_grown:
        observer.noted(f"{name}: a known input with rows added at its end")
    known, record = intake.known, intake.record
    if known is not None and intake.rules_changed and not known.differs_in_keys(record):
        observer.noted(
            f"{name}: other values are refused than in its last run; its rows that were refused "
            "are looked at again"
        )
    elif intake.rules_changed:
        observer.noted(
            f"{name}: columns are mapped or keyed otherwise than in its last run. Its own rows are "
            "not sent twice, but rows of other inputs submitted under the old rules are not "
            "recognised"
        )
    if known is not None or not isinstance(inputs, LedgerReader):
        return
    latest = await inputs.latest(record.kind, record.destination)
    if latest is None or not latest.differs_in_keys(record):
        return
    if batch.reader.format.is_results:
        observer.noted(
            f"{name}: other columns are sent than of the last input of this destination. `export` "
            "leaves out columns of social security numbers unless --include-ssn names them: these "
            "leads go without such a column. If columns are mapped otherwise, rows submitted "
            "before are not recognised. `bulkpost check` shows how many rows would be sent"
        )
    else:
        observer.noted(
            f"{name}: columns are mapped or keyed otherwise than in the last input of this "
            "destination, so rows submitted then are not recognised now. `bulkpost check` shows "
            "how many rows would be sent"
        )


async def parts_of(
    reader: LedgerReader, record: InputRecord, intake: Intake
) -> tuple[list[Span], int]:
    """Return what of an input is to be read, and how many rows that is."""
    low_water, open_rows, marks = 0, list[int](), list[Position]()
    if record.id:
        low_water = record.low_water
        again = await reader.open_rows(record.id, _looked_at_again(intake), low_water)
        open_rows = sorted({*again, *await reader.freed_rows(record.id, low_water)})
        marks = await reader.marks(record.id)
    *reread, rest = spans(marks, low_water, open_rows)
    # Rows that were written to the file since it was read belong to the next run.
    parts = [*reread, replace(rest, last=record.rows)]
    return parts, record.rows - low_water + len(open_rows)


async def settled_below(
    reader: LedgerReader, record: InputRecord, intake: Intake
) -> dict[State, int]:
    """Count the rows that are not read again."""
    if not record.id:
        return {}
    counts = Counter(await reader.state_counts(record.id, record.low_water))
    counts.subtract((await reader.freed_rows(record.id, record.low_water)).values())
    again = _looked_at_again(intake)
    return {state: count for state, count in counts.items() if state not in again}


def _looked_at_again(intake: Intake) -> frozenset[State]:
    """Refused rows fare as before unless the rules have changed, or their lead was set free."""
    deferred = frozenset({State.DEFERRED})
    if intake.rules_changed:
        return deferred | REFUSED
    if intake.record.duplicates == "submit":
        # A repeat of a row in doubt is held only as long as the doubt.
        return deferred | {State.DUPLICATE}
    return deferred

"""``retry``: rows are released in the ledger, then their input is submitted as always."""

import getpass
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from bulkpost.app.commands import submit
from bulkpost.app.feedback import settings_of_run
from bulkpost.app.leads import SANDBOX_ALIAS
from bulkpost.app.order import Observer, Order, SubmitResult
from bulkpost.clock import Clock, SystemClock
from bulkpost.config import changed, destination_of
from bulkpost.destination import Kind
from bulkpost.errors import InputError, UsageError
from bulkpost.ledger.decisions import Author, open_for_decisions, release
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.states import State
from bulkpost.outcome import OutcomeKind
from bulkpost.reading.digest import digest_content
from bulkpost.reporting.summary import RunRecord, run_record, summarise

RELEASABLE: Final = frozenset({OutcomeKind.HTTP_ERROR, OutcomeKind.FAILURE, OutcomeKind.ERROR})


async def retry(
    order: Order,
    run_id: int | None,
    kinds: frozenset[OutcomeKind],
    observer: Observer,
    clock: Clock | None = None,
) -> SubmitResult:
    """Submit again the rows of some outcomes.

    Args:
        order: As for ``submit``; without inputs, the run's own is used.
        run_id: Only rows that ended in this run; None for all rows of the latest run's input.
        kinds: http_error, failure, error.
        observer: Who is told and asked.
        clock: The machine's if None.

    Raises:
        UsageError: There is no such run, its input is not where it lay, or the destination of the
            settings is another one.
        LedgerError: As ``submit``.
    """
    assert kinds <= RELEASABLE, kinds
    clock = clock or SystemClock()
    async with open_for_decisions(order.ledger_path, "retry", clock) as ledger:
        record = await run_record(ledger.reader, run_id)
        order = await _aimed(order, record)
        await _check_input(ledger, order, record)
        if not await _is_confirmed(ledger, record, run_id, kinds, observer):
            return SubmitResult()
        author = Author(getpass.getuser(), "retry", round(clock.now_at().timestamp() * 1000))
        states = frozenset(State.of(kind) for kind in kinds)
        released = await release(ledger, record.input_id, states, author, run_id=run_id)
    observer.noted(f"{released:,} rows are submitted again")
    return await submit(order, observer, clock)


async def _aimed(order: Order, record: RunRecord) -> Order:
    """Return the order with the run's own input and destination where none is given."""
    # What is released is not new: a bound for new rows would refuse it when it is released already.
    order = replace(order, settings=changed(order.settings, {"night.expect_new": ""}))
    inputs = order.inputs or (record.input_path,)
    if not await anyio.Path(inputs[0]).is_file():
        raise InputError(
            f"the input of run {record.run} is not where it lay: {inputs[0]}",
            advice="Name the place where it lies now with --input PATH.",
        )
    order = replace(order, inputs=inputs)
    if record.kind == Kind.FEEDBACK:
        order = replace(order, kind=Kind.FEEDBACK, settings=settings_of_run(order.settings, record))
    if record.destination.startswith(SANDBOX_ALIAS):
        return replace(order, is_sandbox=True)
    if record.kind == Kind.FEEDBACK:
        return order
    settings = order.settings
    if not (settings.url or settings.flow_id or settings.map.route):
        return replace(order, settings=changed(settings, {"url": record.destination}))
    if destination_of(settings).name != record.destination:
        raise UsageError(
            f"run {record.run} went to {record.destination}, and the settings name another "
            "destination",
            advice="Leave out --url, or give the config that the run was made with.",
        )
    return order


async def _check_input(ledger: Ledger, order: Order, record: RunRecord) -> None:
    """Refuse another list: it would be sent instead, and what was released would stay behind."""
    known = await ledger.reader.growth_candidates(record.kind, record.destination)
    sizes = [entry.size_bytes for entry in known if entry.id == record.input_id]
    path = Path(order.inputs[0])
    found = await anyio.to_thread.run_sync(digest_content, path, order.settings.input, sizes)
    if record.input_sha256 not in {found.digest, *found.prefixes.values()}:
        raise InputError(
            f"{path} is not what run {record.run} submitted, or was changed since",
            advice="Nothing was released or sent. Name the list of that run with --input PATH. A "
            "list that was mended is submitted with `bulkpost submit`: rows that were changed are "
            "new leads, the others are recognised.",
        )


async def _is_confirmed(
    ledger: Ledger,
    record: RunRecord,
    run_id: int | None,
    kinds: frozenset[OutcomeKind],
    observer: Observer,
) -> bool:
    summary = await summarise(ledger.reader, record.run)
    counts = summary.counts if run_id is not None else summary.input_counts
    rows = sum(counts.get(kind, 0) for kind in kinds)
    name = Path(record.input_path).name
    if not rows:
        observer.noted(f"{name} has no such rows")
        return False
    if not observer.is_asking:
        return True
    what = "leads" if record.kind == Kind.SUBMISSION else "rows"
    return await observer.confirms(
        f"{rows:,} {what} of {name} are submitted, and paid, again. Go on?"
    )

"""``submit`` and ``check``, in the order in which things happen.

Destination, ledger, inputs, plan, run. What a person sees or is asked goes through an ``Observer``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
import anyio.to_thread

from bulkpost.app.examining import FindingsTarget, check_findings, examine
from bulkpost.app.feedback import FEEDBACK
from bulkpost.app.inputs import forget_spools, input_paths, take_in_all
from bulkpost.app.items import Items
from bulkpost.app.kept_flow import check_keys, news_of, source_authorization
from bulkpost.app.leads import LEADS
from bulkpost.app.open_files import allow_open_files
from bulkpost.app.order import Batch, Observer, Order, Preview, SubmitResult
from bulkpost.app.place import destination_for
from bulkpost.app.preview import preview_of
from bulkpost.app.submission import Submission
from bulkpost.checking.against_flow import FlowNews
from bulkpost.clock import Clock, SystemClock
from bulkpost.destination import Destination, Environment, Kind
from bulkpost.engine.allowance import Expected, parse_expected
from bulkpost.engine.deadline import deadline_of
from bulkpost.engine.intake import NoLedger
from bulkpost.engine.job import ItemT
from bulkpost.engine.plan import Plan
from bulkpost.errors import UnexpectedPlanError, unwrapped
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.ledger import Ledger, LedgerOptions, open_ledger
from bulkpost.ledger.paths import LedgerPaths, check_place, check_space
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.reader import open_reader as open_ledger_reader
from bulkpost.ledger.registry import Registry
from bulkpost.log import get_logger
from bulkpost.redact import scrub_path
from bulkpost.reporting.status import ExitStatus, worst
from bulkpost.reporting.wording import counted
from bulkpost.transport.http import HttpTransport

_ITEMS: Final[Mapping[Kind, Items[Any]]] = {Kind.SUBMISSION: LEADS, Kind.FEEDBACK: FEEDBACK}


async def submit(
    order: Order,
    observer: Observer,
    clock: Clock | None = None,
    result: SubmitResult | None = None,
) -> SubmitResult:
    """Submit every row of the inputs that was not submitted before.

    Args:
        order: What is asked for.
        observer: Who is told and asked.
        clock: The machine's if None.
        result: Filled in as far as the command comes, also if it fails.

    Raises:
        UsageError: Before anything was sent: a setting, an input or a column map is not usable.
        UnexpectedPlanError: Nor was anything sent: the inputs do not hold what was expected.
        LedgerError: The ledger may not be used, or failed; nothing was sent after that.
    """
    clock = clock or SystemClock()
    result = result or SubmitResult()
    items, order = _in_force(order)
    night = order.settings.night
    deadline = deadline_of(night.until, night.max_duration, clock.now_s(), clock.now_at())
    expected = parse_expected(night.expect_new)
    paths = await input_paths(order, LedgerPaths(order.ledger_path).spool)
    allow_open_files(order.settings.engine.concurrency, len(paths))
    async with destination_for(items, order, observer) as destination:
        items, news = await _informed(items, order, destination, observer)
        options = LedgerOptions(
            destination.environment,
            f"{order.command} {' '.join(scrub_path(name) for name in order.inputs)}",
            order.accept_rollback,
        )
        async with open_ledger(order.ledger_path, options, clock) as ledger:
            _note_opening(ledger, observer)
            fault_point("run.start")
            batches = await _sound_batches(items, order, paths, destination, ledger, observer)
            for batch in batches:
                names = [name for _, name in batch.fit.columns.fields]
                check_keys(news, names, order.settings.map.types)
            await _check_ledger(order, destination, ledger.reader)
            if not await _is_wanted(order, expected, destination, batches, ledger.reader, observer):
                return result
            _remember_ledger(order, destination)
            # Another ledger may have been first while this one was read, or its owner was asked.
            await _check_ledger(order, destination, ledger.reader)
            engine = order.settings.engine
            transport = HttpTransport(order.settings.transport, engine.concurrency, clock)
            async with transport:
                submission = Submission(
                    items, order, destination, ledger, transport, observer, deadline, result
                )
                await _run_all(submission, batches, result)
            await forget_spools(ledger.reader, order.ledger_path, result.runs)
    statuses = [result.exit_status, *(run.exit_status for run in result.runs)]
    result.exit_status = worst(statuses)
    return result


def _in_force(order: Order) -> tuple[Items[Any], Order]:
    """Return what an order sends, and the order with the settings that are in force for it."""
    items = _ITEMS[order.kind]
    return items, replace(order, settings=items.settings(order.settings))


async def _informed(
    items: Items[Any], order: Order, destination: Destination, observer: Observer
) -> tuple[Items[Any], FlowNews | None]:
    """Return what an order sends, with what is known of the flow that it goes to."""
    if order.kind is not Kind.SUBMISSION:
        return items, None
    authorization = source_authorization(order.settings)
    news = await news_of(order, destination, observer)
    return items.informed(news.flow if news is not None else None, authorization), news


async def _sound_batches(  # noqa: PLR0913, PLR0917  # where ledger and inputs meet
    items: Items[ItemT],
    order: Order,
    paths: Sequence[Path],
    destination: Destination,
    ledger: Ledger,
    observer: Observer,
) -> list[Batch[ItemT]]:
    """Take the inputs in while the ledger is looked through for damage."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.quick_check)
            batches = await take_in_all(items, order, paths, destination, ledger.reader, observer)
    except BaseExceptionGroup as group:
        raise unwrapped(group) from None
    records = [batch.intake.record for batch in batches]
    check_space(order.ledger_path, sum(record.rows - record.low_water for record in records))
    return batches


async def _run_all(
    submission: Submission[ItemT], batches: Sequence[Batch[ItemT]], result: SubmitResult
) -> None:
    """Submit one input after the other, until one ends before its end."""
    for batch in batches:
        result.runs.append(await submission.run(batch))
        if submission.is_over:
            break
    if len(result.runs) < len(batches):
        result.exit_status = ExitStatus.RESUMABLE


async def check(
    order: Order, observer: Observer, findings: FindingsTarget | None = None
) -> Preview:
    """Say what ``submit`` would do and how LeadConduit will read the values; send nothing.

    Nothing is written but the file of findings, if there is to be one.

    Raises:
        UsageError: As ``submit``, or the file of findings must not be written.
        LedgerError: The ledger that is there cannot be read, or there cannot be one.
    """
    items, order = _in_force(order)
    destination = (
        items.embedded(order.settings, "http://127.0.0.1")
        if order.is_sandbox
        else items.destination(order.settings)
    )
    items, news = await _informed(items, order, destination, observer)
    # A list that came through a pipe is lead data: it is kept for a submission, not for a look.
    with TemporaryDirectory(prefix="bulkpost-") as spool:
        paths = await input_paths(order, Path(spool))
        check_findings(order, paths, findings)
        if not await anyio.Path(order.ledger_path).exists():
            check_place(order.ledger_path)
            batches = await take_in_all(items, order, paths, destination, NoLedger(), observer)
            preview = await preview_of(order, destination, batches, None)
        else:
            async with open_ledger_reader(order.ledger_path) as reader:
                batches = await take_in_all(items, order, paths, destination, reader, observer)
                preview = await preview_of(order, destination, batches, reader)
        values = await examine(batches, observer, findings)
        return replace(preview, values=values, flow=news)


async def _check_ledger(order: Order, destination: Destination, reader: LedgerReader) -> None:
    """Refuse a live ledger that is new to a destination which another ledger knows."""
    if destination.environment is Environment.SANDBOX:
        return
    if not order.is_new_ledger and await reader.latest(destination.kind, destination.name) is None:
        Registry().check(destination.name, order.ledger_path)


def _remember_ledger(order: Order, destination: Destination) -> None:
    if destination.environment is Environment.LIVE:
        Registry().remember(destination.name, order.ledger_path)


async def _is_wanted(  # noqa: PLR0913, PLR0917  # what a plan is made of, and who looks at it
    order: Order,
    expected: Expected | None,
    destination: Destination,
    batches: Sequence[Batch[Any]],
    reader: LedgerReader,
    observer: Observer,
) -> bool:
    """Hold the plan against what was expected; ask before a first submission to a destination.

    Results that are submitted again are asked about, too: what a spreadsheet has changed in them
    besides what was mended makes other leads, and they would all be paid again.

    Raises:
        UnexpectedPlanError: It is not what was expected.
    """
    is_asking = observer.is_asking and destination.environment is not Environment.SANDBOX
    is_first = await reader.latest(destination.kind, destination.name) is None
    is_fed_back = any(batch.reader.format.is_results for batch in batches)
    must_ask = is_asking and (is_first or is_fed_back)
    if not must_ask and not is_fed_back and expected is None:
        return True
    preview = await preview_of(order, destination, batches, reader)
    _check_expected(expected, preview.plan)
    if is_fed_back:
        observer.noted(
            f"to be sent: {counted(preview.plan.to_send, 'row')}, not submitted yet or changed; "
            f"known already: {preview.plan.duplicate:,}"
        )
    return not must_ask or await observer.approves(preview)


def _check_expected(expected: Expected | None, plan: Plan) -> None:
    """Refuse to start if the inputs hold another number of new rows than was expected."""
    if expected is None or expected.holds(plan.new):
        return
    last = "" if expected.last is None else f"{expected.last:,}"
    raise UnexpectedPlanError(
        f"{plan.new:,} rows are new, and {expected.first:,}..{last} were expected; none was sent",
        advice="A list that is not today's, or another export of an old one, another column map or "
        "key makes rows new, or leaves none. `bulkpost check` says what would be sent. If it is "
        "right, give another --expect-new.",
    )


def _note_opening(ledger: Ledger, observer: Observer) -> None:
    recovery = ledger.recovery
    if ledger.is_new:
        observer.noted(f"new ledger: {ledger.paths.database}")
    if recovery.in_doubt or recovery.deferred:
        get_logger().info("recovered", count=recovery.in_doubt, rows=recovery.deferred)
        observer.noted(
            f"an earlier run died: {recovery.in_doubt} rows that it may have sent are in doubt, "
            f"{recovery.deferred} that surely were not taken are submitted again"
        )
    if recovery.rescued:
        observer.noted(f"{recovery.rescued} answers were imported from the rescue file")

"""How LeadConduit will read the values of the inputs, for ``check``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread

from bulkpost.app.inputs import called
from bulkpost.app.order import Batch, Observer, Order
from bulkpost.checking.examination import Examination, Found, ValueReport
from bulkpost.reporting.findings_file import check_findings_target, findings_file
from bulkpost.row import Row

Keep = Callable[[str, Iterable[Found]], None]


@dataclass(frozen=True, slots=True)
class FindingsTarget:
    """Where every finding is written.

    Attributes:
        path: The file; its suffix says the format.
        is_forced: Replace an existing one.
    """

    path: Path
    is_forced: bool = False


def check_findings(order: Order, paths: Sequence[Path], target: FindingsTarget | None) -> None:
    """Refuse a file of findings that must not be written.

    Raises:
        UsageError: As ``check_findings_target``.
    """
    if target is not None:
        check_findings_target(target.path, order.ledger_path, paths, is_forced=target.is_forced)


async def examine(
    batches: Sequence[Batch[Any]], observer: Observer, target: FindingsTarget | None
) -> tuple[ValueReport, ...]:
    """Read every value of every input, sent or not, and count what is found.

    Empty if nothing is found in values of this kind.
    """
    examined = [
        (batch, examination)
        for batch in batches
        if (examination := batch.fit.examination()) is not None
    ]
    with _kept(target) as keep:
        return tuple([await _examine(*each, observer, keep) for each in examined])


async def _examine(
    batch: Batch[Any], examination: Examination, observer: Observer, keep: Keep
) -> ValueReport:
    rows_max = batch.intake.record.rows  # what is added meanwhile belongs to the next run
    name, batches = called(batch.reader.path), batch.reader.batches()

    def step() -> bool:
        rows: Sequence[Row] | None = next(batches, None)
        for row in rows or ():
            if row.number > rows_max:
                return False
            keep(name, examination.add(row))
        return rows is not None

    while await anyio.to_thread.run_sync(step):
        observer.surveyed(batch.reader.path, examination.report.rows)
    return examination.report


@contextmanager
def _kept(target: FindingsTarget | None) -> Iterator[Keep]:
    if target is None:
        yield lambda _name, _found: None
        return
    with findings_file(target.path, is_forced=target.is_forced) as writer:
        yield writer.write

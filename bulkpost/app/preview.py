"""What a submission would do, counted without doing it."""

from collections.abc import Sequence
from typing import Final

from bulkpost.app.inputs import parts_of, settled_below
from bulkpost.app.leads import NO_SALT
from bulkpost.app.order import Batch, Order, Preview
from bulkpost.destination import Destination
from bulkpost.engine.feed import spans
from bulkpost.engine.job import ItemT
from bulkpost.engine.plan import Planner
from bulkpost.engine.sorter import Sorter
from bulkpost.ledger.reader import LedgerReader

_UNSTORED: Final = 1 << 20  # numbers for inputs that the ledger does not have yet


async def preview_of(
    order: Order,
    destination: Destination,
    batches: Sequence[Batch[ItemT]],
    reader: LedgerReader | None,
) -> Preview:
    """Count what is due to every row of the inputs; ``reader`` is None where there is no ledger."""
    settings = order.settings
    meta = await reader.meta() if reader is not None else {}
    salt, ledger_id = meta.get("key_salt", NO_SALT), meta.get("ledger_id", NO_SALT)
    planner: Planner[ItemT] = Planner(submit_duplicates=settings.duplicates == "submit")
    with planner:
        for number, batch in enumerate(batches, start=1):
            record = batch.intake.record
            input_id = record.id or _UNSTORED + number
            prepare = batch.fit.preparation(salt, ledger_id, input_id)
            if reader is None:
                await planner.add(
                    Sorter.unknowing(prepare, input_id), batch.reader, spans([], 0, [])
                )
                continue
            sorter = Sorter(
                reader,
                prepare,
                input_id,
                last_known_row=await reader.last_row(record.id) if record.id else 0,
                submit_duplicates=settings.duplicates == "submit",
            )
            parts, _ = await parts_of(reader, record, batch.intake)
            for state, count in (await settled_below(reader, record, batch.intake)).items():
                planner.plan.count(state, count)
            await planner.add(sorter, batch.reader, parts)
    latency_s = await reader.mean_latency_s() if reader is not None else None
    is_first = reader is None or await reader.latest(destination.kind, destination.name) is None
    return Preview(destination, tuple(batches), planner.plan, latency_s, is_first)

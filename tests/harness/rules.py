"""The invariants that judge a crash: what the server took against what the ledger holds.

I1  no lead is at the server twice, except as often as its row's ambiguous retries say
I2  every lead at the server has an intent or an outcome
I3  every success, failure and error is at the server, with the same lead id
I4  one crash leaves no more rows armed than there are workers
I5  every row has exactly one state, and the states add up to the rows
I6  the ledger is sound, and no lead data stands in any file beside the input
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from bulkpost.ledger.states import ANSWERED, REFUSED, State
from harness.judge import Flow
from harness.lists import CANARIES
from harness.snapshot import Place, RowOnDisk, Snapshot

Places = Mapping[str, Collection[Place]]  # by a lead's name, the rows that hold it
SENT_NEVER = REFUSED | {State.PENDING}


def after_crash(found: Snapshot, flow: Flow, places: Places, concurrency: int) -> list[str]:
    """Return what is wrong with a ledger whose run has just died."""
    return [*too_many_armed(found, concurrency), *always(found, flow, places)]


def too_many_armed(found: Snapshot, concurrency: int) -> list[str]:
    """I4."""
    armed = sum(row.state is State.ARMED for row in found.intents.values())
    return [f"I4: {armed} rows are armed by {concurrency} workers"] if armed > concurrency else []


def always(
    found: Snapshot,
    flow: Flow,
    places: Places,
    granted: Mapping[str, int] = MappingProxyType({}),
    forgotten: Collection[str] = (),
) -> list[str]:
    """Return what is wrong with a ledger, whenever it is looked at.

    Args:
        found: The ledger.
        flow: What the server took.
        places: The rows of each lead.
        granted: How many times more than its row tells a lead may be at the server.
        forgotten: Leads that went out after the copy was made which is the ledger now.
    """
    taken = flow.ids()
    wrong = [f"I6: integrity: {found.integrity}"] if found.integrity != "ok" else []
    both = found.outcomes.keys() & found.intents.keys()
    wrong += [f"I5: row {place} has an intent and an outcome" for place in sorted(both)]
    for reference, lead_ids in taken.items():
        rows = [row for place in places.get(reference, ()) if (row := _row(found, place))]
        if all(row.state in SENT_NEVER for row in rows) and reference not in forgotten:
            wrong.append(f"I2: {reference} is at the server, and its row is unsent")
        elif len(lead_ids) > 1 + sum(row.ambiguous for row in rows) + granted.get(reference, 0):
            wrong.append(f"I1: {reference} is at the server {len(lead_ids)} times: {rows}")
    by_place = {
        place: taken.get(reference, []) for reference in places for place in places[reference]
    }
    for place, row in found.outcomes.items():
        if row.state in ANSWERED and row.lead_id not in by_place[place]:
            wrong.append(f"I3: row {place} is {row.state.name}, its lead id is not the server's")
    return wrong


def at_the_end(found: Snapshot, flow: Flow, places: Places) -> list[str]:
    """Return what is wrong once nothing is left to do."""
    return [*always(found, flow, places), *unaccounted(found)]


def unaccounted(found: Snapshot) -> list[str]:
    """I5, once nothing is left to do."""
    wrong = [f"I5: row {place} is still {row.state.name}" for place, row in found.intents.items()]
    for input_id, (rows, _) in found.inputs.items():
        ended = sum(place[0] == input_id for place in found.outcomes)
        if ended != rows:
            wrong.append(f"I5: {ended} of the {rows} rows of input {input_id} have an outcome")
    return wrong


def leaks(folder: Path, inputs: Iterable[Path], flow: Flow) -> list[str]:
    """Return the files of a folder in which lead data stands, but for those that must hold it."""
    holders = {path.resolve() for path in (*inputs, flow.log)}
    return [
        f"I6: {canary.decode()} stands in {path.name}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.resolve() not in holders
        for content in [path.read_bytes()]
        for canary in CANARIES
        if canary in content
    ]


def _row(found: Snapshot, place: Place) -> RowOnDisk | None:
    return found.intents.get(place) or found.outcomes.get(place)

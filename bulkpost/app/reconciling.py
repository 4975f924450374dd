"""``doubt reconcile``: asks LeadConduit about every row whose fate is unknown.

A row at a time: what LeadConduit's records say is committed before the next one is asked about, so
that it may be stopped whenever and goes on where it stood. Nothing of the answers is kept but
outcome, scrubbed reason, price, lead id and event id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bulkpost.app.leads import SANDBOX_ALIAS
from bulkpost.app.records_client import ApiClient, access_for, open_api
from bulkpost.clock import Clock
from bulkpost.config import Settings
from bulkpost.ledger.decisions import Author, open_for_decisions, resolve
from bulkpost.ledger.ledger import Ledger
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import LedgerReader, open_reader
from bulkpost.log import get_logger
from bulkpost.records.answers import SourceEvent
from bulkpost.records.questions import Access, EventQuery, Rule
from bulkpost.reporting.doubts import doubt_count
from bulkpost.reporting.history import is_run_going_on
from bulkpost.reporting.reconciled import (
    Finding,
    Reconciled,
    Seen,
    from_control,
    from_nothing,
    from_seen,
    unaskable,
)
from bulkpost.reporting.sought import Choice, Seeker, SoughtRow
from bulkpost.reporting.summary import run_record

_ROWS_AT_ONCE: Final = 500
_HITS_LOOKED_AT_MAX: Final = 10
_STANDARD_FIELD: Final = "reference"
# This machine's clock and LeadConduit's need not agree, and an attempt takes up to ten minutes.
_MARGIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is to be found out, and what is done with it.

    Attributes:
        choice: Which rows.
        settle_ms: A row tried later than this ago is not offered as not received.
        who: Name of the operating system's user.
        is_dry: Ask, and write nothing.
    """

    choice: Choice
    settle_ms: int
    who: str
    is_dry: bool = False


@dataclass(slots=True)
class Reconciliation:
    """What came of it.

    Attributes:
        counts: Rows by finding.
        resolved: Rows that were written down.
        rows_left: Rows in doubt that are left in the ledger, whether sought or not.
    """

    counts: dict[Finding, int] = field(default_factory=dict)
    resolved: int = 0
    rows_left: int = 0


async def reconcile(
    ledger_path: Path,
    settings: Settings,
    inquiry: Inquiry,
    tell: Callable[[Reconciled], None],
    clock: Clock,
) -> Reconciliation:
    """Ask about every row that is sought, and write down what is a fact.

    Args:
        ledger_path: The ledger; it is locked meanwhile, but for a dry run.
        settings: Whom to ask, and how.
        inquiry: About what.
        tell: Told of each row, once it is committed.
        clock: Times and waits.

    Raises:
        LedgerError: There is no ledger, or it cannot be used.
        ConfigError: There is no API key, or it is not accepted.
        ApiError: LeadConduit did not answer. What was found out before is kept.
    """
    result = Reconciliation()
    if inquiry.is_dry:
        async with open_reader(ledger_path) as reader:
            is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)

            async def noted(found: Reconciled) -> None:
                _note(result, found, tell)

            await _ask_all(_Asked(reader, settings, inquiry, is_busy), clock, noted)
            result.rows_left = await doubt_count(reader, is_busy=is_busy)
        return result
    async with open_for_decisions(ledger_path, "doubt reconcile", clock) as ledger:

        async def written(found: Reconciled) -> None:
            result.resolved += await _write_down(ledger, inquiry, found, clock)
            _note(result, found, tell)

        await _ask_all(_Asked(ledger.reader, settings, inquiry, is_busy=False), clock, written)
        result.rows_left = await doubt_count(ledger.reader, is_busy=False)
    return result


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about, of which ledger; busy if a run is going on beside it."""

    reader: LedgerReader
    settings: Settings
    inquiry: Inquiry
    is_busy: bool


async def _ask_all(
    asked: _Asked, clock: Clock, take: Callable[[Reconciled], Awaitable[None]]
) -> None:
    """Hand on what is found out about each row, before the next one is asked about."""
    reader, choice = asked.reader, asked.inquiry.choice
    if choice.run_id is not None:
        await run_record(reader, choice.run_id)
    seeker = Seeker(reader, (await reader.meta())["ledger_id"])
    async with open_api(asked.settings, clock) as client:
        inspector = Inspector(seeker, client, asked.settings, asked.inquiry.settle_ms, clock)
        after = -1
        while rows := await seeker.rows(
            choice, after=after, rows_max=_ROWS_AT_ONCE, is_busy=asked.is_busy
        ):
            for row in rows:
                await take(await inspector.inspect(row))
            after = rows[-1].row_id


@dataclass(slots=True)
class Inspector:
    """Finds out about one row after the other.

    Attributes:
        seeker: What the ledger knows.
        client: Asks LeadConduit.
        settings: Whom to ask.
        settle_ms: See ``Inquiry``.
        clock: What time it is.
    """

    seeker: Seeker
    client: ApiClient
    settings: Settings
    settle_ms: int
    clock: Clock
    _accesses: dict[str, Access] = field(default_factory=dict, init=False)
    _controls: dict[int, bool] = field(default_factory=dict, init=False)

    async def inspect(self, row: SoughtRow) -> Reconciled:
        """Find out what is known about a row.

        Raises:
            ConfigError: LeadConduit cannot be asked.
            ApiError: It did not answer.
        """
        is_embedded = row.destination.startswith(f"{SANDBOX_ALIAS}/")
        known = unaskable(row, is_embedded=is_embedded)
        if known is not None:
            return known
        now_ms = int(self.clock.now_at().timestamp() * 1000)
        seen = await self._looked_for(row, thoroughly=now_ms - row.last_ms >= self.settle_ms)
        found = from_seen(row, seen) or from_nothing(row, now_ms, self.settle_ms)
        if found is not None:
            return found
        control = await self.seeker.control_of(row)
        is_found = control is not None and await self._is_there(control)
        return from_control(row, control, is_found=is_found)

    async def _is_there(self, control: SoughtRow) -> bool:
        """Whether a lead that LeadConduit took is found by its reference."""
        known = self._controls.get(control.row_id)
        if known is None:
            by_reference = replace(control, lead_id=None)
            seen = await self._looked_for(by_reference, thoroughly=True)
            lead_ids = {event.lead_id for event in seen.events} | set(seen.lead_ids)
            known = self._controls[control.row_id] = control.lead_id in lead_ids
        return known

    async def _looked_for(self, row: SoughtRow, *, thoroughly: bool) -> Seen:
        """Return what LeadConduit has of a row: by reference, by lead id, by search."""
        access = self._access(row)
        found: dict[str, SourceEvent] = {}
        for reference in row.references:
            rule = (f"lead.{reference.field}", reference.text)
            events = await self.client.events(access, self._query(row, rule))
            found |= {event.id: event for event in events if _is_of(event, row)}
        if not found and row.lead_id:
            found |= await self._events_of(access, row.lead_id, row)
        lead_ids: list[str] = []
        if not found and thoroughly:
            found, lead_ids = await self._searched(access, row)
        return await self._own(row, found, lead_ids)

    async def _searched(
        self, access: Access, row: SoughtRow
    ) -> tuple[dict[str, SourceEvent], list[str]]:
        """Find a row's leads by full text; what has no event is returned by its lead id."""
        found: dict[str, SourceEvent] = {}
        held: list[str] = []
        for reference in row.references:
            hits = await self.client.search(access, reference.text)
            for hit in hits[:_HITS_LOOKED_AT_MAX]:
                if not _is_flow_of(hit.flow_id, row) or (
                    reference.field == _STANDARD_FIELD
                    and hit.reference not in {None, reference.text}
                ):
                    continue
                events = await self._events_of(access, hit.lead_id, row)
                found |= events
                if not events:
                    held.append(hit.lead_id)
        return found, held

    async def _events_of(
        self, access: Access, lead_id: str, row: SoughtRow
    ) -> dict[str, SourceEvent]:
        query = self._query(row, ("lead.id", lead_id))
        if query.rules:  # an id names one lead, whatever this machine's clock said
            query = EventQuery(query.rules)
        events = await self.client.events(access, query)
        return {
            event.id: event
            for event in events
            if event.lead_id == lead_id and _is_flow_of(event.flow_id, row)
        }

    def _query(self, row: SoughtRow, rule: Rule) -> EventQuery:
        """Return the question for events of a row's time, by a rule if LeadConduit takes rules."""
        rules = (rule,) if self.settings.api.rules else ()
        return EventQuery(rules, _moment(row.first_ms) - _MARGIN, _moment(row.last_ms) + _MARGIN)

    async def _own(
        self, row: SoughtRow, found: dict[str, SourceEvent], lead_ids: list[str]
    ) -> Seen:
        """Leave out what is known to come from another sending."""
        ids = {event.lead_id for event in found.values() if event.lead_id} | set(lead_ids)
        others = await self.seeker.sent_otherwise(row, sorted(ids)) if ids else frozenset()
        events = [event for _, event in sorted(found.items()) if event.lead_id not in others]
        return Seen(
            tuple(events),
            tuple(lead for lead in lead_ids if lead not in others),
            has_earlier=bool(events) and await self.seeker.was_answered_unnamed(row),
        )

    def _access(self, row: SoughtRow) -> Access:
        parts = urlsplit(row.destination)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._accesses:
            self._accesses[origin] = access_for(self.settings, origin)
        return self._accesses[origin]


async def _write_down(ledger: Ledger, inquiry: Inquiry, found: Reconciled, clock: Clock) -> int:
    if found.resolution is None:
        return 0
    author = Author(inquiry.who, "reconciled", int(clock.now_at().timestamp() * 1000))
    count = await resolve(ledger, [found.row.row_id], found.resolution, author)
    get_logger().info("doubt_reconciled", row=found.row.name, outcome=found.resolution.state.name)
    return count


def _note(result: Reconciliation, found: Reconciled, tell: Callable[[Reconciled], None]) -> None:
    result.counts[found.finding] = result.counts.get(found.finding, 0) + 1
    tell(found)


def _is_of(event: SourceEvent, row: SoughtRow) -> bool:
    """Whether an event is one of a row's: by its own words, not because it was asked for."""
    return _is_flow_of(event.flow_id, row) and any(
        event.carries(reference.field, reference.text) for reference in row.references
    )


def _is_flow_of(flow_id: str | None, row: SoughtRow) -> bool:
    """Whether a flow is the one that the row went to; another may have got the lead from it."""
    return row.flow_id in {"*", flow_id}


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)

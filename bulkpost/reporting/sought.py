"""Rows whose fate is to be found out, with all that LeadConduit can be asked about them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bulkpost.destination import Kind
from bulkpost.ledger.entries import input_id_of, row_id_of, row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import State
from bulkpost.mapping.identity import key_of_place, reference_of
from bulkpost.reporting.row_reference import reference_text

_SETTINGS_MAX = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """What a lead was sent with, to be found by.

    Attributes:
        field: The field that carries it.
        text: The reference.
    """

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class SoughtRow:
    """A row that was sent, or perhaps was.

    Attributes:
        row_id: The ledger's number for it.
        state: IN_DOUBT or HTTP_ERROR.
        kind: What its destination takes.
        destination: Name of its destination.
        key: Its identity.
        first_ms: When its first attempt ended, milliseconds since 1970.
        last_ms: When its last attempt began or ended.
        lead_id: LeadConduit's id, if one could be salvaged from a broken answer.
        run: The run that sent it last.
        references: What it was sent with; empty if without any.
    """

    row_id: int
    state: State
    kind: str
    destination: str
    key: bytes
    first_ms: int
    last_ms: int
    lead_id: str | None
    run: int
    references: tuple[Reference, ...]

    @property
    def name(self) -> str:
        """The row as it is named on the command line."""
        return reference_text(self.row_id)

    @property
    def flow_id(self) -> str:
        """The flow that it went to; "*" if each row of its list names one, which nobody keeps."""
        return self.destination.partition("/flows/")[2].partition("/")[0]

    @property
    def can_be_asked(self) -> bool:
        """Whether there is anything by which LeadConduit could know it."""
        return self.kind == Kind.SUBMISSION and bool(self.references or self.lead_id)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are sought.

    Attributes:
        run_id: Those that this run sent last; None for all.
        since_ms: Those tried at or after this time, milliseconds since 1970; None for all.
        with_http_errors: Rows held as http_error, too.
    """

    run_id: int | None = None
    since_ms: int | None = None
    with_http_errors: bool = False


@dataclass(frozen=True, slots=True)
class Seeker:
    """Asks a ledger for rows that are sought, and what it knows of them.

    Attributes:
        reader: The ledger.
        ledger_id: Its own id: part of every reference.
    """

    reader: LedgerReader
    ledger_id: bytes

    async def rows(
        self, choice: Choice, *, after: int, rows_max: int, is_busy: bool = False
    ) -> list[SoughtRow]:
        """Return the next rows in their order.

        Args:
            choice: Which ones.
            after: Only rows behind this ``row_id``.
            rows_max: At most so many.
            is_busy: A run is going on: what is armed is under way.
        """
        params = {
            "after": after,
            "run_id": choice.run_id,
            "since_ms": choice.since_ms,
            "with_http_errors": choice.with_http_errors,
            "with_armed": not is_busy,
            "rows_max": rows_max,
        }
        found = await self.reader.fetch(sql("sought_rows"), params)
        return [await self._sought(row) for row in found]

    async def control_of(self, row: SoughtRow) -> SoughtRow | None:
        """Return a row of the same run that LeadConduit surely has, as if it were sought.

        If that one is not found by its reference, nothing follows from another not being found.
        """
        input_id = input_id_of(row.row_id)
        params = {
            "row_id": row.row_id,
            "run_id": row.run,
            "first": row_id_of(input_id, 1),
            "last": row_id_of(input_id + 1, 1) - 2,
        }
        found = await self.reader.fetch(sql("sought_control"), params)
        if not found:
            return None
        row_id, key, lead_id, at_ms = found[0]
        return await self._sought(
            (row_id, State.SUCCESS, row.kind, row.destination, key, at_ms, lead_id, row.run)
        )

    async def sent_otherwise(self, row: SoughtRow, lead_ids: Sequence[str]) -> frozenset[str]:
        """Return which of some lead ids are known to come from another sending than this row's."""
        params = {"key": row.key, "row_id": row.row_id, "lead_ids": json.dumps(list(lead_ids))}
        found = await self.reader.fetch(sql("sought_elsewhere"), params)
        return frozenset(row[0] for row in found)

    async def was_answered_unnamed(self, row: SoughtRow) -> bool:
        """Return whether a row was answered without a lead id before it was released."""
        found = await self.reader.fetch(sql("sought_earlier"), {"row_id": row.row_id})
        return bool(found[0][0])

    async def _sought(self, row: Sequence[Any]) -> SoughtRow:
        row_id, state, kind, destination, key, last_ms, lead_id, run = row
        params = {"row_id": row_id, "run_id": run, "last_ms": last_ms}
        tried = (await self.reader.fetch(sql("sought_attempts"), params))[:_SETTINGS_MAX]
        references = [_reference(settings, self.ledger_id, key, row_id) for settings, _ in tried]
        return SoughtRow(
            row_id=row_id,
            state=State(state),
            kind=kind,
            destination=destination,
            key=key or b"",
            first_ms=min([last_ms, *(at_ms for _, at_ms in tried)]),
            last_ms=last_ms,
            lead_id=lead_id,
            run=run,
            references=tuple(dict.fromkeys(found for found in references if found is not None)),
        )


def _reference(settings: str, ledger_id: bytes, key: bytes | None, row_id: int) -> Reference | None:
    """Return what a run sent a row with; the run's settings say whether, where and by what rule."""
    try:
        known = json.loads(settings)
    except ValueError:
        return None
    field_name = known.get("reference") if isinstance(known, dict) else None
    if not isinstance(field_name, str) or not field_name or not key:
        return None
    if known.get("duplicates") == "submit":
        key = key_of_place(key, input_id_of(row_id), row_number_of(row_id))
    return Reference(field_name, reference_of(ledger_id, key))

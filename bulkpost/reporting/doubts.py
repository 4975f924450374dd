"""Rows whose fate is unknown, with all that helps to find out."""

import json
from dataclasses import dataclass
from typing import Any, Final

from bulkpost.destination import Kind
from bulkpost.ledger.entries import input_id_of, row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.reporting.row_reference import reference_text
from bulkpost.reporting.wording import iso_text

_DIED: Final = "the run ended before an answer was recorded"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row in doubt.

    Attributes:
        row_id: The ledger's number for it.
        input_path: Where its input lay, scrubbed.
        run: The run that sent it.
        since_ms: When its last attempt began or ended, milliseconds since 1970.
        attempts: How often it was tried.
        http_status: Status of the last answer; None if there was none.
        reason: Why it is in doubt.
        lead_id: LeadConduit's id, if one could be salvaged from a broken answer.
        reference_field: Field that carries the lead's reference; None if none was sent.
        kind: What its destination takes: leads or feedback.
    """

    row_id: int
    input_path: str
    run: int
    since_ms: int
    attempts: int
    http_status: int | None
    reason: str | None
    lead_id: str | None
    reference_field: str | None
    kind: str = Kind.SUBMISSION

    @property
    def can_be_asked(self) -> bool:
        """Whether there is anything by which LeadConduit could know it."""
        return self.kind == Kind.SUBMISSION and bool(self.reference_field or self.lead_id)

    @property
    def name(self) -> str:
        """The row as it is named on the command line."""
        return reference_text(self.row_id)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "row": self.name,
            "input_id": input_id_of(self.row_id),
            "row_number": row_number_of(self.row_id),
            "input": self.input_path,
            "run": self.run,
            "since": iso_text(self.since_ms),
            "attempts": self.attempts,
            "http_status": self.http_status,
            "reason": self.reason,
            "lead_id": self.lead_id,
            "reference_field": self.reference_field,
        }


async def doubts(
    reader: LedgerReader, doubts_max: int, *, run_id: int | None = None, is_busy: bool
) -> list[Doubt]:
    """Return rows in doubt, in the order of inputs and rows.

    Args:
        reader: The ledger.
        doubts_max: At most so many.
        run_id: Of this run only; None for all.
        is_busy: A run is going on: what is armed is under way. Otherwise the run that armed it has
            died, and it is in doubt, although no recovery has written that down yet.
    """
    params = {"run_id": run_id, "rows_max": doubts_max, "with_armed": not is_busy}
    return [_doubt(row) for row in await reader.fetch(sql("doubts"), params)]


async def doubt_count(reader: LedgerReader, *, run_id: int | None = None, is_busy: bool) -> int:
    """Count the rows in doubt. See ``doubts``."""
    params = {"run_id": run_id, "with_armed": not is_busy}
    return int((await reader.fetch(sql("doubt_count"), params))[0][0])


def _doubt(row: tuple[Any, ...]) -> Doubt:
    row_id, path, run, since_ms, attempts, status, reason, lead_id, settings, is_armed, kind = row
    return Doubt(
        row_id=row_id,
        input_path=path,
        run=run,
        since_ms=since_ms,
        attempts=attempts,
        http_status=status,
        reason=_DIED if is_armed else reason,
        lead_id=lead_id or None,
        reference_field=_reference_of(settings),
        kind=kind,
    )


def _reference_of(settings: str) -> str | None:
    try:
        known = json.loads(settings)
    except ValueError:
        return None
    field = known.get("reference") if isinstance(known, dict) else None
    return field if isinstance(field, str) and field else None

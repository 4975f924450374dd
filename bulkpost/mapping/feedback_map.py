"""Which columns say what about which event, and a row turned into feedback by them.

Three columns count, whatever else a list has: the event's id, the type, the reason. A row that does
not say them clearly is refused; nothing is guessed.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bulkpost.destination import Destination
from bulkpost.errors import MappingError
from bulkpost.feedback import Feedback, FeedbackType
from bulkpost.finding import Finding
from bulkpost.lead import LeadFormat
from bulkpost.mapping.assignment import looks_like_data, shown, trimmed
from bulkpost.mapping.carriage import unfit_for
from bulkpost.mapping.closest import did_you_mean
from bulkpost.mapping.refusal import Refusal, defect_of
from bulkpost.mapping.settings import FeedbackSettings
from bulkpost.row import Row

_EVENT_ID, _TYPE, _REASON = "event_id", "type", "reason"
_EVENT_ID_FORM = re.compile(r"[0-9a-f]{24}")
_OPTIONS = {_EVENT_ID: "--event-id-column", _TYPE: "--type-column", _REASON: "--reason-column"}


@dataclass(frozen=True, slots=True)
class FeedbackMap:
    """The columns of one input that make feedback.

    Attributes:
        columns: The input's header as read.
        destination: Where feedback goes.
        fields: (column index, field name) of the columns that count, in their order.
        type: What every row says that does not say it itself; None if each must.
        dropped: Headers of the other columns; they are not sent.
        lead_format: How feedback is written, which rules out some texts.
    """

    columns: tuple[str, ...]
    destination: Destination
    fields: tuple[tuple[int, str], ...]
    type: FeedbackType | None
    dropped: tuple[str, ...]
    lead_format: LeadFormat
    reference: str = ""
    ssn_fields: frozenset[str] = frozenset()
    warnings: tuple[Finding, ...] = ()

    @property
    def constants(self) -> tuple[tuple[str, str], ...]:
        """What every row says that does not say it itself."""
        return () if self.type is None else ((_TYPE, self.type.value),)

    @property
    def digest(self) -> str:
        """SHA-256, lower-case hex, over what decides whether a row is refused."""
        is_xml = self.lead_format is LeadFormat.XML
        named = sorted((name, trimmed(self.columns[index])) for index, name in self.fields)
        spelled = json.dumps([named, self.constants, is_xml])
        return hashlib.sha256(spelled.encode()).hexdigest()

    def feedback(self, row: Row) -> Feedback | Refusal:
        """Return what a row sends, or why it is not sent. Outer spaces count nowhere."""
        refusal = defect_of(row, self.columns)
        if refusal is not None:
            return refusal
        texts = {name: trimmed(row.cells[index]) for index, name in self.fields}
        event_id = texts[_EVENT_ID].lower()
        if not event_id:
            return Refusal("there is no event id")
        if _EVENT_ID_FORM.fullmatch(event_id) is None:
            return Refusal("the event id is not 24 hex digits")
        said = self._type_of(texts.get(_TYPE, "").lower())
        if isinstance(said, Refusal):
            return said
        reason = texts.get(_REASON, "")
        refusal = _unfit(reason, self.lead_format)
        return refusal or Feedback(row.number, self.destination, event_id, said, reason)

    def _type_of(self, cell: str) -> FeedbackType | Refusal:
        if not cell:
            return self.type or Refusal("there is no type")
        if cell not in list(FeedbackType):
            return Refusal("the type is neither return nor conversion")
        said = FeedbackType(cell)
        if self.type is not None and said is not self.type:
            return Refusal(f"its type is {said.value}, and every row is to be a {self.type.value}")
        return said


def build_feedback_map(
    columns: Sequence[str],
    settings: FeedbackSettings,
    destination: Destination,
    unusable_columns: Iterable[tuple[str, str]] = (),
    lead_format: LeadFormat = LeadFormat.FORM,
) -> FeedbackMap:
    """Find the columns of the event's id, the type and the reason.

    Args:
        columns: The input's header.
        settings: What they are called.
        destination: Where feedback goes.
        unusable_columns: (header, why) of columns that cannot be turned into text; an error if
            they are needed.
        lead_format: How feedback is written.

    Raises:
        MappingError: There is no event id or no type, or a column is not there, or there twice.
    """
    found = {
        _EVENT_ID: _place(columns, settings.event_id_column, _EVENT_ID),
        _TYPE: _place(columns, settings.type_column, _TYPE),
        _REASON: _place(columns, settings.reason_column, _REASON),
    }
    if found[_EVENT_ID] is None:
        raise MappingError(
            f"no column is called {_EVENT_ID}{_meant(_EVENT_ID, columns)}",
            advice="Feedback goes by the id of the recipient event, not by the lead id. Say which "
            "column has it: --event-id-column COLUMN.",
        )
    if found[_TYPE] is None and not settings.type:
        raise MappingError(
            f"nothing says what the feedback is{_meant(_TYPE, columns)}",
            advice="Give --type return or --type conversion, or say which column has it: "
            "--type-column COLUMN.",
        )
    fields = sorted((index, name) for name, index in found.items() if index is not None)
    used = {columns[index] for index, _ in fields}
    for name, why in unusable_columns:
        if name in used:
            raise MappingError(f"the column '{shown(name)}' cannot be sent: {why}")
    indexes = {index for index, _ in fields}
    dropped = tuple(name for index, name in enumerate(columns) if index not in indexes)
    said = FeedbackType(settings.type) if settings.type else None
    return FeedbackMap(tuple(columns), destination, tuple(fields), said, dropped, lead_format)


def _place(columns: Sequence[str], wanted: str, name: str) -> int | None:
    """Return the index of a column; None if it was not asked for by name and is not there."""
    header = trimmed(wanted) or name
    places = [index for index, column in enumerate(columns) if trimmed(column) == header]
    if len(places) > 1:
        raise MappingError(
            f"the column '{shown(header)}' stands in the header more than once",
            advice=f"Rename one of them, or name another column: {_OPTIONS[name]} COLUMN.",
        )
    if not places and wanted:
        raise MappingError(
            f"the column '{shown(header)}' is not in the input{_meant(header, columns)}",
            advice=f"{_OPTIONS[name]} names a column as it stands in the header.",
        )
    return places[0] if places else None


def _meant(name: str, columns: Sequence[str]) -> str:
    # A list without a header has somebody's data there.
    return "" if any(map(looks_like_data, columns)) else did_you_mean(name, columns)


def _unfit(reason: str, lead_format: LeadFormat) -> Refusal | None:
    try:
        reason.encode()
    except UnicodeEncodeError:
        return Refusal("the reason is not valid Unicode text")
    return unfit_for(lead_format, ((_REASON, reason),))

"""Which column feeds which field, and a row turned into a lead by it.

A header is a field name by default. A map that would lose data is refused as a whole, before
anything is sent; a row that cannot be sent is refused alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from bulkpost.destination import Destination
from bulkpost.errors import ConfigError
from bulkpost.fields.field_type import FieldType
from bulkpost.fields.ssn import is_ssn_name
from bulkpost.finding import Finding
from bulkpost.lead import Lead, LeadFormat
from bulkpost.mapping.assignment import ROUTE_FIELDS, Assignment, assign, trimmed
from bulkpost.mapping.carriage import PARTICULAR, uncarried_names, unfit_for
from bulkpost.mapping.cautions import cautions
from bulkpost.mapping.conflicts import refuse_conflicts
from bulkpost.mapping.refusal import Refusal, defect_of
from bulkpost.mapping.settings import MapSettings
from bulkpost.redact import scrub
from bulkpost.row import Row

_DESTINATIONS_MAX = 1_024
_NO_TYPES: Final[Mapping[str, FieldType]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A map without conflicts.

    Attributes:
        columns: The input's header as read.
        destination: Where the leads go; it names no flow and source if the rows do.
        fields: (column index, field name) of the columns that are sent, in their order.
        constants: (field name, text) that every lead carries.
        reference: Field that receives the generated reference; empty for none.
        strip: Whether cells are sent and keyed without outer spaces and invisible characters.
        route: Column indexes of flow id and source id if each row names its own, else None.
        dropped: Headers of the columns that the settings drop.
        unnamed: Indexes of the columns without a name; a row with text there is refused.
        ssn_fields: Names of the sent fields that must stay out of every digest.
        ssn_columns: Indexes of the columns, sent or not, that must stay out of every digest.
        warnings: What a person should know before sending.
        lead_format: How leads are written, which rules out some texts.
        flow_types: Field name to the type that the flow itself gives it; empty if nobody asked.
        digest: SHA-256, lower-case hex, over what is sent from which header and what counts as a
            social security number; the order of the columns does not matter.
    """

    columns: tuple[str, ...]
    destination: Destination
    fields: tuple[tuple[int, str], ...]
    constants: tuple[tuple[str, str], ...] = field(repr=False)
    reference: str
    strip: bool
    route: tuple[int, int] | None
    dropped: tuple[str, ...]
    unnamed: tuple[int, ...]
    ssn_fields: frozenset[str]
    ssn_columns: frozenset[int]
    warnings: tuple[Finding, ...]
    lead_format: LeadFormat
    flow_types: Mapping[str, FieldType]
    digest: str

    def cells(self, row: Row) -> tuple[str, ...]:
        """Return a row's cells as they are sent and keyed."""
        return tuple(map(trimmed, row.cells)) if self.strip else row.cells

    def lead(self, row: Row) -> Lead | Refusal:
        """Return what a row sends, or why it is not sent.

        Empty cells are not sent; a cell of spaces is, as it is, unless no cell holds more.
        Constants alone make no lead: an empty one is billed all the same.
        """
        defect = defect_of(row, self.columns)
        if defect is not None:
            return defect
        cells = self.cells(row)
        sent = [(name, cells[index]) for index, name in self.fields if cells[index]]
        if not any(trimmed(text) for _, text in sent):
            return Refusal("all fields are empty")
        pairs = (*sent, *self.constants)
        refusal = self._unfit_text(cells) or unfit_for(self.lead_format, pairs)
        if refusal is not None:
            return refusal
        destination = self._destination(cells)
        if isinstance(destination, Refusal):
            return destination
        return Lead(row.number, destination, pairs, self.ssn_fields)

    def _unfit_text(self, cells: tuple[str, ...]) -> Refusal | None:
        if self.unnamed and (refusal := self._unnamed_text(cells)):
            return refusal
        # One look at the whole row is cheaper than one at each cell.
        return None if "".join(cells).isascii() else self._unencodable(cells)

    def _unnamed_text(self, cells: tuple[str, ...]) -> Refusal | None:
        numbers = [str(index + 1) for index in self.unnamed if cells[index]]
        if not numbers:
            return None
        return Refusal(f"there is text in a column without a name: column {', '.join(numbers)}")

    def _unencodable(self, cells: tuple[str, ...]) -> Refusal | None:
        for index, name in self.fields:
            try:
                cells[index].encode()
            except UnicodeEncodeError:
                return Refusal(f"column {index + 1} ({scrub(name)}) is not valid Unicode text")
        return None

    def _destination(self, cells: tuple[str, ...]) -> Destination | Refusal:
        if self.route is None:
            return self.destination
        flow_id, source_id = cells[self.route[0]], cells[self.route[1]]
        try:
            return _routed_destination(self.destination, flow_id, source_id)
        except ConfigError as error:
            return Refusal(error.message)


def build_map(  # noqa: PLR0913, PLR0917  # where all that decides on columns meets
    columns: Sequence[str],
    settings: MapSettings,
    destination: Destination,
    unusable_columns: Iterable[tuple[str, str]] = (),
    lead_format: LeadFormat = LeadFormat.FORM,
    flow_types: Mapping[str, FieldType] = _NO_TYPES,
) -> ColumnMap:
    """Decide which column feeds which field.

    Args:
        columns: The input's header.
        settings: What the config says.
        destination: Where the leads go.
        unusable_columns: (header, why) of columns that cannot be turned into text; an error
            unless they are dropped.
        lead_format: How leads are written.
        flow_types: Field name to the type that the flow itself gives it.

    Raises:
        MappingError: Data would be lost or confused; the message names all columns concerned.
    """
    plan = assign(columns, settings, destination)
    fields = tuple((i, name) for i, name in plan.fields if not plan.is_routing(name))
    # What the flow calls a social security number is one. What it calls otherwise stays one if its
    # name or the config says so: keys must not change with what somebody else calls a field.
    flow_ssn = frozenset(name for name, kind in flow_types.items() if kind is FieldType.SSN)
    ssn_columns = _ssn_columns(plan, flow_ssn)
    ssn_fields = frozenset(
        {name for i, name in fields if i in ssn_columns}
        | {name for name in settings.constants if _is_ssn(name, settings, flow_ssn)}
        | {name for name, _ in destination.query if _is_ssn(name, settings, flow_ssn)}
    )
    uncarried = uncarried_names(plan, lead_format, ssn_fields)
    refuse_conflicts(plan, unusable_columns, uncarried)
    by_field = {name: index for index, name in plan.fields}
    return ColumnMap(
        columns=plan.columns,
        destination=destination,
        fields=fields,
        constants=tuple(settings.constants.items()),
        reference=settings.reference,
        strip=settings.strip,
        route=(by_field[ROUTE_FIELDS[0]], by_field[ROUTE_FIELDS[1]]) if settings.route else None,
        dropped=tuple(plan.columns[index] for index in plan.dropped),
        unnamed=plan.unnamed,
        ssn_fields=ssn_fields,
        ssn_columns=ssn_columns,
        warnings=cautions(plan),
        lead_format=lead_format,
        flow_types=flow_types,
        digest=_digest(plan, ssn_fields, lead_format),
    )


@lru_cache(maxsize=_DESTINATIONS_MAX)
def _routed_destination(destination: Destination, flow_id: str, source_id: str) -> Destination:
    return destination.routed(flow_id, source_id)


def _ssn_columns(plan: Assignment, flow_ssn: frozenset[str]) -> frozenset[int]:
    names = dict(plan.fields)
    headers = [trimmed(column) for column in plan.columns]
    return frozenset(
        index
        for index, header in enumerate(headers)
        if _is_ssn_column(names.get(index, header), header, plan.settings, flow_ssn)
    )


def _is_ssn_column(name: str, header: str, settings: MapSettings, flow_ssn: frozenset[str]) -> bool:
    # A column called SSN is one, whatever field it feeds, unless the field's type says otherwise.
    if name in settings.types:
        return _is_ssn(name, settings, flow_ssn)
    return _is_ssn(name, settings, flow_ssn) or _is_ssn(header, settings, frozenset())


def _is_ssn(name: str, settings: MapSettings, flow_ssn: frozenset[str]) -> bool:
    known = settings.types.get(name)
    if known is not None:
        return known == FieldType.SSN
    return name in flow_ssn or is_ssn_name(name)


def _digest(plan: Assignment, ssn_fields: frozenset[str], lead_format: LeadFormat) -> str:
    settings = plan.settings
    # Formats that carry every text share a digest: what is refused does not change with them.
    particular = {"format": lead_format} if lead_format in PARTICULAR else {}
    spelled = json.dumps(
        {
            **({"strip": True} if settings.strip else {}),
            "fields": sorted((name, trimmed(plan.columns[i])) for i, name in plan.fields),
            # The text of an SSN enters no digest, not even as a constant.
            "constants": sorted(
                (name, "" if name in ssn_fields else value)
                for name, value in settings.constants.items()
            ),
            "query": [
                (name, "" if name in ssn_fields else value)
                for name, value in plan.destination.query
            ],
            "reference": settings.reference,
            "route": settings.route,
            "ssn": sorted(ssn_fields),
            **particular,
        },
        sort_keys=True,
    )
    return hashlib.sha256(spelled.encode()).hexdigest()

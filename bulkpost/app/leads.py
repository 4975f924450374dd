"""Leads: rows that are submitted into a flow."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bulkpost.app.items import History
from bulkpost.checking.against_flow import map_findings
from bulkpost.checking.examination import Examination
from bulkpost.checking.screening import Screening, refusal_digest
from bulkpost.config import Settings, destination_of
from bulkpost.destination import Destination, Kind, parse_url
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.engine.job import Prepare, Prepared
from bulkpost.lead import Lead
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.identity import Identifier, key_of_place, reference_of
from bulkpost.mapping.refusal import Refusal
from bulkpost.reading.reader import Reader
from bulkpost.records.flow_meta import KnownFlow
from bulkpost.row import Row
from bulkpost.secret import Secret

# Leads would be keyed with it where there is no ledger yet; such keys are never kept.
NO_SALT: Final = b"no ledger yet: these keys are not kept"
SANDBOX_ALIAS: Final = "http://sandbox"


@dataclass(frozen=True, slots=True)
class Leads:
    """Implements ``Items[Lead]``.

    Attributes:
        flow: What is known of the flow that they go to; None for nothing.
        authorization: Value of the Authorization header; None sends none.
    """

    flow: KnownFlow | None = None
    authorization: Secret | None = None

    @property
    def kind(self) -> Kind:
        """Leads are submitted."""
        return Kind.SUBMISSION

    def informed(self, flow: KnownFlow | None, authorization: Secret | None) -> "Leads":
        """Return the leads of a flow of which something is known."""
        return Leads(flow, authorization)

    def settings(self, settings: Settings) -> Settings:
        """Return all of them."""
        return settings

    def history(self, settings: Settings) -> History:
        """Return what decides whether and as what a row is sent."""
        return {
            "key": ",".join(settings.key) or "content",
            "duplicates": settings.duplicates,
            "strict": settings.endpoint.strict,
            "reference": settings.map.reference or None,
            "refuse": ",".join(settings.check.refuse) or None,
            "normalise": settings.check.normalise,
        }

    def destination(self, settings: Settings) -> Destination:
        """Return the flow and source that the settings name.

        Raises:
            ConfigError: As ``destination_of``.
        """
        return destination_of(settings)

    def embedded(self, settings: Settings, origin: str) -> Destination:
        """Return the embedded sandbox, with the flow and source of the settings."""
        if settings.map.route:
            return Destination(origin, "", "", alias=SANDBOX_ALIAS)
        flow_id, source_id = settings.flow_id or "1" * 24, settings.source_id or "2" * 24
        if settings.url:
            real = parse_url(settings.url)
            return replace(real, origin=origin, alias=SANDBOX_ALIAS)
        return Destination(origin, "", "", alias=SANDBOX_ALIAS).routed(flow_id, source_id)

    def fit(
        self, reader: Reader, settings: Settings, destination: Destination, as_of: datetime
    ) -> "LeadFit":
        """Map the columns of an input.

        Raises:
            UsageError: Data would be lost, or a key column cannot be one.
        """
        unusable = [(column.name, column.why) for column in reader.unusable_columns]
        flow = self.flow
        column_map = build_map(
            reader.columns,
            settings.map,
            destination,
            unusable,
            settings.endpoint.format,
            flow.types if flow is not None else {},
        )
        if flow is not None:
            warnings = column_map.warnings + map_findings(column_map, flow)
            column_map = replace(column_map, warnings=warnings)
        Identifier(NO_SALT, column_map, settings.key)  # refuses key columns that cannot be
        screening = None
        if not settings.check.is_idle:
            screening = Screening(column_map, settings.map.types, settings.check, as_of)
        return LeadFit(column_map, screening, settings, as_of)

    def endpoint(self, settings: Settings) -> SubmissionEndpoint:
        """Return the submission endpoint."""
        return SubmissionEndpoint(settings.endpoint, self.authorization)


@dataclass(frozen=True, slots=True)
class LeadFit:
    """How the rows of one input become leads. Implements ``Fit[Lead]``.

    Attributes:
        columns: Which column feeds which field.
        screening: What is refused, changed or counted by its values; None if nothing is.
        settings: Of the command.
        as_of: Dates without a year and ages are read as of then.
    """

    columns: ColumnMap
    screening: Screening | None
    settings: Settings
    as_of: datetime
    reading: str = ""

    @property
    def key_spec(self) -> str:
        """The key columns, or the content."""
        return ",".join(self.settings.key) or "content"

    @property
    def rules_digest(self) -> str:
        """What is sent from which column, and which rows and values are refused."""
        settings = self.settings
        limits = (
            settings.input.short_rows,
            settings.input.cell_bytes_max,
            settings.input.record_bytes_max,
        )
        spelled = f"{self.columns.digest} {limits}"
        digest = hashlib.sha256(spelled.encode()).hexdigest()
        refusals = refusal_digest(self.columns, settings.map.types, settings.check)
        return f"{digest};{refusals}" if refusals else digest

    def examination(self) -> Examination:
        """Return what reads the values as LeadConduit does."""
        settings = self.settings
        return Examination(
            self.columns, settings.map.types, self.as_of, normalise=settings.check.normalise
        )

    def preparation(self, salt: bytes, ledger_id: bytes, input_id: int) -> Prepare[Lead]:
        """Return the function that turns a row into a lead with its key and reference."""
        column_map, screening = self.columns, self.screening
        identifier = Identifier(salt, column_map, self.settings.key)
        field_name = column_map.reference
        every_row_counts = self.settings.duplicates == "submit"

        def prepare(row: Row) -> Prepared[Lead] | str:
            lead = column_map.lead(row)
            if isinstance(lead, Refusal):
                return lead.reason
            identity = identifier.identify(row, lead)
            if isinstance(identity, Refusal):
                return identity.reason
            changed: tuple[str, ...] = ()
            found: tuple[tuple[str, str], ...] = ()
            if screening is not None:
                # After the identity: whatever is sent in its place, the row is known by its own
                # text.
                screened = screening.screen(lead)
                if isinstance(screened, Refusal):
                    return screened.reason
                lead, changed, found = screened.lead, screened.changed, screened.found
            name = lead.destination.name
            if not field_name:
                return Prepared(lead, identity, name, changed=changed, found=found)
            key = identity.key
            if every_row_counts:
                key = key_of_place(key, input_id, row.number)
            reference = reference_of(ledger_id, key)
            generated = ((field_name, reference),)
            return Prepared(lead, identity, name, generated, changed, found)

        return prepare


LEADS: Final = Leads()

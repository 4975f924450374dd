"""Feedback: rows that say that a lead is returned, or was converted."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from bulkpost.app.items import History
from bulkpost.app.leads import SANDBOX_ALIAS
from bulkpost.config import Settings, changed, feedback_destination_of
from bulkpost.destination import Destination, Kind
from bulkpost.endpoints.feedback import FeedbackEndpoint
from bulkpost.engine.job import Prepare, Prepared, Words
from bulkpost.errors import ConfigError
from bulkpost.feedback import Feedback
from bulkpost.lead import LeadFormat
from bulkpost.mapping.feedback_identity import FeedbackIdentifier
from bulkpost.mapping.feedback_map import FeedbackMap, build_feedback_map
from bulkpost.mapping.refusal import Refusal
from bulkpost.reading.reader import Reader
from bulkpost.records.flow_meta import KnownFlow
from bulkpost.redact import scrub
from bulkpost.reporting.summary import RunRecord
from bulkpost.row import Row
from bulkpost.secret import Secret

_WORDS: Final = Words("feedback", "event and type", "reason")
# What makes the key has nothing to do with how a list's columns are called.
_SENT: Final = "event_id, type"
_COLUMNS: Final = ("event_id_column", "type_column", "reason_column")


class FeedbackItems:
    """Implements ``Items[Feedback]``."""

    kind: Final = Kind.FEEDBACK

    def informed(self, flow: KnownFlow | None, authorization: Secret | None) -> "FeedbackItems":  # noqa: ARG002  # the interface
        """Return them as they are: feedback goes to no flow, and carries no credential."""
        return self

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with which no repeat is sent, whatever leads may do.

        Raises:
            ConfigError: Leads are sent by GET, and nothing says how feedback is.
        """
        if settings.endpoint.format is LeadFormat.GET:
            raise ConfigError(
                "feedback is sent in the body of a POST, and the config says GET",
                advice="Add --send-as form, json or xml; the config's setting then holds for leads "
                "only.",
            )
        return msgspec.structs.replace(settings, duplicates="skip")

    def history(self, settings: Settings) -> History:
        """Return what decides whether and as what a row is sent."""
        feedback = settings.feedback
        return {
            "strict": settings.endpoint.strict,
            "type": feedback.type or None,
            **{name: scrub(getattr(feedback, name)) or None for name in _COLUMNS},
            "send_as": settings.endpoint.format,
            "accept": settings.endpoint.accept,
        }

    def destination(self, settings: Settings) -> Destination:
        """Return LeadConduit's address for feedback.

        Raises:
            ConfigError: As ``feedback_destination_of``.
        """
        return feedback_destination_of(settings)

    def embedded(self, settings: Settings, origin: str) -> Destination:  # noqa: ARG002  # as for leads
        """Return the embedded sandbox."""
        return Destination(origin, "", "", alias=SANDBOX_ALIAS, kind=Kind.FEEDBACK)

    def fit(
        self,
        reader: Reader,
        settings: Settings,
        destination: Destination,
        as_of: datetime,  # noqa: ARG002  # no value of feedback is a date
    ) -> "FeedbackFit":
        """Find the columns that make feedback.

        Raises:
            UsageError: One is missing.
        """
        unusable = [(column.name, column.why) for column in reader.unusable_columns]
        return FeedbackFit(
            build_feedback_map(
                reader.columns,
                settings.feedback,
                destination,
                unusable,
                settings.endpoint.format,
            ),
            settings,
        )

    def endpoint(self, settings: Settings) -> FeedbackEndpoint:
        """Return the feedback endpoint."""
        return FeedbackEndpoint(settings.endpoint)


@dataclass(frozen=True, slots=True)
class FeedbackFit:
    """How the rows of one input become feedback. Implements ``Fit[Feedback]``.

    Attributes:
        columns: Which columns make it.
        settings: Of the command.
    """

    columns: FeedbackMap
    settings: Settings

    @property
    def key_spec(self) -> str:
        """An event and what is said about it."""
        return _SENT

    @property
    def rules_digest(self) -> str:
        """Which rows are refused; whatever the columns are called, an event is the same event."""
        settings = self.settings.input
        limits = (settings.short_rows, settings.cell_bytes_max, settings.record_bytes_max)
        return f"{_SENT};{self.columns.digest} {limits}"

    @property
    def reading(self) -> str:
        """Which event a row is about, and what it says of it."""
        names = {name: scrub(self.columns.columns[index]) for index, name in self.columns.fields}
        said = self.columns.type
        each = f"each a {said.value}" if said is not None else f"type from '{names['type']}'"
        return f"events from '{names['event_id']}', {each}"

    def examination(self) -> None:
        """Return nothing: LeadConduit types no value of feedback."""

    def preparation(self, salt: bytes, ledger_id: bytes, input_id: int) -> Prepare[Feedback]:  # noqa: ARG002  # as for leads
        """Return the function that turns a row into feedback with its key."""
        feedback_map, identifier = self.columns, FeedbackIdentifier(salt)
        name = feedback_map.destination.name

        def prepare(row: Row) -> Prepared[Feedback] | str:
            feedback = feedback_map.feedback(row)
            if isinstance(feedback, Refusal):
                return feedback.reason
            return Prepared(feedback, identifier.identify(feedback), name, words=_WORDS)

        return prepare


def settings_of_run(settings: Settings, record: RunRecord) -> Settings:
    """Return the settings with which a run's rows are the same feedback again.

    Where it goes, which columns make it and how it is written are the run's own: what the config
    says of leads has nothing to do with it.
    """
    told = json.loads(record.settings)
    changes = {
        "feedback.url": record.destination,
        **{f"feedback.{name}": told.get(name) or "" for name in _COLUMNS},
        "feedback.type": told.get("type") or "",
        "endpoint.format": told.get("send_as", settings.endpoint.format),
        "endpoint.accept": told.get("accept", settings.endpoint.accept),
    }
    return changed(settings, changes)


FEEDBACK: Final = FeedbackItems()

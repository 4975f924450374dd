"""What a command sends: leads, or feedback. Everything else in ``app`` is the same for both."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bulkpost.checking.examination import Examination
from bulkpost.config import Settings
from bulkpost.destination import Destination, Kind
from bulkpost.endpoints.endpoint import Endpoint
from bulkpost.engine.job import ItemT, Prepare
from bulkpost.finding import Finding
from bulkpost.reading.reader import Reader
from bulkpost.records.flow_meta import KnownFlow
from bulkpost.secret import Secret

History = Mapping[str, str | int | float | bool | None]


class Columns(Protocol):
    """Which column feeds which field, for people to see."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The input's header as read."""
        ...

    @property
    def fields(self) -> tuple[tuple[int, str], ...]:
        """(column index, field name) of the columns that are sent."""
        ...

    @property
    def constants(self) -> tuple[tuple[str, str], ...]:
        """(field name, text) that every item carries."""
        ...

    @property
    def reference(self) -> str:
        """Field that receives the generated reference; empty for none."""
        ...

    @property
    def dropped(self) -> tuple[str, ...]:
        """Headers of the columns that are not sent."""
        ...

    @property
    def ssn_fields(self) -> frozenset[str]:
        """Names of the sent fields that must stay out of every digest."""
        ...

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a person should know before sending."""
        ...


class Fit(Protocol[ItemT]):
    """How the rows of one input become items; its columns fit."""

    @property
    def columns(self) -> Columns:
        """Which column feeds which field."""
        ...

    @property
    def key_spec(self) -> str:
        """What makes a row's key."""
        ...

    @property
    def rules_digest(self) -> str:
        """What decides, beside the key, whether and as what a row is sent."""
        ...

    @property
    def reading(self) -> str:
        """What else says which item a row is, in words; known bytes are never read otherwise."""
        ...

    def preparation(self, salt: bytes, ledger_id: bytes, input_id: int) -> Prepare[ItemT]:
        """Return the function that turns a row into an item with its key."""
        ...

    def examination(self) -> Examination | None:
        """Return what looks at the values; None if LeadConduit types none of them."""
        ...


class Items(Protocol[ItemT]):
    """What a command sends."""

    @property
    def kind(self) -> Kind:
        """What a destination of them takes."""
        ...

    def settings(self, settings: Settings) -> Settings:
        """Return the settings that are in force for these items."""
        ...

    def history(self, settings: Settings) -> History:
        """Return what a run of these items is remembered to have run with."""
        ...

    def destination(self, settings: Settings) -> Destination:
        """Return where they go.

        Raises:
            ConfigError: Nothing says where, or it is not allowed.
        """
        ...

    def embedded(self, settings: Settings, origin: str) -> Destination:
        """Return the embedded sandbox as their destination."""
        ...

    def informed(self, flow: KnownFlow | None, authorization: Secret | None) -> "Items[ItemT]":
        """Return the items as they are sent to a flow of which something is known.

        Args:
            flow: What is known; None for nothing.
            authorization: Value of the Authorization header; None sends none.
        """
        ...

    def fit(
        self, reader: Reader, settings: Settings, destination: Destination, as_of: datetime
    ) -> Fit[ItemT]:
        """Say how the rows of an input become items.

        Raises:
            UsageError: Its columns do not fit.
        """
        ...

    def endpoint(self, settings: Settings) -> Endpoint[ItemT]:
        """Return what writes their requests and reads the replies."""
        ...

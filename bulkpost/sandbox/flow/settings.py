"""A flow as its owner writes it down."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Final

import msgspec

from bulkpost.fields.field_type import FieldType
from bulkpost.sandbox.flow.caps import Cap
from bulkpost.sandbox.flow.criteria import Criterion, field_and_part
from bulkpost.sandbox.flow.hours import OpenHours, zone_of

_FIELDS_MAX: Final = 2_000
_NAME_CHARS_MAX: Final = 300
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=_NAME_CHARS_MAX)]


class FlowField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One field of a flow.

    Attributes:
        name: As it is submitted; a dot nests. Case counts.
        type: A type of LeadConduit's.
        label: For people; empty for the name.
        description: For people.
        required: A lead without it, or with a blank one, is a failure.
        examples: Fictitious texts.
    """

    name: Name
    type: FieldType = FieldType.STRING
    label: str = ""
    description: str = ""
    required: bool = False
    examples: tuple[str, ...] = ()


class FlowSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True
):
    """A flow, its one source and the source's rules. Names that are no fields are ignored.

    Attributes:
        name: Of the flow.
        account: Name of the account.
        source: Name of the source.
        enabled: False answers every lead ``error``.
        source_enabled: False answers 403, and takes nothing.
        api_key: Source authentication: the password that a sender must give; None asks for none.
        meta_needs_key: Whether ``/meta`` asks for it too.
        price: Of an accepted lead; None for the sandbox's own.
        time_zone: Of hours and caps, as in the IANA database.
        duplicate_fields: What the duplicate check compares; none means all of them.
        fields: What the flow knows of a lead.
        criteria: Rules in the order in which they are asked; the first that is not met decides.
        hours: When leads are accepted; none means always.
        caps: How many leads are accepted.
    """

    name: str = "Sandbox flow"
    account: str = "Sandbox account"
    source: str = "Sandbox source"
    enabled: bool = True
    source_enabled: bool = True
    api_key: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    meta_needs_key: bool = False
    price: float | None = None
    time_zone: str = "UTC"
    duplicate_fields: tuple[str, ...] = ()
    fields: Annotated[tuple[FlowField, ...], msgspec.Meta(max_length=_FIELDS_MAX)] = ()
    criteria: tuple[Criterion, ...] = ()
    hours: tuple[OpenHours, ...] = ()
    caps: tuple[Cap, ...] = ()

    def __post_init__(self) -> None:
        for wrong in _wrongs(self):
            raise ValueError(wrong)
        zone_of(self.time_zone)

    def __repr__(self) -> str:
        """Tell its name, and no key."""
        return f"FlowSettings({self.name!r})"

    @cached_property
    def types(self) -> dict[str, FieldType]:
        """Type by name of field."""
        return {field.name: field.type for field in self.fields}

    @cached_property
    def rules(self) -> tuple[Criterion, ...]:
        """What a lead must meet: the required fields, then the criteria, as LeadConduit has it."""
        required = (
            Criterion(field=field.name, operator="is not blank")
            for field in self.fields
            if field.required
        )
        return (*required, *self.criteria)


def _wrongs(flow: FlowSettings) -> Iterator[str]:
    if twice := _repeated(field.name for field in flow.fields):
        yield f"two fields are called {twice}"
    for criterion in flow.criteria:
        if field_and_part(criterion.field, flow.types) is None:
            yield f"criteria: the flow has no field or component {criterion.field}"
    for name in flow.duplicate_fields:
        if name not in flow.types:
            yield f"duplicate_fields: the flow has no field {name}"
    if flow.meta_needs_key and flow.api_key is None:
        yield "meta_needs_key needs an api_key"


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None

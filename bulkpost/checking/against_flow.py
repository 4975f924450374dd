"""What a flow's metadata says against a column map, and what has changed in a flow. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from bulkpost.fields.field_type import FieldType
from bulkpost.finding import Finding
from bulkpost.mapping.assignment import shown
from bulkpost.mapping.column_map import ColumnMap
from bulkpost.mapping.conflicts import CERT_FIELD
from bulkpost.mapping.header import CERT_ALIAS
from bulkpost.records.flow_meta import FlowField, KnownFlow

_NAMES_SHOWN_MAX: Final = 10
_KEEP_AGAIN: Final = "Run `bulkpost init --from-flow` to keep the flow as it is now."


@dataclass(frozen=True, slots=True)
class FlowNews:
    """What is known of the flow that leads go to.

    Attributes:
        flow: The flow.
        read_at: When it was told, RFC 3339.
        is_fresh: It was told just now.
        findings: What a person should know of it.
        new_secrets: Fields that it calls social security numbers, and did not when it was kept.
    """

    flow: KnownFlow
    read_at: str
    is_fresh: bool
    findings: tuple[Finding, ...]
    new_secrets: frozenset[str] = frozenset()


def map_findings(column_map: ColumnMap, flow: KnownFlow) -> tuple[Finding, ...]:
    """Return what is wrong with a map for a flow: fields that it requires, fields unknown to it."""
    sent = _sent(column_map)
    known = {_alias(name) for name in sent}
    missing = [field.name for field in flow.fields if field.is_required and field.name not in known]
    unknown = [name for name in sent if _alias(name) not in flow.names]
    found = []
    if missing:
        found.append(
            Finding(
                "required_missing",
                f"the flow requires what no column feeds: {_listed(missing)}",
                "LeadConduit may refuse every lead. Map a column to each, or set a constant.",
            )
        )
    if unknown:
        found.append(
            Finding(
                "unknown_to_flow",
                f"the flow has no such field, and ignores it without an error: {_listed(unknown)}",
                "Map the column to a field of the flow, or drop it.",
            )
        )
    return tuple(found)


def flow_findings(flow: KnownFlow, *, has_credentials: bool) -> Iterator[Finding]:
    """Return why a flow's source would take no lead."""
    if not flow.is_enabled:
        yield Finding(
            "source_disabled",
            "the source is disabled, or its flow is: LeadConduit takes no lead",
            "Ask the flow's owner to enable it.",
        )
    if flow.needs_authentication and not has_credentials:
        yield Finding(
            "authentication_required",
            "the source asks a sender for credentials, and none are set",
            "Set source_key_file under [endpoint], or BULKPOST_SOURCE_KEY.",
        )


def change_finding(before: KnownFlow, after: KnownFlow) -> Finding | None:
    """Return what has changed in a flow since it was kept; None if nothing has."""
    changes = list(_changes(before, after))
    if not changes and before.updated_at == after.updated_at:
        return None
    what = "; ".join(changes[:_NAMES_SHOWN_MAX]) or "its fields are the same, its rules may not be"
    more = len(changes) - _NAMES_SHOWN_MAX
    if more > 0:
        what += f"; and {more} more changes"
    return Finding("flow_changed", f"the flow was changed since it was kept: {what}", _KEEP_AGAIN)


def new_secrets(before: KnownFlow, after: KnownFlow) -> frozenset[str]:
    """Return which fields a flow calls social security numbers now and did not before."""
    then, now = (
        {name for name, kind in flow.types.items() if kind is FieldType.SSN}
        for flow in (before, after)
    )
    return frozenset(now - then)


def still_secret(before: KnownFlow, after: KnownFlow) -> KnownFlow:
    """Return a flow as it is now, with what it called a social security number called so still.

    Else a word of the flow's owner would put such numbers into keys, and make leads that were sent
    look like new ones. Whoever keeps the flow anew has agreed.
    """
    secret = {field.name for field in before.fields if field.type is FieldType.SSN}
    fields = tuple(
        msgspec.structs.replace(field, type=FieldType.SSN) if field.name in secret else field
        for field in after.fields
    )
    return msgspec.structs.replace(after, fields=fields)


def _changes(before: KnownFlow, after: KnownFlow) -> Iterator[str]:
    if before.is_enabled != after.is_enabled:
        yield "the source is now " + ("enabled" if after.is_enabled else "disabled")
    if before.needs_authentication != after.needs_authentication:
        verb = "asks" if after.needs_authentication else "no longer asks"
        yield f"the source {verb} for credentials"
    old, new = _by_name(before), _by_name(after)
    for name in sorted(new.keys() - old.keys()):
        required = ", required" if new[name].is_required else ""
        yield f"{shown(name)} is new{required}"
    for name in sorted(old.keys() - new.keys()):
        yield f"{shown(name)} is gone"
    for name in sorted(old.keys() & new.keys()):
        yield from _field_changes(old[name], new[name])


def _field_changes(old: FlowField, new: FlowField) -> Iterator[str]:
    if old.type != new.type:
        yield f"{shown(new.name)} is now of type {new.type or 'unknown'}"
    if old.is_required != new.is_required:
        yield f"{shown(new.name)} is now {'required' if new.is_required else 'not required'}"


def _by_name(flow: KnownFlow) -> Mapping[str, FlowField]:
    return {field.name: field for field in flow.fields}


def _sent(column_map: ColumnMap) -> list[str]:
    names = [name for _, name in column_map.fields]
    names += [name for name, _ in (*column_map.constants, *column_map.destination.query)]
    return list(dict.fromkeys([*names, *filter(None, (column_map.reference,))]))


def _alias(name: str) -> str:
    return CERT_FIELD if name.lower() == CERT_ALIAS else name


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN_MAX
    listed = ", ".join(map(shown, names[:_NAMES_SHOWN_MAX]))
    return listed + (f" and {more} more" if more > 0 else "")

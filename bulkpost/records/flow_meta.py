"""What a flow wants of a source, as ``/meta`` tells it, reduced to what is needed and may be kept.

Reference: LeadConduit's API reference, "Retrieve metadata for a specific source within a flow".
Examples, prices and acceptance criteria are not kept.
"""

from functools import cached_property
from typing import Any, Final

import msgspec

from bulkpost.errors import ApiError
from bulkpost.exchange import Reply
from bulkpost.fields.field_type import FieldType

_FIELDS_MAX: Final = 5_000
_NAME_CHARS_MAX: Final = 300
_TYPES: Final = {field_type.value: field_type for field_type in FieldType}
_TRUE: Final = frozenset({True, "yes", "true", "required"})


class FlowField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One field of a flow.

    Attributes:
        name: As it is submitted.
        type: Its type; None if bulkpost does not know the type.
        label: For people; empty if it is the name.
        is_required: A lead without it is a failure.
    """

    name: str
    type: FieldType | None = None
    label: str = ""
    is_required: bool = False


class KnownFlow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A flow's source.

    Attributes:
        flow_id: 24 lower-case hex digits.
        source_id: As ``flow_id``.
        name: Of the flow.
        source: Name of the source.
        is_enabled: Whether leads are taken.
        needs_authentication: Whether the source asks a sender for credentials.
        updated_at: When the flow was changed last, in LeadConduit's words.
        fields: What the flow knows of a lead.
    """

    flow_id: str
    source_id: str
    name: str = ""
    source: str = ""
    is_enabled: bool = True
    needs_authentication: bool = False
    updated_at: str = ""
    fields: tuple[FlowField, ...] = ()

    @cached_property
    def types(self) -> dict[str, FieldType]:
        """Type by name of field, where it is known."""
        return {field.name: field.type for field in self.fields if field.type is not None}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all fields."""
        return frozenset(field.name for field in self.fields)


def read_meta(reply: Reply, flow_id: str, source_id: str) -> KnownFlow:
    """Return what ``/meta`` tells.

    Raises:
        ApiError: It is not what ``/meta`` answers.
    """
    if reply.cut is not None:
        raise _odd(f"the answer was cut: {reply.cut}")
    try:
        told = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _odd("the answer is not JSON") from None
    params = told.get("params") if isinstance(told, dict) else None
    if not isinstance(params, list) or len(params) > _FIELDS_MAX:
        raise _odd("the answer does not list the flow's fields")
    fields = {field.name: field for field in map(_field, params) if field is not None}
    source = _table(told, "source")
    return KnownFlow(
        flow_id=flow_id,
        source_id=source_id,
        name=_text(_table(told, "flow").get("name")),
        source=_text(source.get("name")),
        is_enabled=told.get("enabled") is not False,
        needs_authentication=source.get("authentication_required") is True,
        updated_at=_text(told.get("updated_at")),
        fields=tuple(fields.values()),
    )


def _field(param: Any) -> FlowField | None:
    if not isinstance(param, dict):
        return None
    name = param.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_CHARS_MAX:
        return None
    field_type, required = param.get("type"), param.get("required")
    label = _text(param.get("label"))
    return FlowField(
        name=name,
        type=_TYPES.get(field_type) if isinstance(field_type, str) else None,
        label="" if label == name else label,
        is_required=isinstance(required, str | bool) and required in _TRUE,
    )


def _table(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value[:_NAME_CHARS_MAX] if isinstance(value, str) else ""


def _odd(why: str) -> ApiError:
    return ApiError(
        f"LeadConduit's answer about the flow cannot be used: {why}",
        advice="Try again later; without it, go on without --from-flow.",
    )

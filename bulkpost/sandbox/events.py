"""The events of a lead, as LeadConduit's API tells them, and the rules that select some of them.

Reference: LeadConduit API 1.0.1 (OpenAPI), schemas ``source-event``, ``recipient-event`` and
``Rule``. One event for the delivery to the recipient, if the lead was accepted; after it the
source's, with the whole lead.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from bulkpost.sandbox.flow.values import FieldValue
from bulkpost.sandbox.store import TakenLead

_RULES_MAX: Final = 100
_LEVELS_MAX: Final = 32
Single = str | bool | int | float | None
RuleOperator = Literal[
    "is equal to",
    "is not equal to",
    "is included in",
    "is not included in",
    "is blank",
    "is not blank",
]


class EventRule(msgspec.Struct, frozen=True):
    """One rule: a variable, an operator, a value.

    Attributes:
        lhv: ``type``, ``lead.reference``, ``vars.lead.reference``.
        op: What must be so; texts compare without case.
        rhv: A text, number or list of such; nothing for blank.
    """

    lhv: str
    op: RuleOperator
    rhv: Single | tuple[Single, ...] = None


Rules = Annotated[tuple[EventRule, ...], msgspec.Meta(max_length=_RULES_MAX)]


def events_of(lead: TakenLead, source_event_id: str) -> list[dict[str, Any]]:
    """Return the events of a lead, oldest first.

    Args:
        lead: The lead as taken.
        source_event_id: Id of its last event.
    """
    events = []
    if lead.event_id is not None:
        delivered = {"outcome": "success", "reason": None, "step_id": "000001"}
        events.append({"id": lead.event_id, "type": "recipient", **delivered, **_common(lead)})
    source: dict[str, Any] = {
        "outcome": lead.outcome,
        "reason": lead.reason,
        "step_count": len(events),
    }
    if lead.outcome == "success":
        source |= {"purchase_price": lead.price, "cost": lead.price}
    source |= {"request": _request(lead), "response": _response(lead)}
    events.append({"id": source_event_id, "type": "source", **source, **_common(lead)})
    return events


def is_selected(event: Mapping[str, Any], rules: Sequence[EventRule]) -> bool:
    """Whether an event meets all rules."""
    return all(_is_met(event, rule) for rule in rules)


def only(event: Mapping[str, Any], include: Sequence[str], exclude: Sequence[str]) -> Any:
    """Return an event with the fields that are asked for; a dot reaches into one."""
    if include:
        told: dict[str, Any] = {}
        for path in include:
            _copy(event, told, path.split("."))
        return told
    return _without(event, [path.split(".") for path in exclude])


def texts_of(value: Any, level: int = 0) -> list[str]:
    """Return every text and number that stands in a value, at most so deep."""
    if isinstance(value, Mapping) and level < _LEVELS_MAX:
        return [text for inner in value.values() for text in texts_of(inner, level + 1)]
    if isinstance(value, (list, tuple)) and level < _LEVELS_MAX:
        return [text for inner in value for text in texts_of(inner, level + 1)]
    is_told = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return [str(value)] if is_told else []


def fields_of(lead: TakenLead) -> dict[str, Any]:
    """Return the lead's fields as variables: with a flow, those that the flow has, typed."""
    if isinstance(lead.values, msgspec.UnsetType):
        return dict(lead.fields) if isinstance(lead.fields, dict) else {}
    return {name: _typed(value) for name, value in lead.values.items()}


def _typed(value: FieldValue) -> Any:
    if not value.parts and value.valid:
        return value.value
    return {"normal": value.value, "valid": value.valid, **value.parts}


def _common(lead: TakenLead) -> dict[str, Any]:
    return {
        "vars": {
            "lead": {"id": lead.id, **fields_of(lead)},
            "flow": {"id": lead.flow_id, "name": "Sandbox flow"},
            "source": {"id": lead.source_id, "name": "Sandbox source"},
            "submission": {"timestamp": lead.received_at, "ip": "127.0.0.1"},
        },
        "handler_version": "0.0.0",
        "ms": 0,
    }


def _request(lead: TakenLead) -> dict[str, Any]:
    fields = lead.fields if isinstance(lead.fields, dict) else {}
    uri = f"http://127.0.0.1/flows/{lead.flow_id}/sources/{lead.source_id}/submit"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields, doseq=True)
    return {"method": "POST", "uri": uri, "version": "1.1", "headers": headers, "body": body}


def _response(lead: TakenLead) -> dict[str, Any]:
    told = {"outcome": lead.outcome, "reason": lead.reason, "lead": {"id": lead.id}}
    body = {name: value for name, value in told.items() if value is not None}
    text = msgspec.json.encode({**body, "price": lead.price}).decode()
    headers = {"Content-Type": "application/json"}
    return {"status": 201, "version": "1.1", "headers": headers, "body": text}


def _is_met(event: Mapping[str, Any], rule: EventRule) -> bool:
    is_negative = rule.op.startswith("is not ")
    found = [text.casefold() for text in texts_of(_looked_up(event, rule.lhv.split(".")))]
    if rule.op.endswith("blank"):
        holds = not any(text.strip() for text in found)
    else:
        values = rule.rhv if isinstance(rule.rhv, tuple) else (rule.rhv,)
        holds = any(str(value).casefold() in found for value in values)
    return holds is not is_negative


def _looked_up(event: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return what a variable stands for: a field of the event, else one of its variables."""
    value: Any = event if path[0] in event else event.get("vars")
    for place, name in enumerate(path):
        if not isinstance(value, Mapping):
            return None
        whole = ".".join(path[place:])
        if whole in value:
            return value[whole]
        value = value.get(name)
    return value


def _copy(source: Any, target: dict[str, Any], path: Sequence[str]) -> None:
    name = path[0]
    if not isinstance(source, Mapping) or name not in source:
        return
    if len(path) == 1:
        target[name] = source[name]
    else:
        inner = target.setdefault(name, {})
        if isinstance(inner, dict):
            _copy(source[name], inner, path[1:])


def _without(source: Any, paths: Sequence[Sequence[str]]) -> Any:
    if not isinstance(source, Mapping):
        return source
    gone = {path[0] for path in paths if len(path) == 1}
    return {
        name: _without(value, [path[1:] for path in paths if path[0] == name and len(path) > 1])
        for name, value in source.items()
        if name not in gone
    }

"""What ``/meta`` tells of a flow.

Reference: the sample answer of LeadConduit's API reference, "Retrieve metadata for a specific
source within a flow". The form of hours is nowhere documented, nor is an outcome of a single rule.
"""

from typing import Any, Final

from bulkpost.sandbox.flow.criteria import Criterion
from bulkpost.sandbox.flow.settings import FlowField, FlowSettings

ACCOUNT_ID: Final = "000000000000000000000003"


def meta_of(flow: FlowSettings, flow_id: str, source_id: str, updated_at: str) -> dict[str, Any]:
    """Return the metadata of the flow's source.

    Args:
        flow: Whose.
        flow_id: As asked for.
        source_id: As asked for.
        updated_at: When the flow was set up, RFC 3339.
    """
    return {
        "enabled": flow.enabled and flow.source_enabled,
        "account": {"id": ACCOUNT_ID, "name": flow.account},
        "flow": {"id": flow_id, "name": flow.name},
        "source": {
            "id": source_id,
            "name": flow.source,
            "authentication_required": flow.api_key is not None,
        },
        "params": [_param(field) for field in flow.fields],
        "pingable": True,
        "ping_enabled": True,
        "updated_at": updated_at,
        "authorized_account": True,
        "hours_of_operation": _hours(flow),
        "acceptance_criteria": _criteria(flow.rules),
        "flow_acceptance_criteria": {},
    }


def _param(field: FlowField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label or field.name,
        "description": field.description,
        "type": field.type.value,
        "required": "yes" if field.required else "no",
        "variable": field.name,
        "examples": list(field.examples),
    }


def _criteria(rules: tuple[Criterion, ...]) -> dict[str, Any]:
    if not rules:
        return {}
    listed = [_rule(rule, number) for number, rule in enumerate(rules, 1)]
    return {
        "rule_set": {"op": "and", "rules": listed, "id": f"{0:06x}"},
        "outcome": "failure",
        "reason": None,
    }


def _rule(rule: Criterion, number: int) -> dict[str, Any]:
    told: dict[str, Any] = {"lhv": f"lead.{rule.field}", "op": rule.operator}
    if rule.value is not None:
        told["rhv"] = rule.value
    told |= {"id": f"{number:06x}", "rule_set": None}
    return told | {"outcome": rule.outcome, "reason": rule.told}


def _hours(flow: FlowSettings) -> dict[str, Any]:
    if not flow.hours:
        return {}
    listed = [
        {"days": list(one.days), "opens": str(one.opens), "closes": str(one.closes)}
        for one in flow.hours
    ]
    return {"time_zone": flow.time_zone, "hours": listed}

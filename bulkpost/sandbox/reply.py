"""The JSON or XML answer, byte for byte as LeadConduit writes it."""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from bulkpost.sandbox.negotiate import APPLICATION_XML, TEXT_XML
from bulkpost.sandbox.verdict import Verdict

_encode = msgspec.json.encode


def render(verdict: Verdict, lead: dict[str, Any], media_type: str, shown: Iterable[str]) -> bytes:
    """Return the body of an answer.

    Args:
        verdict: What was decided.
        lead: What may be shown of the lead, its ``id`` among it; empty for a ping.
        media_type: XML for the two XML types, else JSON.
        shown: Names of what the account shows, in order; the price always comes, last.
    """
    content = _content(verdict, lead, shown)
    if media_type in {TEXT_XML, APPLICATION_XML}:
        lines = ['<?xml version="1.0"?>', *_element("result", content, "")]
        return "\n".join(lines).encode("utf-8", "replace")
    return _encode(content)


def render_feedback(verdict: Verdict, lead: dict[str, Any], media_type: str) -> bytes:
    """Return the body of an answer to feedback: JSON leaves out what is absent, XML does not.

    Args:
        verdict: What was decided.
        lead: What is told of the lead, by name, in order; None where it has no such field.
        media_type: XML for the two XML types, else JSON.
    """
    price = _number(verdict.price) or None  # no price and a price of nothing look alike
    content = {"outcome": verdict.outcome, "reason": verdict.reason, "lead": lead, "price": price}
    if media_type in {TEXT_XML, APPLICATION_XML}:
        lines = ['<?xml version="1.0"?>', *_element("result", content, "")]
        return "\n".join(lines).encode("utf-8", "replace")
    present = {name: value for name, value in lead.items() if value is not None}
    told = {**content, "lead": present}
    return _encode({name: value for name, value in told.items() if value is not None})


def _number(price: float) -> float:
    return int(price) if float(price).is_integer() else float(price)


def _content(verdict: Verdict, lead: dict[str, Any], shown: Iterable[str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name in shown:
        if name == "outcome":
            content["outcome"] = verdict.outcome
        elif name == "reason":
            if verdict.reason is not None:
                content["reason"] = verdict.reason
        elif name.startswith("lead."):
            _show(content, lead, name.split("."))
    content["price"] = _number(verdict.price)
    return content


def _show(content: dict[str, Any], lead: dict[str, Any], path: list[str]) -> None:
    """Copy one value of the lead, under ``lead``, if it is there."""
    value: Any = lead
    for name in path[1:]:
        if not isinstance(value, dict) or value.get(name) is None:
            return
        value = value[name]
    place = content
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value


def _element(name: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        inner = [line for key in value for line in _element(key, value[key], indent + "  ")]
        return [f"{indent}<{name}>", *inner, f"{indent}</{name}>"]
    if isinstance(value, list):
        return [line for item in value for line in _element(name, item, indent)]
    if value is None or value == "":
        return [f"{indent}<{name}/>"]
    return [f"{indent}<{name}>{escape(str(value))}</{name}>"]

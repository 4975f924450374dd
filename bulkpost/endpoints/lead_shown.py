"""What a reply to feedback shows of the lead, so that none of it is kept.

Feedback sends no lead, so there are no sent values to take out of what comes back. Here every value
of a JSON or XML answer counts as the lead's, but for those that LeadConduit says to us.
"""

import json
from typing import Final
from xml.etree.ElementTree import Element

from bulkpost.endpoints.answer import OddError, Shape, shape_of
from bulkpost.endpoints.classify import title_of
from bulkpost.endpoints.json_answer import JsonObject, json_document
from bulkpost.endpoints.xml_answer import xml_root
from bulkpost.exchange import Reply

_SAID: Final = ("outcome", "reason", "message", "error", "price")
_VALUES_MAX: Final = 200  # more are no answer of LeadConduit's
# Refused before any lead was looked up: the text is about our request.
_BEFORE_ANY_LEAD: Final = frozenset({400, 401, 403, 405, 406, 413, 415})


def shown_of_lead(body: bytes) -> tuple[tuple[str, str], ...] | None:
    """Return the values of an answer that may be the lead's, as (what it is called, text) pairs.

    None if they are too many to be looked for, or a name that comes again hides some.
    """
    document = _document(body)
    if _hides_values(document):
        return None
    texts = _lead_texts(document) | _asides(body)
    return tuple(("lead", text) for text in sorted(texts)) if len(texts) <= _VALUES_MAX else None


def without_lead(reply: Reply) -> bytes:
    """Return a body as JSON without what it shows of the lead; of a page, its title.

    What cannot be read whole may hold anything: nothing of it is kept, unless it is a refusal of
    the request as such.
    """
    shape = shape_of(reply.body)
    if shape is Shape.HTML:
        return f"<html><title>{title_of(reply.body)}</title></html>".encode()
    if shape is Shape.OTHER:
        return reply.body if reply.status in _BEFORE_ANY_LEAD else b""
    document = _document(reply.body) if reply.cut is None else None
    if not isinstance(document, dict):
        return b""
    kept = {name: document[name] for name in _SAID if _is_plain(document.get(name))}
    lead = document.get("lead")
    if isinstance(lead, dict) and isinstance(lead.get("id"), str):
        kept["lead"] = {"id": lead["id"]}
    shown = shown_of_lead(reply.body)
    if shown is None:
        return b""
    return json.dumps({**kept, "values_left_out": len(shown)}, ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _document(body: bytes) -> object:
    """Return what a body says, as JSON values; None if it cannot be read."""
    shape = shape_of(body)
    try:
        if shape is Shape.JSON:
            return json_document(body)
        return _plain(xml_root(body)) if shape is Shape.XML else None
    except (OddError, RecursionError):
        return None


def _plain(element: Element) -> object:
    """Return an element as JSON would say it; of a name that comes again, a list."""
    if not len(element):
        return element.text or ""
    found: dict[str, object] = {}
    for child in element:
        value = _plain(child)
        found[child.tag] = [found[child.tag], value] if child.tag in found else value
    return found


def _asides(body: bytes) -> set[str]:
    """Return what XML says beside its elements' texts: attributes, and words between elements."""
    try:
        root = xml_root(body) if shape_of(body) is Shape.XML else None
    except (OddError, RecursionError):
        return set()
    texts = set[str]()
    for element in () if root is None else root.iter():
        between = element.text if len(element) else None
        texts |= {*element.attrib.values(), between or "", element.tail or ""}
    return {stripped for text in texts if (stripped := text.strip())}


def _hides_values(document: object) -> bool:
    """Tell whether a name stands twice in an object: of these, JSON keeps the last one's value."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, JsonObject) and value.has_repeats:
            return True
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
    return False


def _lead_texts(document: object) -> set[str]:
    texts: set[str] = set()
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}", each) for name, each in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}.", each) for each in value]
        elif path.removeprefix(".") not in {*_SAID, "lead.id"} and value not in {None, ""}:
            texts.add(str(value))
    return texts

"""The XML answer: a ``<result>`` with outcome, reason, lead id and price.

Read by a parser that takes no document type and no entities, so no bomb is unpacked.

Reference: "Generic POST Instructions for LeadConduit"; answers as observed.
"""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bulkpost.endpoints.answer import Answer, OddError, Unreadable, kind_of, trimmed, whole_lead_id
from bulkpost.outcome import MICROS_PER_UNIT

_PRICE = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?")


def read_xml(body: bytes) -> Answer | Unreadable:
    """Read a whole body as an answer; never raises."""
    try:
        return _answer(xml_root(body))
    except OddError as odd:
        return Unreadable(odd.why, odd.word)


def xml_root(body: bytes) -> Element:
    """Return the root of a whole body.

    Raises:
        OddError: It is not XML, or has what is not read.
    """
    try:
        root: Element = fromstring(trimmed(body), forbid_dtd=True)
    except DefusedXmlException:
        raise OddError(
            "the body is XML with a document type or entities, which is not read"
        ) from None
    except (ParseError, ValueError, LookupError):  # LookupError: an encoding that nobody knows
        raise OddError("the body is not XML") from None
    return root


def _answer(root: Element) -> Answer:
    if root.tag != "result":
        raise OddError("the body is XML, but not a result")
    word = _text(root, "outcome")
    kind = kind_of(None if word is None else word.strip())
    return Answer(kind, _text(root, "reason"), _lead_id(root), _price_micros(root))


def _text(parent: Element, name: str) -> str | None:
    """Return the text of the one element of that name; None if there is none."""
    found = parent.findall(name)
    if not found:
        return None
    if len(found) > 1:
        raise OddError("a name stands twice in the answer")
    if len(found[0]):
        raise OddError(f"the {name} is not a text")
    return found[0].text or ""


def _lead_id(root: Element) -> str | None:
    leads = root.findall("lead")
    if len(leads) > 1:
        raise OddError("a name stands twice in the answer")
    lead_id = _text(leads[0], "id") if leads else None
    return whole_lead_id(lead_id) if lead_id else None


def _price_micros(root: Element) -> int | None:
    price = _text(root, "price")
    if not price:
        return None
    if _PRICE.fullmatch(price) is None:
        raise OddError("the price is not a number")
    return round(float(price) * MICROS_PER_UNIT)

"""Who may send to the source, before anything is read of what was sent."""

import base64
import binascii
from secrets import compare_digest
from typing import Final

from bulkpost.sandbox.answer import SOURCE_DISABLED, Answer
from bulkpost.sandbox.flow.settings import FlowSettings

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="LeadConduit"'}
_HEADER_CHARS_MAX: Final = 8_192


def turned_away(flow: FlowSettings, authorization: str) -> Answer | None:
    """Return the answer to a submission that is not let in; None lets it in."""
    if flow.api_key is not None and not has_key(flow.api_key, authorization):
        headers = {"Content-Type": "text/plain", **_CHALLENGE}
        return Answer(401, headers, b"Unauthorized source")
    if not flow.source_enabled:
        return Answer(403, {"Content-Type": "application/json"}, SOURCE_DISABLED)
    return None


def meta_turned_away(flow: FlowSettings, authorization: str) -> Answer | None:
    """Return the answer to a look at ``/meta`` that is not allowed; None allows it."""
    if not flow.meta_needs_key or has_key(flow.api_key or "", authorization):
        return None
    headers = {"Content-Type": "application/json", **_CHALLENGE}
    return Answer(401, headers, b'{"error":"authentication failed"}')


def has_key(api_key: str, authorization: str) -> bool:
    """Whether a Basic ``Authorization`` has the key as its password, under any user name."""
    scheme, _, encoded = authorization[:_HEADER_CHARS_MAX].partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return compare_digest(decoded.partition(b":")[2], api_key.encode("utf-8", "replace"))

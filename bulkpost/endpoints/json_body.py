"""JSON bodies: one object of texts, its names flat with their dots.

Reference: LeadConduit's Submission Docs, whose JSON examples have flat dotted names.
"""

import json
from collections.abc import Iterable


def encode(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return (name, text) pairs as a JSON object, UTF-8.

    Every value is a text: what LeadConduit makes of ``007`` is its own affair.

    Raises:
        UnicodeEncodeError: A text holds a lone surrogate; a column map lets none through.
    """
    return json.dumps(dict(pairs), ensure_ascii=False, separators=(",", ":")).encode()

"""XML bodies: one element per field, its name flat with its dots.

Reference: LeadConduit's Submission Docs, whose XML examples have dotted element names; XML 1.0.
"""

from collections.abc import Iterable
from xml.sax.saxutils import escape

# A parser turns a raw carriage return into a line feed; a reference to one stays what it is.
_ENTITIES = {"\r": "&#13;"}


def encode(pairs: Iterable[tuple[str, str]], root: str = "lead") -> bytes:
    """Return (name, text) pairs as an XML document, UTF-8.

    The names are XML names and the texts have no character that XML forbids: the column map sees
    to both.

    Raises:
        UnicodeEncodeError: A text holds a lone surrogate.
    """
    elements = "".join(f"<{name}>{escape(text, _ENTITIES)}</{name}>" for name, text in pairs)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{elements}</{root}>'.encode()

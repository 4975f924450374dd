"""What submissions and feedback share: a request as it came, and the first checks of it.

Reference: observed rows of LeadConduit's own modules; both read ``Accept``, ``Content-Type`` and
bodies alike, but for JSON that is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bulkpost.sandbox.form import parse_form
from bulkpost.sandbox.negotiate import FORM, JSON, media_type
from bulkpost.sandbox.xml_body import parse_xml

METHODS: Final = frozenset({"GET", "POST"})
_NO_ACCEPT: Final = "Not capable of generating content according to the Accept header"
_NO_CONTENT_TYPE: Final = "Content-Type header is required"
_BAD_CONTENT_TYPE: Final = (
    "MIME type in Content-Type header is not supported. "
    "Use only application/x-www-form-urlencoded, application/json, application/xml, text/xml."
)


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands for a body that was not read to its end."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as it came.

    Attributes:
        method: In whatever case.
        query: What follows the question mark, undecoded.
        accept: Empty if the header is absent.
        content_type: Empty if the header is absent.
        body: None if neither ``Content-Length`` nor ``Transfer-Encoding: chunked`` announced one.
        is_ping: Asked for a bid only.
        authorization: Empty if the header is absent.
    """

    method: str
    query: str = field(repr=False)
    accept: str
    content_type: str
    body: bytes | TooLong | None = field(repr=False)
    is_ping: bool = False
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is no lead; answered as plain text."""

    status: int
    text: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()


def refused_method(incoming: Incoming, status: int) -> Refusal | None:
    """Return the refusal of a method that is neither GET nor POST."""
    method = incoming.method.upper()
    if method in METHODS:
        return None
    return Refusal(status, f"The {method} method is not allowed", (("Allow", "GET, POST"),))


def reply_type_of(incoming: Incoming) -> str | Refusal:
    """Return the media type to answer in, or a refusal if there is none."""
    reply_type = media_type(incoming.accept) if incoming.accept else JSON
    return Refusal(406, _NO_ACCEPT) if reply_type is None else reply_type


def read_body(incoming: Incoming, parse_json: Callable[[str], Any]) -> Any:
    """Return what the body of a POST says, or why it cannot be read; nothing is an empty mapping.

    Args:
        incoming: The request.
        parse_json: Reads JSON; its ``ValueError`` is the text of the refusal.
    """
    if incoming.body is None or incoming.method.upper() != "POST":
        return {}
    content_type = _content_type(incoming)
    if isinstance(content_type, Refusal):
        return content_type
    assert isinstance(incoming.body, bytes)
    text = incoming.body.decode("utf-8", "replace").strip("\ufeff \t\r\n\v\f\xa0")
    if not text or content_type == FORM:
        return parse_form(text)
    try:
        return parse_json(text) if content_type == JSON else parse_xml(text)
    except ValueError as error:
        return Refusal(400, str(error))


def _content_type(incoming: Incoming) -> str | Refusal:
    if isinstance(incoming.body, TooLong):
        return Refusal(413, "The body is too long")
    if not incoming.content_type:
        return Refusal(415, _NO_CONTENT_TYPE)
    return media_type(incoming.content_type) or Refusal(406, _BAD_CONTENT_TYPE)

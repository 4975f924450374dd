"""What a reply means, by its status and, where LeadConduit may speak, by its body.

    status                       readable answer     otherwise
    201                          that outcome        in_doubt: the lead was taken
    200                          that outcome        http_error if a proxy's page, else in_doubt
    303                          that outcome        http_error
    other 3xx                                        http_error
    1xx, other 2xx                                   in_doubt
    502, 504                                         back off and retry, ambiguous
    503                                              back off and retry
    401 403 404 405 406 415                          http_error, and the destination stops
    all others                                       http_error

An answer is believed only if its body is whole and in one of LeadConduit's own words. Nothing here
raises, whatever the bytes.

Reference: "Generic POST Instructions for LeadConduit", HTTP statuses.
"""

import html
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from bulkpost.endpoints.answer import (
    Answer,
    Shape,
    Unreadable,
    salvaged_lead_id,
    salvaged_word,
    shape_of,
    trimmed,
)
from bulkpost.endpoints.json_answer import message_of, read_json
from bulkpost.endpoints.xml_answer import read_xml
from bulkpost.exchange import Reply
from bulkpost.outcome import NextStep, Outcome, OutcomeKind, Verdict
from bulkpost.redact import scrub

Pairs = tuple[tuple[str, str], ...]

_ANSWERING = frozenset({200, 201, 303})
_AMBIGUOUS = frozenset({502, 504})
_TRANSIENT = _AMBIGUOUS | {503}
_STOPPING = frozenset({401, 403, 404, 405, 406, 415})
_EXCERPT_CHARS_MAX = 200
_EXCERPT_BYTES_MAX = 4_096
_WORD_CHARS_MAX = 40
_TITLE_CHARS_MAX = 1_000
_TITLE = re.compile(rf"<title[^>]{{0,200}}>([^<]{{1,{_TITLE_CHARS_MAX}}})", re.IGNORECASE)
_PHRASES: Mapping[int, str] = {status.value: status.phrase for status in HTTPStatus}


def classify(reply: Reply, own: Pairs, *, own_ids: tuple[str, ...] = (), strict: bool) -> Verdict:
    """Say what a reply means.

    Args:
        reply: Whatever came, with any status.
        own: The (field name, text) pairs that were sent, to take them out of reasons.
        own_ids: Ids of ours that a body may repeat and that are no lead's.
        strict: Hold 502 and 504 as in doubt instead of retrying.
    """
    status = reply.status
    if status in _ANSWERING:
        read = read_outcome(reply)
        if isinstance(read, Answer):
            return _answered(read, reply, own)
        return _unreadable(read, reply, own, own_ids)
    if status < 300:
        return _in_doubt(reply, "that is no answer to a lead", own, own_ids)
    if status in _AMBIGUOUS and strict:
        return _in_doubt(reply, "the lead may have been taken", own, own_ids)
    if status in _TRANSIENT:
        outcome = Outcome(OutcomeKind.DEFERRED, status_line(status), status)
        return Verdict(outcome, NextStep.RETRY, is_ambiguous=status in _AMBIGUOUS)
    return _http_error(reply, own)


def read_outcome(reply: Reply) -> Answer | Unreadable:
    """Read the body of a reply as LeadConduit's answer, by what its bytes look like."""
    if reply.cut is not None:
        return Unreadable(f"the body is cut: {reply.cut}")
    shape = shape_of(reply.body)
    read = _READERS.get(shape)
    return Unreadable(_NO_READER[shape]) if read is None else read(reply.body)


def excerpt_of(body: bytes, own: Pairs, *, is_cut: bool) -> str:
    """Return what a body says, for a reason: its message, its title or its text, scrubbed."""
    shape = shape_of(body)
    text = trimmed(body)[:_EXCERPT_BYTES_MAX].decode("utf-8", "replace")
    is_cut = is_cut or len(body) > _EXCERPT_BYTES_MAX
    if shape is Shape.JSON:
        text = message_of(body) or ""
    elif shape in {Shape.HTML, Shape.XML}:
        title = title_of(body)
        is_cut = is_cut or len(title) == _TITLE_CHARS_MAX
        text = html.unescape(title)
    return scrub(text, own, chars_max=_EXCERPT_CHARS_MAX, is_cut=is_cut)


def title_of(body: bytes) -> str:
    """Return the title of a page, with its entities, not scrubbed; empty if it has none."""
    title = _TITLE.search(trimmed(body)[:_EXCERPT_BYTES_MAX].decode("utf-8", "replace"))
    return title[1] if title else ""


def _answered(answer: Answer, reply: Reply, own: Pairs) -> Verdict:
    reason = None if answer.reason is None else scrub(answer.reason, own)
    return Verdict(Outcome(answer.kind, reason, reply.status, answer.lead_id, answer.price_micros))


def _unreadable(read: Unreadable, reply: Reply, own: Pairs, own_ids: tuple[str, ...]) -> Verdict:
    if reply.status == HTTPStatus.SEE_OTHER or (
        reply.status == HTTPStatus.OK and _is_foreign(reply)
    ):
        return _http_error(reply, own)
    word = f": {scrub(read.word, own, chars_max=_WORD_CHARS_MAX)}" if read.word else ""
    return _in_doubt(reply, f"{read.why}{word}", own, own_ids)


def _is_foreign(reply: Reply) -> bool:
    """Tell whether a page of somebody else's stands where LeadConduit's answer should."""
    shape = shape_of(reply.body)
    return shape in {Shape.HTML, Shape.OTHER} or (shape is Shape.EMPTY and reply.cut is None)


def _in_doubt(reply: Reply, why: str, own: Pairs, own_ids: tuple[str, ...]) -> Verdict:
    own_texts = frozenset(text.lower() for _, text in own) | frozenset(own_ids)
    word = salvaged_word(reply.body)
    says = f"; the outcome reads {word}" if word else ""
    return Verdict(
        Outcome(
            OutcomeKind.IN_DOUBT,
            f"{status_line(reply.status)}, but {why}{says}",
            reply.status,
            salvaged_lead_id(reply.body, own_texts),
        )
    )


def _http_error(reply: Reply, own: Pairs) -> Verdict:
    excerpt = excerpt_of(reply.body, own, is_cut=reply.cut is not None)
    reason = status_line(reply.status) + (f": {excerpt}" if excerpt else "")
    next_step = NextStep.SETTLE
    if reply.status in _STOPPING:
        next_step = NextStep.STOP
    elif reply.status < 400:
        next_step = NextStep.SUSPECT
    return Verdict(Outcome(OutcomeKind.HTTP_ERROR, reason, reply.status), next_step)


def status_line(status: int) -> str:
    """Return a status with its phrase: ``409 Conflict``."""
    phrase = _PHRASES.get(status)
    return f"{status} {phrase}" if phrase else f"{status}"


_READERS: Mapping[Shape, Callable[[bytes], Answer | Unreadable]] = {
    Shape.JSON: read_json,
    Shape.XML: read_xml,
}
_NO_READER: Mapping[Shape, str] = {
    Shape.EMPTY: "the body is empty",
    Shape.HTML: "the body is a web page",
    Shape.OTHER: "the body is neither JSON nor XML",
}

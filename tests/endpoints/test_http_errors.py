"""What is kept of an answer outside the protocol: its status, and what a person can use of it."""

from http import HTTPStatus

import pytest

from bulkpost.endpoints.classify import classify
from bulkpost.exchange import Reply
from bulkpost.outcome import Outcome, OutcomeKind

OWN = (("first_name", "Wilhelmina"),)


def outcome(status: int, body: bytes | str, *, cut: str | None = None) -> Outcome:
    raw = body.encode() if isinstance(body, str) else body
    return classify(Reply(status, (), raw, cut), OWN, strict=False).outcome


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, '{"message": "Source is disabled"}', "403 Forbidden: Source is disabled"),
        (401, '{"error":"authentication failed"}', "401 Unauthorized: authentication failed"),
        (405, "The PUT method is not allowed", None),
        (400, "", "400 Bad Request"),
        (409, '{"reason":"no such flow"}', "409 Conflict: no such flow"),
        (400, '{"message": 5}', "400 Bad Request"),
        (400, "[1]", "400 Bad Request"),
        (400, "{", "400 Bad Request"),
        (500, "<html><TITLE lang=en>Ouch &amp; more</title>", None),
        (500, "<html>no title", "500 Internal Server Error"),
        (520, "odd", "520: odd"),
        (400, "no such person: Wilhelmina", "400 Bad Request: no such person: [first_name]"),
    ],
)
def test_the_reason_of_an_http_error_says_what_came(
    status: int, body: str, reason: str | None
) -> None:
    """Status, phrase, and what a person can use of the body, scrubbed."""
    texts = {405: "The PUT method is not allowed", 500: "Ouch & more"}
    expected = reason or f"{status} {HTTPStatus(status).phrase}: {texts[status]}"
    assert expected == outcome(status, body).reason


UNSEEN = "\U000e0061"  # four bytes that a scrubbed text does not show


@pytest.mark.parametrize(
    ("body", "cut", "said"),
    [
        pytest.param("no Wilhel", None, ": no Wilhel", id="whole"),
        pytest.param("no Wilhel", "connection lost", ": no", id="cut"),
        pytest.param("<title>no Wilhel</title>", None, ": no Wilhel", id="whole-title"),
        pytest.param("<html><title>no Wilhel", "connection lost", ": no", id="cut-title"),
        pytest.param(
            f"<title>no{UNSEEN * 990} Wilhelmina</title>",
            None,
            ": no",
            id="title-looked-at-in-part",
        ),
        pytest.param(f"no{UNSEEN * 1_022} Wilhelmina", None, ": no", id="looked-at-in-part"),
        pytest.param(f"no{UNSEEN * 1_021}    Wilhel", None, ": no Wilhel", id="looked-at-whole"),
    ],
)
def test_a_value_of_which_a_part_came_is_left_out(body: str, cut: str | None, said: str) -> None:
    """A text that does not end where its author ended it may end inside a value."""
    assert f"400 Bad Request{said}" == outcome(400, body, cut=cut).reason


def test_the_excerpt_is_short() -> None:
    """A reason is not a page."""
    assert f"400 Bad Request: {'word ' * 39}word…" == outcome(400, b"word " * 10_000).reason


def test_an_http_error_keeps_its_status_and_no_lead_id() -> None:
    """And text in another encoding, with marks where it cannot be read."""
    expected = Outcome(OutcomeKind.HTTP_ERROR, "400 Bad Request: caf\ufffd is full", 400)

    assert expected == outcome(400, b"caf\xe9 is full")
    assert expected == outcome(400, b"<HTML><TITLE>caf\xe9 is full</TITLE>")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<HTML><BODY>", "the body is a web page"),
        (b'{"outcome" :\n "failure"', "the body is not JSON; the outcome reads failure"),
        (b"<result><outcome>\n success\n</", "the body is not XML; the outcome reads success"),
    ],
)
def test_s4_what_can_be_told_of_an_unreadable_answer_is_told(body: bytes, why: str) -> None:
    """The reason says what came instead of an answer, and a word of LeadConduit's in it."""
    assert f"201 Created, but {why}" == outcome(201, body).reason

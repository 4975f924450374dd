import json
from http import HTTPStatus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkpost.endpoints.classify import classify
from bulkpost.exchange import Reply
from bulkpost.outcome import VERDICTS, NextStep, Outcome, OutcomeKind, Verdict

LEAD_ID = "5f00000000000000000000c3"
OWN = (("first_name", "Wilhelmina"), ("email", "mina@example.com"), ("vendor_id", "a" * 24))
SUCCESS = f'{{"outcome":"success","lead":{{"id":"{LEAD_ID}"}},"price":1.5}}'.encode()
HTML = b"<!DOCTYPE html><html><head><title>Down for maintenance</title></head></html>"

IN_DOUBT = OutcomeKind.IN_DOUBT
HTTP_ERROR = OutcomeKind.HTTP_ERROR


def verdict(
    status: int, body: bytes | str, *, cut: str | None = None, strict: bool = False
) -> Verdict:
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return classify(Reply(status, (), raw, cut), OWN, strict=strict)


def outcome(status: int, body: bytes | str, *, cut: str | None = None) -> Outcome:
    return verdict(status, body, cut=cut).outcome


@pytest.mark.parametrize("kind", sorted(VERDICTS))
@pytest.mark.parametrize("status", [200, 201, 303])
def test_a_readable_answer_is_that_outcome(kind: OutcomeKind, status: int) -> None:
    """LeadConduit's three words are believed with 201, 303 and 200, and settle the row."""
    body = json.dumps({"outcome": kind, "reason": "why", "lead": {"id": LEAD_ID}, "price": 0})
    expected = Verdict(Outcome(kind, "why", status, LEAD_ID, 0))
    assert expected == verdict(status, body)


@pytest.mark.parametrize(
    "body",
    [
        '{"outcome":"success"}',
        '{"outcome":"success","reason":null,"lead":null,"price":null}',
        '{"outcome":"success","lead":{}}',
        '{"outcome":"success","lead":{"id":null}}',
        '\ufeff \n{"outcome":"success","appended":{"a":1,"a":2},"url":"x"}\r\n',
    ],
)
def test_the_account_chooses_the_fields_of_its_response(body: str) -> None:
    """All but the outcome may be absent, others present, a byte order mark before them."""
    assert Outcome(OutcomeKind.SUCCESS, None, 201) == outcome(201, body)


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        *(("0", 0), ("1.5", 1_500_000), ("0.29", 290_000), ("-2", -2_000_000)),
        *(("1e2", 100_000_000), ("9223372036853", 9_223_372_036_853_000_000)),
    ],
)
def test_a_price_is_kept_in_millionths(price: str, micros: int) -> None:
    """Any number is a price whose millionths a database can hold."""
    assert micros == outcome(201, f'{{"outcome":"success","price":{price}}}').price_micros


def test_a_lead_id_has_one_spelling() -> None:
    """An id in capitals is the same id."""
    body = f'{{"outcome":"success","lead":{{"id":"{LEAD_ID.upper()}"}}}}'
    assert LEAD_ID == outcome(201, body).lead_id


def test_an_empty_reason_is_a_reason() -> None:
    """LeadConduit tells an empty reason from none."""
    assert "" == outcome(201, '{"outcome":"failure","reason":""}').reason


def test_a_reason_is_scrubbed() -> None:
    """The lead's own values do not come back into the ledger."""
    body = '{"outcome":"failure","reason":"WILHELMINA <mina@example.com> is blocked"}'
    assert "[first_name] <[email]> is blocked" == outcome(201, body).reason


@pytest.mark.parametrize("kept_bytes", [len(SUCCESS) - 1, len(SUCCESS) - 4, len(SUCCESS)])
def test_s3_a_cut_answer_is_in_doubt_with_its_lead_id(kept_bytes: int) -> None:
    """An answer that did not come whole is not believed; its lead id and its word are kept."""
    got = outcome(201, SUCCESS[:kept_bytes], cut="connection lost")
    assert IN_DOUBT is got.kind
    assert LEAD_ID == got.lead_id
    assert (
        "201 Created, but the body is cut: connection lost; the outcome reads success" == got.reason
    )


@pytest.mark.parametrize("kept_bytes", range(len(SUCCESS)))
def test_s3_a_body_cut_anywhere_is_in_doubt(kept_bytes: int) -> None:
    """Wherever an answer is cut, the row is in doubt and no lead id is invented."""
    for cut in (None, "connection lost"):
        got = outcome(201, SUCCESS[:kept_bytes], cut=cut)
        assert IN_DOUBT is got.kind
        assert got.lead_id in {None, LEAD_ID}


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"garbage", b"{", b'{"outcome":"success"', b"\xff\xfe\x00", HTML, b"{}x"]
)
def test_s4_a_created_lead_without_a_readable_answer_is_in_doubt(body: bytes) -> None:
    """A 201 says that the lead was taken: whatever its body, it is not sent again."""
    got = verdict(201, body)
    assert IN_DOUBT is got.outcome.kind
    assert NextStep.SETTLE is got.next_step
    assert got.outcome.reason is not None
    assert got.outcome.reason.startswith("201 Created, but the body is ")


@pytest.mark.parametrize(
    "body",
    [HTML, b"<HTML>", b"<html lang=en>", b"Please log in", b"X-ray", b"", b"\x00\x01"],
)
def test_s5_a_page_instead_of_an_answer_is_an_http_error(body: bytes) -> None:
    """A web page with status 200 is not LeadConduit's answer: an http_error, held."""
    got = verdict(200, body)
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.SUSPECT is got.next_step


def test_s5_the_title_of_the_page_is_the_reason() -> None:
    """If a web page comes instead of an answer, its title is kept as the reason."""
    assert "200 OK: Down for maintenance" == outcome(200, HTML).reason


NOT_JSON = "the body is not JSON"
NOT_AN_OBJECT = "the body is JSON, but not an object"
TWICE = "a name stands twice in the answer"
NO_OUTCOME = "there is no outcome"
UNKNOWN = "the outcome is no known word"
ODD_ID = "the lead id is not 24 hex digits"
ODD_LEAD = "the lead is not an object, or a name stands twice in it"
NO_NUMBER = "the price is not a number"
OUT_OF_RANGE = "the price is out of range"
ODD_ANSWERS = [
    ("null", NOT_AN_OBJECT),
    ("5", NOT_AN_OBJECT),
    ('"success"', NOT_AN_OBJECT),
    ("[]", NOT_AN_OBJECT),
    ('["outcome","success"]', NOT_AN_OBJECT),
    ("{}", NO_OUTCOME),
    ('{"outcome":null}', NO_OUTCOME),
    ('{"outcome":"skip"}', f"{UNKNOWN}: skip"),
    ('{"outcome":"Success"}', f"{UNKNOWN}: Success"),
    ('{"outcome":" success"}', f"{UNKNOWN}: success"),
    (f'{{"outcome":"{"s" * 1_000}"}}', f"{UNKNOWN}: {'s' * 39}…"),
    ('{"outcome":["success"]}', UNKNOWN),
    ('{"outcome":{"success":1}}', UNKNOWN),
    ('{"outcome":true}', UNKNOWN),
    ('{"OUTCOME":"success"}', NO_OUTCOME),
    ('{"outcome":"success","outcome":"failure"}', TWICE),
    ('{"outcome":"success","outcome":"success"}', TWICE),
    ('{"outcome":"success","lead":{"id":"123"}}', ODD_ID),
    ('{"outcome":"success","lead":{"id":""}}', ODD_ID),
    ('{"outcome":"success","lead":{"id":5}}', ODD_ID),
    ('{"outcome":"success","lead":"5f00000000000000000000c3"}', ODD_LEAD),
    ('{"outcome":"success","lead":{"id":"5f00000000000000000000c3","id":"b"}}', ODD_LEAD),
    ('{"outcome":"success","reason":5}', "the reason is not a text"),
    ('{"outcome":"success","price":NaN}', NOT_JSON),
    ('{"outcome":"success","price":Infinity}', NOT_JSON),
    ('{"outcome":"success","price":1e999}', OUT_OF_RANGE),
    ('{"outcome":"success","price":9223372036854}', OUT_OF_RANGE),
    ('{"outcome":"success","price":9223372036854775807}', OUT_OF_RANGE),
    ('{"outcome":"success","price":-1e300}', OUT_OF_RANGE),
    ('{"outcome":"success","price":true}', NO_NUMBER),
    ('{"outcome":"success","price":"1"}', NO_NUMBER),
    ('{"outcome":"success"}{"outcome":"success"}', NOT_JSON),
] + [
    (f'{{"outcome":"{kind}"}}', f"{UNKNOWN}: {kind}")
    for kind in OutcomeKind
    if kind not in VERDICTS
]


@pytest.mark.parametrize(("body", "why"), ODD_ANSWERS)
@pytest.mark.parametrize("status", [200, 201])
def test_s6_an_answer_of_another_shape_is_in_doubt(body: str, why: str, status: int) -> None:
    """Whatever is odd about an answer, the row is in doubt, and the reason says what was odd."""
    got = outcome(status, body)
    told, _, _ = (got.reason or "").partition("; the outcome reads")
    assert IN_DOUBT is got.kind
    assert f"{status} {HTTPStatus(status).phrase}, but {why}" == told


def test_s6_the_lead_id_of_an_odd_answer_is_kept() -> None:
    """Of an odd answer the lead id is kept, and the reason says what could be read."""
    body = f'{{"outcome":"success","lead":{{"id":"{LEAD_ID}"}},"price":NaN}}'
    expected = "201 Created, but the body is not JSON; the outcome reads success"
    assert Outcome(IN_DOUBT, expected, 201, LEAD_ID) == outcome(201, body)
    body = f'{{"outcome":"skip","lead":{{"id":"{LEAD_ID}"}}}}'
    expected = "201 Created, but the outcome is no known word: skip"
    assert Outcome(IN_DOUBT, expected, 201, LEAD_ID) == outcome(201, body)


@pytest.mark.parametrize(
    "body",
    [
        f"{LEAD_ID} {'d' * 24}",
        "a" * 24,  # our own vendor_id, echoed
        LEAD_ID + "0",
        LEAD_ID[:-1],
        "x" + LEAD_ID,
    ],
)
def test_s6_no_lead_id_is_invented(body: str) -> None:
    """Two ids, the lead's own text, or a part of something longer are no lead id."""
    assert None is outcome(201, body).lead_id


def test_s6_a_hostile_word_is_scrubbed() -> None:
    """An unknown outcome is told without the lead's data and without control characters."""
    got = outcome(201, '{"outcome":"\\u001b[31mWilhelmina mina@example.com"}')
    assert "201 Created, but the outcome is no known word: ?[first_name] [email]" == got.reason


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"outcome":"success","price":' + "9" * 5_000 + "}",
        '{"outcome":"success","reason":"' + "\\ud800" * 10 + '","price":-' + "9" * 5_000 + "}",
    ],
)
def test_s7_deep_nesting_and_huge_integers_are_in_doubt(body: str) -> None:
    """An answer that makes a parser fail makes a doubt, not a crash."""
    assert IN_DOUBT is outcome(201, body).kind


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 399])
def test_s11_a_redirect_is_an_http_error_and_suspect(status: int) -> None:
    """What stands in the body of a redirect is not believed: the row is an http_error."""
    got = verdict(status, SUCCESS)
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.SUSPECT is got.next_step


@pytest.mark.parametrize("body", [b"", HTML, b"{}", SUCCESS[:-1]])
def test_s11_a_see_other_without_an_answer_is_a_redirect(body: bytes) -> None:
    """A 303 without LeadConduit's answer in it is a redirect like any other: an http_error."""
    got = verdict(303, body)
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.SUSPECT is got.next_step


@pytest.mark.parametrize("content_type", ["text/html", "application/xml", "image/png", ""])
def test_s12_the_content_type_is_not_believed(content_type: str) -> None:
    """What an answer is, its bytes decide and not its label."""
    reply = Reply(201, (("Content-Type", content_type),), SUCCESS)
    expected = Outcome(OutcomeKind.SUCCESS, None, 201, LEAD_ID, 1_500_000)
    assert expected == classify(reply, OWN, strict=False).outcome


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        (b"caf\xe9 full", "caf\ufffd full"),
        (b"a\\ud800b", "a?b"),
        (b"a\\u0000b", "a?b"),
        (b"\\u001b[31mred\\u001b]52;c;x\\u0007", "?red?"),
        (b"abc\\u202edef", "abcdef"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        (b"two\\nlines\\tand more", "two lines and more"),
    ],
)
def test_s13_a_hostile_reason_is_kept_harmless(spelled: bytes, expected: str) -> None:
    """A reason with control characters or broken text is kept as one harmless line."""
    got = outcome(201, b'{"outcome":"failure","reason":"' + spelled + b'"}')
    assert OutcomeKind.FAILURE is got.kind
    assert expected == got.reason


def test_s13_a_reason_of_a_megabyte_is_cut() -> None:
    """Of a reason at most 500 characters are kept."""
    got = outcome(201, json.dumps({"outcome": "failure", "reason": "no " * 350_000}))
    assert 500 == len(got.reason or "")


@pytest.mark.parametrize("status", [500, 501, 505, 520, 599, 600, 999])
def test_s19_other_server_errors_are_held(status: int) -> None:
    """After any other 5xx than 502, 503 and 504 the lead may have been taken: it is held."""
    got = verdict(status, SUCCESS)
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.SETTLE is got.next_step
    assert str(status) in (got.outcome.reason or "")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 406, 415])
def test_s20_a_refused_destination_stops(status: int) -> None:
    """A refusal that would meet every row alike stops the run."""
    got = verdict(status, b"")
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.STOP is got.next_step


@pytest.mark.parametrize("status", [400, 408, 413, 422, 429, 451, 499])
def test_s20_a_refused_request_is_held(status: int) -> None:
    """A refusal of one row holds that row only."""
    got = verdict(status, b"")
    assert HTTP_ERROR is got.outcome.kind
    assert NextStep.SETTLE is got.next_step


@pytest.mark.parametrize("status", [202, 203, 204, 205, 206, 207, 226, 299])
def test_s22_other_successes_are_in_doubt(status: int) -> None:
    """With a success that LeadConduit does not use, an answer in the body is not believed."""
    got = verdict(status, SUCCESS)
    assert IN_DOUBT is got.outcome.kind
    assert LEAD_ID == got.outcome.lead_id
    assert "but that is no answer to a lead; the outcome reads success" in (
        got.outcome.reason or ""
    )
    assert NextStep.SETTLE is got.next_step


@pytest.mark.parametrize("status", [100, 101, 103, 199])
def test_s23_an_interim_status_as_the_last_word_is_in_doubt(status: int) -> None:
    """If an interim status is all that comes, the row is in doubt: the request was seen."""
    assert IN_DOUBT is outcome(status, b"").kind


@pytest.mark.parametrize(
    ("status", "phrase", "is_ambiguous"),
    [
        (502, "502 Bad Gateway", True),
        (503, "503 Service Unavailable", False),
        (504, "504 Gateway Timeout", True),
    ],
)
def test_s16_transient_answers_are_retried(status: int, phrase: str, *, is_ambiguous: bool) -> None:
    """After 502, 503 and 504 a row is tried again; 502 and 504 are counted as ambiguous."""
    deferred = Outcome(OutcomeKind.DEFERRED, phrase, status)
    expected = Verdict(deferred, NextStep.RETRY, is_ambiguous)
    assert expected == verdict(status, HTML)
    assert expected == verdict(status, SUCCESS)


@pytest.mark.parametrize("status", [502, 504])
def test_s18_strict_holds_an_ambiguous_answer(status: int) -> None:
    """With ``--strict`` a lead that a proxy may have passed on is not sent again."""
    got = verdict(status, b"", strict=True)
    expected = f"{status} {HTTPStatus(status).phrase}, but the lead may have been taken"
    assert Outcome(IN_DOUBT, expected, status) == got.outcome
    assert NextStep.SETTLE is got.next_step
    assert NextStep.RETRY is verdict(503, b"", strict=True).next_step


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*OutcomeKind, LEAD_ID]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["outcome", "reason", "lead", "price", "id"]), inner)
    ),
    max_leaves=8,
)
bodies = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


@given(st.integers(100, 999), bodies, st.booleans(), st.booleans())
@example(201, SUCCESS, False, False)  # noqa: FBT003  # hypothesis passes by position
@example(201, b"\xef\xbb\xbf" + SUCCESS, False, False)  # noqa: FBT003  # as above
def test_every_reply_has_a_verdict(
    status: int,
    body: bytes,
    is_cut: bool,  # noqa: FBT001  # hypothesis passes by position
    strict: bool,  # noqa: FBT001  # as above
) -> None:
    """No status and no bytes raise, and only an answer that says so is LeadConduit's verdict."""
    got = verdict(status, body, cut="connection lost" if is_cut else None, strict=strict).outcome
    assert status == got.http_status
    (got.reason or "").encode()
    assert got.lead_id is None or (24 == len(got.lead_id) and got.lead_id == got.lead_id.lower())
    if got.kind in VERDICTS:
        assert not is_cut
        assert status in {200, 201, 303}
        text = body.decode("utf-8", "replace").removeprefix("\ufeff")
        assert got.kind == json.loads(text)["outcome"]

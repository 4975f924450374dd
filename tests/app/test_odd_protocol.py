"""Cases S22 to S30 of the fault catalogue, end to end: statuses, headers and bytes out of line."""

from pathlib import Path

import pytest
from faultserver import close, response, say
from odd_answers import HEAD, ID, SUCCESS, accepted, created, held
from submitting import asked, row_in, verdict


@pytest.mark.parametrize("status", [202, 204, 206])
async def test_s22_another_success_is_in_doubt(status: int, tmp_path: Path) -> None:
    """If the status is another success than LeadConduit's (202, 204, 206), the row is in doubt.

    Somebody took the lead, and nobody knows what for; it is not sent again.
    """
    body = b"" if status == 204 else b"{}"
    await held(response(status, body), tmp_path, None, "no answer to a lead")


@pytest.mark.parametrize("status", [100, 103])
async def test_s23_an_interim_answer_is_passed_over(status: int, tmp_path: Path) -> None:
    """If an interim answer (100, 103) comes before the answer, the answer counts."""
    interim = b"HTTP/1.1 %d Interim\r\n\r\n" % status
    await accepted(say(interim + created(SUCCESS)), tmp_path)


async def test_s23_switching_protocols_is_in_doubt(tmp_path: Path) -> None:
    """If the server wants to switch to another protocol (101), the row is in doubt."""
    switch = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    await held([say(switch), close], tmp_path, None, "no answer to a lead")


async def test_s24_an_http_1_0_answer_that_was_cut_is_in_doubt(tmp_path: Path) -> None:
    """If an answer without a stated length is cut off, the row is in doubt.

    The lead id is kept if it came, and the row is not sent again.
    """
    cut = b"HTTP/1.0 201 Created\r\n\r\n" + SUCCESS[:-2]
    await held([say(cut), close], tmp_path, ID, "not JSON")


async def test_s25_of_two_answers_the_first_counts(tmp_path: Path) -> None:
    """If two answers come for one request, the first counts and the second is nobody's.

    The next lead goes over another connection and gets its own answer.
    """
    stray = verdict("failure", reason="stray", lead={"id": "f" * 24})
    await accepted(say(created(SUCCESS) + stray), tmp_path)

    assert [] == asked(tmp_path / "l.db", "SELECT row FROM rows WHERE reason = 'stray'")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X-Long: " + b"x" * 65_536 + b"\r\n", id="a-long-one"),
        pytest.param(b"".join(b"X-%d: y\r\n" % n for n in range(1000)), id="a-thousand"),
    ],
)
async def test_s26_absurd_headers_are_in_doubt(lines: bytes, tmp_path: Path) -> None:
    """If an answer has a header of 64 kB or a thousand headers, the row is in doubt."""
    answer = HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(SUCCESS) + SUCCESS
    await held([say(answer), close], tmp_path, None, "not HTTP")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", id="a-bad-chunk"),
        pytest.param(b"hello\r\n\r\n", "not HTTP", id="not-http"),
    ],
)
async def test_s27_what_is_not_http_is_in_doubt(said: bytes, words: str, tmp_path: Path) -> None:
    """If what comes back is not HTTP, or breaks off being it, the row is in doubt.

    It is never taken for a refusal of the lead (400).
    """
    await held([say(said), close], tmp_path, None, words)
    assert row_in(tmp_path / "l.db", 3, "http_status") in {(None,), (201,)}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("", id="no-date-no-server"),
        pytest.param("date: Wed, 21 Oct 2015 07:28:00 GMT\r\nserver: x\r\n", id="lower-case"),
        pytest.param("Server: one\r\n two\r\nX-More: a\r\n\tb\r\n", id="folded"),
    ],
)
async def test_s30_headers_may_be_missing_lower_case_or_folded(lines: str, tmp_path: Path) -> None:
    """If headers such as Date and Server are missing, lower-case or folded, the answer counts."""
    head = f"HTTP/1.1 201 Created\r\n{lines}content-length: {len(SUCCESS)}\r\n\r\n"
    await accepted(head.encode() + SUCCESS, tmp_path)

"""Cases S of the fault catalogue: what comes back."""

import gzip
import re
import tracemalloc
import zlib

import anyio
import pytest
from faultserver import (
    Script,
    answer,
    close,
    drip,
    fault_server,
    flood,
    hang,
    hang_in_body,
    part,
    raw_answer,
    request,
    reset,
    response,
    say,
    silence,
)
from msgspec.structs import replace
from sending import BODY, DONE, QUICK, a_request, a_transport, in_doubt, kept, until

from bulkpost.errors import InDoubtError, NotSentError
from bulkpost.exchange import Reply

LIMIT = 1_048_576
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def sent_to(*scripts: Script, times: int = 1) -> tuple[list[Reply], list[bytes], int]:
    """Return the replies, the bodies that the server took, and how many connections it saw."""
    async with fault_server(*scripts) as server, a_transport() as transport:
        replies = [await transport.send(a_request(server.url)) for _ in range(times)]
    return replies, [seen.body for seen in server.complete], server.connections


async def test_s1_a_head_that_drips_ends_in_doubt_at_the_total_limit() -> None:
    """Headers that keep coming byte by byte do not keep a request alive beyond the total limit."""
    script = [request, drip(HEAD + b"X-Slow: " + b"x" * 5000, every_s=0.05)]
    async with fault_server(script) as server, a_transport() as transport:
        error = await in_doubt(transport, server.url)

    assert "did not answer in time" in error.message
    assert [BODY] == [seen.body for seen in server.complete]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(hang_in_body(HEAD + b"Content-Length: 99\r\n\r\n" + DONE), id="hangs"),
        pytest.param(
            [
                request,
                say(HEAD + b"Content-Length: 999\r\n\r\n" + DONE),
                drip(b" " * 900, every_s=0.05),
            ],
            id="drips",
        ),
    ],
)
async def test_s2_a_slow_body_is_cut_and_what_came_is_kept(script: Script) -> None:
    """Of a body that does not end in time, the status and what came are kept."""
    [reply], taken, _ = await sent_to(script)

    assert (201, "no more came in time") == (reply.status, reply.cut)
    assert reply.body.startswith(DONE)
    assert [BODY] == taken


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(HEAD + b"Content-Length: 999\r\n\r\n" + DONE, id="length-too-long"),
        pytest.param(CHUNKED + b"%x\r\n%b\r\n" % (len(DONE), DONE), id="last-chunk-missing"),
    ],
)
async def test_s3_a_cut_body_keeps_its_status_and_what_came(raw: bytes) -> None:
    """Of an answer whose connection ended early, the status and what came are kept."""
    [reply], taken, _ = await sent_to(raw_answer(raw))

    assert (201, DONE, "connection lost") == (reply.status, reply.body, reply.cut)
    assert [BODY] == taken


async def test_s3_a_length_counted_in_characters_keeps_the_reply() -> None:
    """What is left over of a too long answer is never taken for the next lead's."""
    body = '{"outcome":"failure","reason":"trop \u00e2g\u00e9","lead":{"id":"0"}}'
    raw = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body.encode()
    script = [request, say(raw), request]
    replies, taken, connections = await sent_to(script, answer(201, DONE), times=2)

    assert (201, body.encode()) == (replies[0].status, replies[0].body)
    assert "longer than its Content-Length" == replies[0].cut
    assert "application/json" == replies[0].header("content-type")
    assert (201, DONE, None) == (replies[1].status, replies[1].body, replies[1].cut)
    assert (2, 2) == (connections, len(taken))


async def test_s3_a_reset_in_the_body_is_cut() -> None:
    """A connection that is reset within an answer loses the rest of the body, not the status."""
    script = [request, say(HEAD + b"Content-Length: 999\r\n\r\n"), reset]
    [reply], _, _ = await sent_to(script)

    assert (201, "connection lost") == (reply.status, reply.cut)


async def test_s8_a_huge_body_is_read_up_to_the_limit_and_the_connection_closed() -> None:
    """Of an answer of fifty megabytes one is read, and the next lead takes another connection."""
    chunk = b"x" * 65_536
    length = len(chunk) * 800
    script = [request, say(HEAD + b"Content-Length: %d\r\n\r\n" % length), flood(chunk, 800)]
    replies, taken, connections = await sent_to(script, answer(201, DONE), times=2)

    assert (201, LIMIT) == (replies[0].status, len(replies[0].body))
    assert f"longer than {LIMIT} bytes" == replies[0].cut
    assert (2, 2) == (connections, len(taken))


async def test_s8_a_body_of_exactly_the_limit_is_whole() -> None:
    """An answer of exactly 1 MiB is read whole."""
    [reply], _, _ = await sent_to(answer(201, b"x" * LIMIT))

    assert (LIMIT, None) == (len(reply.body), reply.cut)


async def test_s9_a_gzip_bomb_is_cut_at_the_limit_and_costs_no_memory() -> None:
    """The limit of an answer counts unpacked bytes, and no more are unpacked than are read."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1_048_576)
    bomb = b"".join(packer.compress(megabyte) for _ in range(300)) + packer.flush()
    script = answer(201, bomb, (("Content-Encoding", "gzip"),))
    tracemalloc.start()
    try:
        [reply], taken, _ = await sent_to(script)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (201, LIMIT, f"longer than {LIMIT} bytes") == (
        reply.status, len(reply.body), reply.cut,
    )  # fmt: skip
    assert [BODY] == taken
    assert peak_bytes < 16 * LIMIT


@pytest.mark.parametrize(
    ("body", "coding", "expected", "cut"),
    [
        pytest.param(gzip.compress(DONE), "gzip", DONE, None, id="good-gzip"),
        pytest.param(b"no gzip", "gzip", b"", "the body cannot be decompressed", id="bad-gzip"),
        pytest.param(DONE, "klingon", DONE, None, id="unknown-coding"),
    ],
)
async def test_s10_a_bad_coding_leaves_the_status(
    body: bytes, coding: str, expected: bytes, cut: str | None
) -> None:
    """An answer that cannot be decompressed keeps its status.

    An unknown coding is left as it came.
    """
    [reply], taken, _ = await sent_to(answer(201, body, (("Content-Encoding", coding),)))

    assert (201, expected, cut) == (reply.status, reply.body, reply.cut)
    assert [BODY] == taken


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_s11_a_redirect_is_a_reply_and_is_never_followed(status: int) -> None:
    """A lead goes where it was addressed to, and nowhere else, whatever redirects say."""
    async with fault_server(answer(201, DONE)) as target:
        moved = answer(status, b"", (("Location", target.url + "/else"),))
        [reply], taken, _ = await sent_to(moved)

    assert (status, target.url + "/else") == (reply.status, reply.header("location"))
    assert ([BODY], []) == (taken, target.requests)


@pytest.mark.parametrize("status", [100, 102, 103])
async def test_s23_an_interim_answer_is_passed_over(status: int) -> None:
    """Interim answers (100, 102, 103) are passed over, and the answer is waited for."""
    interim = b"HTTP/1.1 %d Interim\r\nLink: </x>\r\n\r\n" % status
    script = [request, say(interim), say(response(201, DONE))]
    [reply], taken, _ = await sent_to(script)

    assert (201, DONE, None) == (reply.status, reply.body, reply.cut)
    assert [BODY] == taken


async def test_s23_switching_protocols_is_a_reply_and_ends_the_connection() -> None:
    """After a 101 nothing is waited for, and no other lead goes over that connection."""
    head = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    script = [request, say(head + response(201, DONE)), request]
    replies, taken, connections = await sent_to(script, answer(201, DONE), times=2)

    assert [(101, b""), (201, DONE)] == [(reply.status, reply.body) for reply in replies]
    assert (2, 2) == (connections, len(taken))


async def test_s23_switching_to_nothing_is_a_reply_too() -> None:
    """A 101 that names no protocol ends its connection like any other."""
    bare = raw_answer(b"HTTP/1.1 101 Switching\r\n\r\n")
    replies, taken, connections = await sent_to(bare, answer(201, DONE), times=2)

    assert [101, 201] == [reply.status for reply in replies]
    assert (2, 2) == (connections, len(taken))


async def test_s24_an_http_1_0_answer_without_length_ends_with_the_connection() -> None:
    """An answer without a stated length ends with its connection.

    Whether it is whole, its content shows.
    """
    [reply], taken, _ = await sent_to(raw_answer(b"HTTP/1.0 201 Created\r\n\r\n" + DONE[:-9]))

    assert (201, DONE[:-9], None) == (reply.status, reply.body, reply.cut)
    assert [BODY] == taken


async def test_s25_the_first_of_two_answers_counts() -> None:
    """After two answers to one request the next lead goes over another connection."""
    own = b'{"lead":{"id":"own"}}'
    twice = [request, say(response(201, DONE) + response(201, b"stray")), request]
    replies, taken, connections = await sent_to(twice, answer(201, own), times=2)

    assert [DONE, own] == [reply.body for reply in replies]
    assert (2, 2) == (connections, len(taken))


async def test_s25_a_late_second_answer_is_not_given_to_the_next_lead() -> None:
    """A connection on which something came unasked is not used again."""
    own = b'{"lead":{"id":"own"}}'

    async with (
        fault_server(
            [request, say(response(201, DONE)), hang, say(response(201, b"stray")), request],
            answer(201, own),
        ) as server,
        a_transport() as transport,
    ):
        first = await transport.send(a_request(server.url))
        server.released.set()
        await until(lambda: kept(transport)[0].should_close)
        with pytest.raises(NotSentError):
            await transport.send(a_request(server.url))
        again = await transport.send(a_request(server.url))

    assert [DONE, own] == [first.body, again.body]
    assert 2 == len(server.complete)


async def test_s25_an_answer_before_the_request_was_read_counts() -> None:
    """An answer that comes before the whole lead was read counts.

    Its connection is not used again.
    """
    big = b"x" * 5_000_000
    early = [part(1024), say(response(413)), close]
    async with (
        fault_server(early, answer(201, DONE)) as server,
        a_transport() as transport,
    ):
        outcome: Reply | InDoubtError
        try:
            outcome = await transport.send(a_request(server.url, big))
        except InDoubtError as error:  # the reset may overtake the answer: TCP promises no more
            outcome = error
        reply = await transport.send(a_request(server.url))

    assert isinstance(outcome, InDoubtError) or outcome.status == 413
    assert (201, 2) == (reply.status, server.connections)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X-Long: " + b"x" * 65_536 + b"\r\n", id="a-long-one"),
        pytest.param(b"".join(b"X-%d: y\r\n" % n for n in range(1000)), id="a-thousand"),
    ],
)
async def test_s26_absurd_headers_are_in_doubt(lines: bytes) -> None:
    """If headers are too long or too many, the row is in doubt, whatever the status was."""
    raw = HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(DONE) + DONE
    async with fault_server(raw_answer(raw)) as server, a_transport() as transport:
        await in_doubt(transport, server.url)

    assert [BODY] == [seen.body for seen in server.complete]


async def test_s26_cookies_are_not_kept() -> None:
    """Cookies that a server sets are not kept."""
    script = answer(201, DONE, (("Set-Cookie", "session=1; Path=/"),))
    async with fault_server(script) as server, a_transport() as transport:
        for _ in range(2):
            await transport.send(a_request(server.url))

    assert [False, False] == ["cookie" in seen.headers for seen in server.requests]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x16\x03\x01 this is no HTTP\r\n\r\n", id="garbage"),
        pytest.param(b"HTTP/1.1 2", id="part-of-a-status-line"),
        pytest.param(b"HTTP/1.1 20x Odd\r\n\r\n", id="no-number"),
        pytest.param(HEAD, id="part-of-the-headers"),
        pytest.param(HEAD + b"Content-Length: minus one\r\n\r\n", id="bad-length"),
    ],
)
async def test_s27_what_is_not_http_is_in_doubt(raw: bytes) -> None:
    """What is not HTTP is never taken for an answer with a status: the row is in doubt."""
    async with fault_server(raw_answer(raw)) as server, a_transport() as transport:
        error = await in_doubt(transport, server.url)

    assert "400" not in re.sub(r":\d+ ", " ", error.message)
    assert [BODY] == [seen.body for seen in server.complete]


async def test_s27_a_bad_chunk_leaves_the_status_or_a_doubt() -> None:
    """An answer in broken chunks is never taken for a refusal (400)."""
    async with (
        fault_server(raw_answer(CHUNKED + b"zz\r\n" + DONE)) as server,
        a_transport() as transport,
    ):
        try:
            outcome: int | None = (await transport.send(a_request(server.url))).status
        except InDoubtError:
            outcome = None

    assert outcome in (None, 201)
    assert [BODY] == [seen.body for seen in server.complete]


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500, 503, 599])
async def test_any_status_is_a_reply(status: int) -> None:
    """What a status means is for the endpoint to say."""
    [reply], _, _ = await sent_to(answer(status, b"" if status == 204 else DONE))

    assert (status, None) == (reply.status, reply.cut)


async def test_the_read_limit_ends_the_wait_for_a_head_and_for_a_body() -> None:
    """Long before the total limit, silence is a doubt without a status and a cut with one."""
    settings = replace(QUICK, read_s=0.2, total_s=3600.0)
    stuck = hang_in_body(HEAD + b"Content-Length: 99\r\n\r\n" + DONE)
    async with (
        fault_server(silence(), stuck) as server,
        a_transport(settings) as transport,
    ):
        with anyio.fail_after(30):
            error = await in_doubt(transport, server.url)
            reply = await transport.send(a_request(server.url))

    assert "did not answer in time" in error.message
    assert (201, DONE, "no more came in time") == (reply.status, reply.body, reply.cut)
    assert 2 == len(server.complete)


async def test_a_total_limit_without_a_read_limit_ends_in_doubt() -> None:
    """The read limit need not be the smaller one."""
    settings = replace(QUICK, read_s=60.0, total_s=0.3)
    async with fault_server([request, hang]) as server, a_transport(settings) as transport:
        await in_doubt(transport, server.url)

    assert 1 == len(server.complete)

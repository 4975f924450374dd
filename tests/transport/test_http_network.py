"""Cases N of the fault catalogue: what the network does to a request."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult
from faultserver import (
    Script,
    Step,
    answer,
    answers,
    close,
    closed_port,
    fault_server,
    full_backlog,
    half_close,
    hang,
    hang_up_after_accept,
    hang_up_after_request,
    request,
    reset_after_request,
    reset_during_request,
    response,
    say,
    silence,
)
from msgspec.structs import replace
from sending import (
    BODY,
    DONE,
    PATH,
    QUICK,
    a_request,
    a_transport,
    in_doubt,
    kept,
    not_sent,
    until,
)

from bulkpost import __version__
from bulkpost.errors import ConfigError
from bulkpost.transport.settings import TransportSettings


class Names(AbstractResolver):
    """A resolver that knows what the test tells it, and no other name."""

    def __init__(self, *addresses: tuple[str, int, socket.AddressFamily]) -> None:
        self.addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002  # the interface
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002  # the interface
    ) -> list[ResolveResult]:
        if not self.addresses:
            raise OSError(None, "no such host")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=found, proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address, port, found in self.addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held."""


async def test_a_request_arrives_as_it_was_made() -> None:
    """POST, both headers, explicit length, our name, nothing of aiohttp's own; a reply."""
    async with fault_server(answer(201, DONE)) as server, a_transport() as transport:
        reply = await transport.send(a_request(server.url))

    seen = server.requests[0]
    assert ("POST", PATH, BODY) == (seen.method, seen.path, seen.body)
    assert {
        "host": server.url.removeprefix("http://"),
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "content-length": str(len(BODY)),
        "user-agent": f"bulkpost/{__version__}",
    } == seen.headers
    assert (201, DONE, None) == (reply.status, reply.body, reply.cut)
    assert "application/json" == reply.header("content-type")
    assert reply.latency_s > 0


async def test_connections_are_kept_and_used_again() -> None:
    """A hundred leads one after the other go over one connection."""
    async with fault_server(answer(201, DONE)) as server, a_transport() as transport:
        for _ in range(100):
            await transport.send(a_request(server.url))

    assert (1, 100) == (server.connections, len(server.complete))


async def test_a_body_of_several_megabytes_arrives_whole() -> None:
    """Large leads go out in one piece, without a warning."""
    body = b"note=" + b"x" * 3_000_000
    async with fault_server(answer(201, DONE)) as server, a_transport() as transport:
        await transport.send(a_request(server.url, body))

    assert body == server.requests[0].body


async def test_n1_a_name_that_does_not_resolve_is_not_sent() -> None:
    """Without an address nothing can have left; the message names the host."""
    async with a_transport(resolver=Names()) as transport:
        error = await not_sent(transport, "http://leads.invalid")

    assert "leads.invalid:80 cannot be found: the name does not resolve." == error.message
    assert not error.is_fatal


async def test_n2_a_refused_connection_is_not_sent_and_the_next_try_may_succeed() -> None:
    """A refused connection has carried nothing; the next try sends the lead once."""
    port = closed_port()
    async with a_transport() as transport:
        error = await not_sent(transport, f"http://127.0.0.1:{port}")
        async with fault_server(answer(201, DONE), port=port) as server:
            reply = await transport.send(a_request(server.url))

    assert f"127.0.0.1:{port} cannot be connected to (connection refused)." == error.message
    assert (201, 1) == (reply.status, len(server.requests))


async def test_n3_a_connection_that_is_never_accepted_is_not_sent() -> None:
    """A connection that is not made in time (10 s) has carried nothing."""
    async with full_backlog() as port, a_transport() as transport:
        error = await not_sent(transport, f"http://127.0.0.1:{port}")

    assert f"127.0.0.1:{port} did not accept a connection in time." == error.message


async def test_n4_a_request_that_found_no_free_connection_is_not_sent() -> None:
    """A lead that waited in vain for a free connection was not sent, and is tried again."""
    settings = TransportSettings(connect_s=0.2, read_s=60, total_s=60)
    async with (
        fault_server(silence()) as server,
        a_transport(settings, 1) as transport,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(transport.send, a_request(server.url))
        await until(lambda: bool(server.complete))
        await not_sent(transport, server.url)
        tasks.cancel_scope.cancel()

    assert 1 == len(server.requests)


def trusting(authority: trustme.CA, folder: Path) -> TransportSettings:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return replace(QUICK, ca_file=str(file))


def tls_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


OURS, THEIRS = trustme.CA(), trustme.CA()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        pytest.param(THEIRS.issue_cert("127.0.0.1"), "unable to get local", id="untrusted"),
        pytest.param(OURS.issue_cert("192.0.2.1"), "IP address mismatch", id="wrong-host"),
        pytest.param(
            OURS.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO),
            "has expired",
            id="expired",
        ),
    ],
)
async def test_n5_a_certificate_that_is_not_to_be_trusted_stops_the_run(
    certificate: trustme.LeafCert, why: str, tmp_path: Path
) -> None:
    """No lead goes to a host whose certificate is untrusted, expired or another host's."""
    async with (
        fault_server(answer(201, DONE), tls=tls_of(certificate)) as server,
        a_transport(trusting(OURS, tmp_path)) as transport,
    ):
        error = await not_sent(transport, server.url)

    assert error.is_fatal
    assert why in error.message
    assert error.advice
    assert [] == server.requests


async def test_n5_a_certificate_of_a_named_authority_is_trusted(tmp_path: Path) -> None:
    """Certificates of an authority of your own are trusted if you name its file in ``ca_file``."""
    certificate = OURS.issue_cert("127.0.0.1")
    async with (
        fault_server(answer(201, DONE), tls=tls_of(certificate)) as server,
        a_transport(trusting(OURS, tmp_path)) as transport,
    ):
        reply = await transport.send(a_request(server.url))

    assert (201, 1) == (reply.status, len(server.complete))


async def test_an_authority_file_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    """The file is named before anything is sent."""
    settings = TransportSettings(ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"none\.pem cannot be read"):
        async with a_transport(settings):
            pass


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        pytest.param(hang, "did not accept a connection in time", id="hangs"),
        pytest.param(close, "cannot be connected to", id="closes"),
        pytest.param(say(b"HTTP/1.1 400 Bad\r\n\r\n"), "does not speak TLS", id="plain-http"),
    ],
)
async def test_n6_a_tls_handshake_that_fails_is_not_sent(ending: Step, words: str) -> None:
    """No lead is written before the TLS handshake is done: if it fails, nothing was sent."""
    async with fault_server([ending]) as server, a_transport() as transport:
        error = await not_sent(transport, server.url.replace("http:", "https:"))

    assert words in error.message
    assert not error.is_fatal
    assert [] == server.requests


async def test_n7_a_connection_closed_after_accept_is_in_doubt() -> None:
    """A lead that left for a server that closed at once may have been read: it is in doubt."""
    async with fault_server(hang_up_after_accept()) as server, a_transport() as transport:
        error = await in_doubt(transport, server.url)

    assert "closed the connection" in error.message or "reset the connection" in error.message
    assert 1 == server.connections


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(reset_after_request(), "reset the connection", id="reset"),
        pytest.param(hang_up_after_request(), "closed the connection", id="closed"),
    ],
)
async def test_n8_a_connection_lost_after_the_request_is_in_doubt_and_not_repeated(
    script: Script, words: str
) -> None:
    """A lead whose connection was lost before the answer is not repeated by any layer."""
    async with fault_server(script) as server, a_transport() as transport:
        error = await in_doubt(transport, server.url)

    assert words in error.message
    assert (1, [BODY]) == (server.connections, [seen.body for seen in server.complete])


async def test_n9_a_reset_in_the_middle_of_the_upload_is_in_doubt() -> None:
    """If a part of a lead has left, it counts as sent: it is in doubt."""
    body = b"x" * 5_000_000
    async with fault_server(reset_during_request()) as server, a_transport() as transport:
        await in_doubt(transport, server.url, body)

    assert [False] == [seen.is_complete for seen in server.requests]


async def test_n10_no_answer_is_in_doubt() -> None:
    """If a server takes a lead and never answers, it is in doubt after the read limit."""
    async with fault_server(silence()) as server, a_transport() as transport:
        error = await in_doubt(transport, server.url)

    assert "did not answer in time" in error.message
    assert 1 == len(server.complete)


async def test_n11_a_kept_connection_that_is_closed_loses_one_row_at_most() -> None:
    """A kept connection that closes under a lead puts that one in doubt; the next one is fine."""
    first = [request, say(response(201, DONE)), request, close]
    async with (
        fault_server(first, answer(201, DONE)) as server,
        a_transport() as transport,
    ):
        before = await transport.send(a_request(server.url, b"row=1"))
        await in_doubt(transport, server.url, b"row=2")
        after = await transport.send(a_request(server.url, b"row=3"))

    assert (201, 201) == (before.status, after.status)
    assert [b"row=1", b"row=2", b"row=3"] == [seen.body for seen in server.complete]


async def test_n11_a_connection_closed_while_idle_is_not_used_again() -> None:
    """A kept connection that was closed before the next lead costs nothing."""
    async with (
        fault_server(answers(response(201, DONE)), answer(201, DONE)) as server,
        a_transport() as transport,
    ):
        await transport.send(a_request(server.url))
        await until(lambda: not any(idle.is_connected() for idle in kept(transport)))
        reply = await transport.send(a_request(server.url))

    assert (201, 2, 2) == (reply.status, server.connections, len(server.complete))


async def test_n13_a_half_close_after_the_answer_is_normal() -> None:
    """After an answer it does not matter how the server closes the connection."""
    script = [request, say(response(201, DONE)), half_close]
    async with fault_server(script) as server, a_transport() as transport:
        first = await transport.send(a_request(server.url))
        await until(lambda: not any(idle.is_connected() for idle in kept(transport)))
        second = await transport.send(a_request(server.url))

    assert [(201, DONE, None)] * 2 == [(r.status, r.body, r.cut) for r in (first, second)]
    assert (2, 2) == (server.connections, len(server.complete))


async def test_n14_a_dead_address_beside_a_living_one_is_passed_over() -> None:
    """If a host has several addresses, leads go by one that works."""
    async with fault_server(answer(201, DONE)) as server:
        names = Names(
            ("127.0.0.1", closed_port(), socket.AF_INET),
            ("127.0.0.1", server.port, socket.AF_INET),
        )
        async with a_transport(resolver=names) as transport:
            reply = await transport.send(a_request("http://leads.example.com"))

    assert (201, 1) == (reply.status, len(server.complete))


@pytest.mark.parametrize("trust_env", [False, True])
async def test_n16_proxies_of_the_environment_are_used_only_on_request(
    *, trust_env: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxies that HTTP_PROXY and its like name are ignored unless ``trust_env`` is set."""
    async with fault_server(answer(201, DONE)) as server, fault_server(answer(201)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        settings = replace(QUICK, trust_env=trust_env)
        async with a_transport(settings) as transport:
            await transport.send(a_request(server.url))

    assert (0, 1) if trust_env else (1, 0) == (len(server.requests), len(proxy.requests))


async def test_a_cancellation_passes_through() -> None:
    """Whoever cancels gets his cancellation, not an error; the connection is not used again."""
    async with (
        fault_server(silence(), answer(201, DONE)) as server,
        a_transport() as transport,
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.send, a_request(server.url))
            await until(lambda: bool(server.complete))
            tasks.cancel_scope.cancel()
        await transport.send(a_request(server.url))

    assert (2, 2) == (server.connections, len(server.complete))

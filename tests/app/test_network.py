"""Cases N of the fault catalogue, end to end: what the network does to a run.

The judges are the ledger and the server's own count of whole requests.
"""

import socket
import ssl
from pathlib import Path
from random import Random

import anyio
import pytest
import trustme
from faultserver import (
    Peer,
    Step,
    close,
    closed_port,
    fault_server,
    full_backlog,
    half_close,
    hang,
    hang_up_after_accept,
    reset,
    reset_during_request,
    say,
)
from submitting import (
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    asked,
    endings,
    lead_id_of,
    path_of,
    resolving,
    row_in,
    submitted,
    table,
    taken,
)

from bulkpost.clock import SystemClock
from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding


def once_each(rows: int) -> dict[int, int]:
    return dict.fromkeys(range(1, rows + 1), 1)


async def test_n1_a_name_that_does_not_resolve_stops_the_run_and_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the host name does not resolve, nothing was sent and no row is in doubt.

    After a minute the run stops with exit status 4; once the name is known, the same command goes
    on.
    """
    resolving(monkeypatch)
    leads, ledger = a_list(tmp_path, 6), tmp_path / "l.db"
    order = an_order(
        "https://leads.example.com",
        leads,
        ledger=ledger,
        allowed_hosts=["leads.example.com"],
        breaker__failures_max=2,
        breaker__first_contact_s_max=0.2,
        retry__unsent_attempts_max=3,
    )

    result = await submitted(order)

    assert (ExitStatus.STOPPED, RunEnding.REFUSED) == (
        result.exit_status,
        result.runs[0].ending,
    )
    assert result.runs[0].halt is not None
    assert "could not be reached" in result.runs[0].halt.reason
    assert "the name does not resolve" in result.runs[0].halt.reason
    assert {"deferred"} == set(endings(ledger).values())


async def test_n2_a_closed_port_costs_nothing_and_everything_goes_out_once_it_opens(
    tmp_path: Path,
) -> None:
    """If nobody listens at the port, nothing was sent and no row is in doubt.

    The run tries again with growing pauses; once somebody listens, every row is sent once.
    """
    leads, ledger, port = a_list(tmp_path, 40), tmp_path / "l.db", closed_port()
    answerer, observer = Answerer(), Recorder()
    order = an_order(f"http://127.0.0.1:{port}", leads, ledger=ledger)
    async with anyio.create_task_group() as tasks:

        async def begin() -> None:
            await retried(observer, 4)
            async with fault_server(answerer.script, port=port):
                await anyio.sleep_forever()

        tasks.start_soon(begin)
        result = await submitted(order, observer)
        tasks.cancel_scope.cancel()

    assert ExitStatus.DONE is result.exit_status
    assert all_of(40) == endings(ledger)
    assert once_each(40) == answerer.counts


async def retried(observer: Recorder, times: int) -> None:
    """Wait until a run has tried so many rows once more."""
    while not (observer.watched and observer.watched[0].tally.retries >= times):
        await SystemClock().sleep(0.01)


async def test_n3_a_connection_that_is_never_accepted_is_deferred_not_in_doubt(
    tmp_path: Path,
) -> None:
    """If a connection is never accepted, nothing was sent: the row is deferred, not in doubt."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    async with full_backlog() as port:
        order = an_order(
            f"http://127.0.0.1:{port}",
            leads,
            ledger=ledger,
            transport__connect_s=0.2,
            retry__unsent_attempts_max=2,
        )
        result = await submitted(order)

    assert ExitStatus.RESUMABLE is result.exit_status
    assert all_of(2, "deferred") == endings(ledger)
    reason = row_in(ledger, 1, "reason, attempts")
    assert ("did not accept a connection in time" in reason[0], 2) == (True, reason[1])


async def test_n5_an_untrusted_certificate_stops_the_run_before_the_first_byte(
    tmp_path: Path,
) -> None:
    """If the server's certificate is not to be trusted, no lead is sent and the run stops at once.

    The exit status is 4, and the message says what is wrong with the certificate.
    """
    leads, ledger = a_list(tmp_path, 30), tmp_path / "l.db"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with fault_server(Answerer().script, tls=context) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))

    assert [] == server.requests
    assert ExitStatus.STOPPED is result.exit_status
    halt = result.runs[0].halt
    assert halt is not None
    assert "certificate" in halt.reason
    assert halt.advice
    assert {"deferred"} == set(endings(ledger).values())
    assert 4 >= len(endings(ledger))  # the others were never touched


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        pytest.param(hang, "did not accept a connection in time", id="hangs"),
        pytest.param(close, "cannot be connected to", id="closes"),
    ],
)
async def test_n6_a_tls_handshake_that_fails_leaves_rows_deferred(
    ending: Step, words: str, tmp_path: Path
) -> None:
    """If the TLS handshake hangs or breaks off, nothing was sent: the row is deferred."""
    leads, ledger = a_list(tmp_path, 2), tmp_path / "l.db"
    async with fault_server([ending]) as server:
        order = an_order(
            server.url.replace("http:", "https:"),
            leads,
            ledger=ledger,
            transport__connect_s=0.2,
            retry__unsent_attempts_max=2,
        )
        result = await submitted(order)

    assert (ExitStatus.RESUMABLE, []) == (result.exit_status, server.requests)
    assert all_of(2, "deferred") == endings(ledger)
    assert words in row_in(ledger, 1, "reason")[0]


async def test_n7_a_connection_closed_after_accept_is_in_doubt(tmp_path: Path) -> None:
    """If the server closes a connection right after accepting it, the row on it is in doubt.

    The lead had left by then. It is not sent again, and the other rows go on.
    """
    leads, ledger, answerer = a_list(tmp_path, 8), tmp_path / "l.db", Answerer()
    async with fault_server(hang_up_after_accept(), answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.IN_DOUBT] * 2 == [result.exit_status, again.exit_status]
    assert all_of(8, _1="in_doubt") == endings(ledger)
    assert dict.fromkeys(range(2, 9), 1) == answerer.counts


@pytest.mark.parametrize("ending", [reset, close])
async def test_n8_a_connection_lost_after_the_request_is_in_doubt_and_not_repeated(
    ending: Step, tmp_path: Path
) -> None:
    """If the connection is lost after the request was read, the row is in doubt.

    The server has the lead once: the next run does not send it again.
    """
    await fifth_row_lost(ending, tmp_path)


async def test_n10_a_request_without_an_answer_is_in_doubt_and_not_repeated(tmp_path: Path) -> None:
    """If no answer comes within the read limit (400 s), the row is in doubt.

    The server has the lead once: the next run does not send it again.
    """
    await fifth_row_lost(hang, tmp_path)


async def fifth_row_lost(ending: Step, folder: Path) -> None:
    """Lose the answer of one row; it is in doubt for good and the others are fine."""
    leads, ledger = a_list(folder, 12), folder / "l.db"
    answerer = Answerer({5: [ending]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, transport__read_s=0.5)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.IN_DOUBT] * 2 == [result.exit_status, again.exit_status]
    assert all_of(12, _5="in_doubt") == endings(ledger)
    assert once_each(12) == answerer.counts


async def test_n9_a_reset_in_the_middle_of_the_upload_is_in_doubt(tmp_path: Path) -> None:
    """If the connection is reset while a large lead is being sent, the row is in doubt.

    A part of the lead has left, and that is enough: it is not sent again.
    """
    note = "x" * 1_000_000
    rows = [[str(row), note] for row in range(1, 5)]
    leads, ledger = table(tmp_path / "leads.csv", ["row", "note"], rows), tmp_path / "l.db"
    answerer = Answerer()
    async with fault_server(reset_during_request(), answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.IN_DOUBT] * 2 == [result.exit_status, again.exit_status]
    assert all_of(4, _1="in_doubt") == endings(ledger)
    assert {2: 1, 3: 1, 4: 1} == answerer.counts
    assert 1 == sum(not request.is_complete for request in server.requests)


async def test_n11_a_kept_connection_that_closes_loses_one_row_at_most(tmp_path: Path) -> None:
    """If the server closes a kept connection while a lead is written to it, that row is in doubt.

    The next rows take a new connection and are fine.
    """
    leads, ledger = a_list(tmp_path, 10), tmp_path / "l.db"
    answerer = Answerer({2: [close]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)

    assert ExitStatus.IN_DOUBT is result.exit_status
    assert all_of(10, _2="in_doubt") == endings(ledger)
    assert once_each(10) == answerer.counts
    assert 2 == server.connections


async def test_n12_a_slow_and_uneven_network_loses_nothing(tmp_path: Path) -> None:
    """If answers come late, unevenly and in pieces, the run takes longer and nothing is lost.

    Every row is sent once, and each gets its own answer and lead id.
    """
    rows, random = 80, Random(12)
    leads, ledger = a_list(tmp_path, rows), tmp_path / "l.db"

    async def late(peer: Peer) -> None:
        row = int(peer.server.requests[-1].body.split(b"&")[0].removeprefix(b"row="))
        answer = taken(row)
        cut = random.randrange(1, len(answer))
        for part in (answer[:cut], answer[cut:]):
            await SystemClock().sleep(random.expovariate(50))
            await peer.write(part)

    answerer = Answerer(otherwise=late)
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger, engine__concurrency=8))

    assert (ExitStatus.DONE, all_of(rows)) == (result.exit_status, endings(ledger))
    assert once_each(rows) == answerer.counts
    assert {row: lead_id_of(row) for row in range(1, rows + 1)} == dict(
        asked(ledger, "SELECT row, lead_id FROM rows")
    )


async def test_n13_a_half_close_after_the_answer_is_normal(tmp_path: Path) -> None:
    """If the server answers and then closes its side of the connection, the answer counts."""
    leads, ledger = a_list(tmp_path, 6), tmp_path / "l.db"
    # The last row: one that met the closing would be in doubt, and is case N11.
    answerer = Answerer({6: [[say(taken(6)), half_close]]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)

    assert (ExitStatus.DONE, all_of(6)) == (result.exit_status, endings(ledger))
    assert once_each(6) == answerer.counts
    assert (lead_id_of(6),) == row_in(ledger, 6, "lead_id")


async def test_n14_a_black_hole_beside_a_working_address_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a host's IPv6 address swallows everything and its IPv4 address works, rows go by IPv4."""
    leads, ledger, answerer = a_list(tmp_path, 3), tmp_path / "l.db", Answerer()
    resolving(monkeypatch, localhost=[(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")])
    async with (
        fault_server(answerer.script) as server,
        full_backlog("::1", server.port),
    ):
        url = f"http://localhost:{server.port}"
        result = await submitted(an_order(url, leads, ledger=ledger))

    assert (ExitStatus.DONE, all_of(3)) == (result.exit_status, endings(ledger))
    assert once_each(3) == answerer.counts


@pytest.mark.parametrize(
    "rows", [pytest.param(1, id="one-row"), pytest.param(40, id="in-the-middle")]
)
async def test_n15_an_outage_uses_up_no_rows_attempts(rows: int, tmp_path: Path) -> None:
    """If the network is gone for ten minutes, the run pauses, probes, and goes on by itself.

    No row uses up its attempts meanwhile: all of them are sent, once each. Only after 15 minutes
    without an answer (1 minute if there never was one) does the run stop, and can be continued.
    """
    leads, ledger = a_list(tmp_path, rows), tmp_path / "l.db"
    before, observer, after = Answerer(), Recorder(), Answerer()

    async def go_away(peer: Peer) -> None:
        assert peer.server.listener is not None
        peer.server.listener.close()
        await peer.write(last(taken(10)))

    before.plan = {row: [last(taken(row))] for row in range(1, 10)} | {10: [go_away]}
    async with anyio.create_task_group() as tasks, fault_server(before.script) as server:
        if rows == 1:
            assert server.listener is not None
            server.listener.close()

        async def come_back() -> None:
            await retried(observer, 30)
            async with fault_server(after.script, port=server.port):
                await anyio.sleep_forever()

        tasks.start_soon(come_back)
        order = an_order(
            server.url,
            leads,
            ledger=ledger,
            engine__concurrency=1,
            retry__unsent_attempts_max=3,
            breaker__failures_max=3,
            breaker__base_s=0.002,
            breaker__cap_s=0.01,
        )
        result = await submitted(order, observer)
        tasks.cancel_scope.cancel()

    assert (ExitStatus.DONE, all_of(rows)) == (result.exit_status, endings(ledger))
    assert once_each(rows) == before.counts | after.counts
    assert not before.counts.keys() & after.counts.keys()
    ((attempts,),) = asked(ledger, "SELECT sum(attempts) FROM rows")
    assert attempts >= rows + 30  # failed attempts there were, and in the ledger they stand


def last(answer: bytes) -> bytes:
    """Return an answer after which the server closes the connection, and has said so."""
    return answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.mark.parametrize("trust_env", [False, True])
async def test_n16_proxies_of_the_environment_are_used_only_on_request(
    *, trust_env: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies named in HTTP_PROXY and its like are ignored unless ``trust_env`` is set."""
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    direct, proxied = Answerer(), Answerer()
    async with fault_server(direct.script) as server, fault_server(proxied.script) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        order = an_order(server.url, leads, ledger=ledger, transport__trust_env=trust_env)
        result = await submitted(order)
        own = server.url

    assert (ExitStatus.DONE, all_of(3)) == (result.exit_status, endings(ledger))
    assert (
        ({}, once_each(3))
        if trust_env
        else (once_each(3), {})
        == (
            direct.counts,
            proxied.counts,
        )
    )
    assert all(seen.request.path == own + path_of() for seen in proxied.seen)


async def test_a_server_that_takes_leads_and_never_answers_does_not_get_the_whole_list(
    tmp_path: Path,
) -> None:
    """Answers lost one after the other stop the run: the rest stays pending."""
    leads, ledger = a_list(tmp_path, 60), tmp_path / "l.db"
    answerer = Answerer(otherwise=close)
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, budget__errors_max=10)
        result = await submitted(order)

    assert ExitStatus.STOPPED is result.exit_status
    assert RunEnding.BUDGET is result.runs[0].ending
    assert {"in_doubt"} == set(endings(ledger).values())
    assert 10 <= len(endings(ledger)) <= 10 + 4
    assert set(endings(ledger)) == set(answerer.counts)


async def test_what_was_in_doubt_stays_so_when_the_server_is_well_again(tmp_path: Path) -> None:
    """A later run sends the rest and leaves the rows in doubt alone."""
    leads, ledger = a_list(tmp_path, 20), tmp_path / "l.db"
    async with fault_server(Answerer(otherwise=close).script) as server:
        order = an_order(server.url, leads, ledger=ledger, budget__errors_max=3)
        await submitted(order)
        port = server.port
    doubtful = set(endings(ledger))
    answerer = Answerer()
    async with fault_server(answerer.script, port=port):
        result = await submitted(order)

    assert ExitStatus.IN_DOUBT is result.exit_status
    rest = {row: 1 for row in range(1, 21) if row not in doubtful}
    assert rest == answerer.counts
    assert {**dict.fromkeys(doubtful, "in_doubt"), **dict.fromkeys(rest, "success")} == endings(
        ledger
    )

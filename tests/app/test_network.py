"""Cases N of the fault catalogue, end to end: what the network does to a run."""

import ssl
from pathlib import Path

import anyio
import pytest
import trustme
from faultserver import (
    Step,
    close,
    closed_port,
    fault_server,
    full_backlog,
    hang,
    hang_up_after_accept,
    reset,
)
from submitting import (
    Answerer,
    Recorder,
    a_list,
    all_of,
    an_order,
    endings,
    row_in,
    submitted,
)

from bulkpost.clock import SystemClock
from bulkpost.results.status import ExitStatus
from bulkpost.run import RunEnding


async def test_n1_a_name_that_does_not_resolve_stops_the_run_and_loses_no_row(
    tmp_path: Path,
) -> None:
    """Nothing was sent, no row is in doubt, and the run ends without trying for ever."""
    leads, ledger = a_list(tmp_path, 6), tmp_path / "l.db"
    order = an_order(
        "https://leads.invalid",
        leads,
        ledger=ledger,
        allowed_hosts=["leads.invalid"],
        breaker__failures_max=2,
        breaker__first_contact_s_max=0.2,
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
    """The server starts late: every row is sent once, none is in doubt, none used its attempts."""
    leads, ledger, port = a_list(tmp_path, 40), tmp_path / "l.db", closed_port()
    answerer, observer = Answerer(), Recorder()
    order = an_order(f"http://127.0.0.1:{port}", leads, ledger=ledger)
    async with anyio.create_task_group() as tasks:

        async def begin() -> None:
            while not (observer.watched and observer.watched[0].tally.waiting >= 4):
                await SystemClock().sleep(0.01)
            await SystemClock().sleep(0.3)
            async with fault_server(answerer.script, port=port):
                await anyio.sleep_forever()

        tasks.start_soon(begin)
        result = await submitted(order, observer)
        tasks.cancel_scope.cancel()

    assert ExitStatus.DONE is result.exit_status
    assert all_of(40) == endings(ledger)
    assert dict.fromkeys(range(1, 41), 1) == answerer.counts


async def test_n3_a_connection_that_is_never_accepted_is_deferred_not_in_doubt(
    tmp_path: Path,
) -> None:
    """A connect timeout says that nothing left."""
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
    """A self-signed certificate: no request, exit status 4, and a message that says what it is."""
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
    ("ending", "counted"),
    [
        pytest.param(reset, 1, id="n8-reset"),
        pytest.param(close, 1, id="n8-closed"),
        pytest.param(hang, 1, id="n10-silence"),
    ],
)
async def test_n8_n10_a_lost_answer_leaves_one_row_in_doubt_and_is_never_repeated(
    ending: Step, counted: int, tmp_path: Path
) -> None:
    """The server holds the lead once; the next run does not send it again."""
    leads, ledger = a_list(tmp_path, 12), tmp_path / "l.db"
    answerer = Answerer({5: [ending]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, transport__read_s=0.5)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.IN_DOUBT] * 2 == [result.exit_status, again.exit_status]
    assert all_of(12, _5="in_doubt") == endings(ledger)
    assert {**dict.fromkeys(range(1, 13), 1), 5: counted} == answerer.counts


async def test_n7_a_connection_closed_after_accept_is_in_doubt(tmp_path: Path) -> None:
    """The lead had left for a server that then said nothing: the row is held, the rest goes on."""
    leads, ledger, answerer = a_list(tmp_path, 8), tmp_path / "l.db", Answerer()
    async with fault_server(hang_up_after_accept(), answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)
        again = await submitted(order)

    assert [ExitStatus.IN_DOUBT] * 2 == [result.exit_status, again.exit_status]
    assert all_of(8, _1="in_doubt") == endings(ledger)
    assert dict.fromkeys(range(2, 9), 1) == answerer.counts


async def test_n11_a_kept_connection_that_closes_loses_one_row_at_most(tmp_path: Path) -> None:
    """The row that met the closing is in doubt, the next ones are fine, the count is right."""
    leads, ledger = a_list(tmp_path, 10), tmp_path / "l.db"
    answerer = Answerer({2: [close]})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, engine__concurrency=1)
        result = await submitted(order)

    assert ExitStatus.IN_DOUBT is result.exit_status
    assert all_of(10, _2="in_doubt") == endings(ledger)
    assert dict.fromkeys(range(1, 11), 1) == answerer.counts
    assert 2 == server.connections


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

"""A GET is one request, too: the server's own count says so."""

import pytest
from faultserver import (
    Script,
    answer,
    close,
    fault_server,
    hang_up_after_request,
    request,
    reset,
    reset_after_request,
    response,
    say,
)
from sending import DONE, PATH, a_transport

from bulkpost.errors import InDoubtError
from bulkpost.exchange import Request


def a_get(origin: str, query: str = "row=1&name=Ada%20L", path: str = PATH) -> Request:
    return Request("GET", origin + path, {"Accept": "application/json"}, b"", query)


async def test_the_lead_goes_into_the_url_and_nothing_into_the_body() -> None:
    """Behind the query that is there already, as it was encoded; no Content-Type."""
    async with fault_server(answer(201, DONE)) as server, a_transport() as transport:
        await transport.send(a_get(server.url))
        await transport.send(a_get(server.url, path="/submit"))

    first, second = server.complete
    assert ("GET", f"{PATH}&row=1&name=Ada%20L", b"") == (first.method, first.path, first.body)
    assert "/submit?row=1&name=Ada%20L" == second.path
    headers = {name.lower(): value for name, value in first.headers.items()}
    assert "content-type" not in headers
    assert "0" == headers.get("content-length", "0")


@pytest.mark.parametrize("ending", [close, reset])
async def test_a_get_on_a_stale_connection_is_not_repeated(ending: object) -> None:
    """What the library would do by itself: the server would count three requests."""
    first: Script = [request, say(response(201, DONE)), request, ending]  # type: ignore[list-item]  # either is a step
    async with fault_server(first, answer(201, DONE)) as server, a_transport() as transport:
        await transport.send(a_get(server.url, "row=1"))
        with pytest.raises(InDoubtError) as caught:
            await transport.send(a_get(server.url, "row=2"))

        assert 2 == len(server.requests)
        await transport.send(a_get(server.url, "row=3"))

    assert 3 == len(server.requests)
    assert "instead of answering" in caught.value.message


@pytest.mark.parametrize("script", [hang_up_after_request(), reset_after_request()])
async def test_a_get_that_gets_no_answer_is_not_repeated(script: Script) -> None:
    """A first connection that is closed is no leave to try another."""
    async with fault_server(script) as server, a_transport() as transport:
        with pytest.raises(InDoubtError) as caught:
            await transport.send(a_get(server.url, "row=1&secret=1"))

    assert 1 == len(server.requests)
    assert "secret" not in caught.value.message

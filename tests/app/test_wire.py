"""What goes over the wire, byte for byte, and where to."""

import csv
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from faultserver import fault_server, response
from submitting import (
    FLOW,
    SOURCE,
    Answerer,
    a_list,
    all_of,
    an_order,
    endings,
    path_of,
    refusal,
    submitted,
    table,
    taken,
)

from bulkpost import __version__
from bulkpost.reporting.status import ExitStatus
from bulkpost.run import RunEnding

OTHER_FLOW, OTHER_SOURCE = "a" * 24, "b" * 24


async def test_a_request_is_exactly_what_leadconduit_wants(tmp_path: Path) -> None:
    """POST, two headers, an explicit length, a form: every cell as it stood, and nothing else."""
    header = ["row", "first_name", "e mail", "zip", "note", "company.name", "internal"]
    odd = "a&b=c +100% ü€ 日本 \n\ttab;'\"<>"
    rows = [
        ["1", "Ada", "ada+1@example.com", "01234", odd, "Ünït", "secret"],
        ["2", "NA", "null", "1e5", "True", "", ""],
        ["3", "", "", "", "", "", "x"],
        ["4", "  spaced  ", "", "007", "", "", ""],
    ]
    leads, ledger = table(tmp_path / "leads.csv", header, rows), tmp_path / "l.db"
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(
            f"{server.url}",
            leads,
            ledger=ledger,
            url=f"{server.url}{path_of()}?campaign=q%26a",
            map={
                "columns": {"e mail": "email", "internal": False},
                "constants": {"vertical": "mortgage & more"},
            },
        )
        result = await submitted(order)

    assert ExitStatus.DONE is result.exit_status
    fixed = [("vertical", "mortgage & more")]
    assert {
        1: [
            ("row", "1"),
            ("first_name", "Ada"),
            ("email", "ada+1@example.com"),
            ("zip", "01234"),
            ("note", odd),
            ("company.name", "Ünït"),
            *fixed,
        ],
        2: [
            ("row", "2"),
            ("first_name", "NA"),
            ("email", "null"),
            ("zip", "1e5"),
            ("note", "True"),
            *fixed,
        ],
        3: [("row", "3"), *fixed],
        4: [("row", "4"), ("first_name", "  spaced  "), ("zip", "007"), *fixed],
    } == {seen.row: seen.fields for seen in answerer.seen}
    for seen in answerer.seen:
        request = seen.request
        assert ("POST", f"{path_of()}?campaign=q%26a") == (request.method, request.path)
        assert {
            "host": urlsplit(server.url).netloc,
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "content-length": str(len(request.body)),
            "user-agent": f"bulkpost/{__version__}",
        } == request.headers


async def test_s26_a_cookie_never_goes_back(tmp_path: Path) -> None:
    """If the server sets a cookie, it is not kept and never sent with another lead."""
    leads, ledger = a_list(tmp_path, 5), tmp_path / "l.db"
    baked = response(201, b'{"outcome":"success"}', (("Set-Cookie", "sid=1; Path=/"),))
    answerer = Answerer(otherwise=baked)
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger, engine__concurrency=1))

    assert (1, 5) == (server.connections, len(answerer.seen))
    assert [] == [seen.row for seen in answerer.seen if "cookie" in seen.request.headers]


async def test_a_row_of_empty_cells_is_not_sent(tmp_path: Path) -> None:
    """An empty lead is billed like any other; constants alone do not make one."""
    rows = [["1", "Ada"], ["", ""], ["3", "Eve"]]
    leads, ledger = table(tmp_path / "leads.csv", ["row", "name"], rows), tmp_path / "l.db"
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger, map={"constants": {"vertical": "x"}})
        result = await submitted(order)

    assert ExitStatus.ROWS_BAD is result.exit_status
    assert all_of(3, _2="invalid") == endings(ledger)
    assert {1: 1, 3: 1} == answerer.counts


def references(answerer: Answerer) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for seen in answerer.seen:
        values = [value for name, value in seen.fields if name == "reference"]
        assert 1 == len(values)
        found.setdefault(seen.row, []).append(values[0])
    return found


async def test_the_reference_is_unique_stable_and_says_nothing(tmp_path: Path) -> None:
    """One reference per lead, the same in each retry and each run, and no cell of it inside."""
    leads, ledger = a_list(tmp_path, 12), tmp_path / "l.db"
    answerer = Answerer({2: [refusal(503), refusal(502), taken(2)], 5: [refusal(503), taken(5)]})
    with_it: dict[str, Any] = {"map__reference": "reference", "ledger": ledger}
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, retry__attempts_max=1, **with_it))
        await submitted(an_order(server.url, leads, **with_it))
        other = an_order(server.url, leads, map__reference="reference", ledger=tmp_path / "m.db")
        assert all_of(12) == endings(ledger)
        sent = references(answerer)
        await submitted(other)

    assert (3, 2) == (len(sent[2]), len(sent[5]))
    assert {1} == {len(set(values)) for values in sent.values()}
    assert 12 == len({values[0] for values in sent.values()})
    for row, (value, *_) in sent.items():
        assert (24, True) == (len(value), value.isalnum() and value.islower())
        assert f"ada{row}" not in value
    # The same list under another ledger: nobody can tell from a reference which lead it is.
    assert all(len(set(values)) == 2 for values in references(answerer).values())


async def test_the_reference_changes_nothing_about_who_a_row_is(tmp_path: Path) -> None:
    """Switched on later, it does not make submitted rows new."""
    leads, ledger, answerer = a_list(tmp_path, 6), tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        await submitted(an_order(server.url, leads, ledger=ledger, limit=3))
        await submitted(an_order(server.url, leads, ledger=ledger, map__reference="reference"))

    assert dict.fromkeys(range(1, 7), 1) == answerer.counts


def a_routed_list(folder: Path, rows: int) -> Path:
    """Write a list whose odd rows go to one flow and whose even rows go to another."""
    path = folder / "routed.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "email", "flow_id", "source_id"])
        for row in range(1, rows + 1):
            ids = (FLOW, SOURCE) if row % 2 else (OTHER_FLOW, OTHER_SOURCE)
            writer.writerow([row, f"ada{row}@example.com", *ids])
    return path


ODD, EVEN = range(1, 41, 2), range(2, 41, 2)


async def test_each_row_goes_to_the_flow_and_source_that_it_names(tmp_path: Path) -> None:
    """The ids make the path and are no part of the lead."""
    leads, ledger, answerer = a_routed_list(tmp_path, 40), tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        result = await submitted(
            an_order(server.url, leads, ledger=ledger, url=server.url, map={"route": True})
        )

    assert (ExitStatus.DONE, all_of(40)) == (result.exit_status, endings(ledger))
    paths = {seen.row: seen.request.path for seen in answerer.seen}
    other = path_of(OTHER_FLOW, OTHER_SOURCE)
    assert dict.fromkeys(ODD, path_of()) | dict.fromkeys(EVEN, other) == paths
    assert {("row", "email")} == {tuple(name for name, _ in seen.fields) for seen in answerer.seen}


async def test_a_refusing_destination_stops_its_own_rows_only(tmp_path: Path) -> None:
    """The other destination's rows all go; those of the refusing one wait for a later run."""
    leads, ledger = a_routed_list(tmp_path, 40), tmp_path / "l.db"
    shut = Answerer({row: [refusal(403)] for row in EVEN})
    async with fault_server(shut.script) as server:
        order = an_order(server.url, leads, ledger=ledger, url=server.url, map={"route": True})
        stopped = await submitted(order)
        port = server.port
    refused = set(shut.counts) & set(EVEN)
    assert (ExitStatus.STOPPED, RunEnding.REFUSED) == (stopped.exit_status, stopped.runs[0].ending)
    assert 1 <= len(refused) <= 4
    assert {**dict.fromkeys(ODD, "success"), **dict.fromkeys(refused, "http_error")} == endings(
        ledger
    )

    opened = Answerer()
    async with fault_server(opened.script, port=port):
        result = await submitted(order)

    assert ExitStatus.ROWS_BAD is result.exit_status
    assert {row: 1 for row in EVEN if row not in refused} == opened.counts
    assert all_of(40) | dict.fromkeys(refused, "http_error") == endings(ledger)


async def test_rows_of_a_refusing_destination_are_looked_at_again_under_new_rules(
    tmp_path: Path,
) -> None:
    """New rules that one destination kept from being applied to its rows are applied next time."""
    rows = [
        [str(row), *((FLOW, SOURCE, "x") if row in ODD else (OTHER_FLOW, OTHER_SOURCE))]
        for row in range(1, 41)
    ]
    header = ["row", "flow_id", "source_id", "note"]
    leads, ledger = table(tmp_path / "leads.csv", header, rows), tmp_path / "l.db"
    shut, opened = Answerer({row: [refusal(401)] for row in EVEN}), Answerer()
    routed: dict[str, Any] = {"ledger": ledger, "map": {"route": True}}
    async with fault_server(shut.script) as server:
        url, port = server.url, server.port
        strict = await submitted(an_order(url, leads, url=url, **routed))
        assert all_of(40) | dict.fromkeys(EVEN, "invalid") == endings(ledger)
        padded = an_order(url, leads, url=url, input__short_rows="pad", **routed)
        stopped = await submitted(padded)
    refused = shut.counts.keys() & set(EVEN)
    still_invalid = set(EVEN) - refused
    found = endings(ledger)
    async with fault_server(opened.script, port=port):
        result = await submitted(padded)
        again = await submitted(padded)

    assert [ExitStatus.ROWS_BAD, ExitStatus.STOPPED] == [strict.exit_status, stopped.exit_status]
    assert 1 <= len(refused) <= 4
    assert (
        all_of(40) | dict.fromkeys(refused, "http_error") | dict.fromkeys(still_invalid, "invalid")
        == found
    )
    assert dict.fromkeys(still_invalid, 1) == opened.counts
    assert all_of(40) | dict.fromkeys(refused, "http_error") == endings(ledger)
    assert [ExitStatus.ROWS_BAD] * 2 == [result.exit_status, again.exit_status]


async def test_a_row_that_names_no_proper_destination_is_invalid(tmp_path: Path) -> None:
    """A wrong id stops its row, not the run, and does not show the id of anybody's else."""
    rows = [
        ["1", FLOW, SOURCE],
        ["2", FLOW[:-1], SOURCE],
        ["3", "", ""],
        ["4", FLOW.upper(), SOURCE],
    ]
    leads = table(tmp_path / "leads.csv", ["row", "flow_id", "source_id"], rows)
    ledger, answerer = tmp_path / "l.db", Answerer()
    async with fault_server(answerer.script) as server:
        result = await submitted(
            an_order(server.url, leads, ledger=ledger, url=server.url, map={"route": True})
        )

    assert ExitStatus.ROWS_BAD is result.exit_status
    assert all_of(4, _2="invalid", _3="invalid") == endings(ledger)
    assert [path_of()] * 2 == [seen.request.path for seen in answerer.seen]

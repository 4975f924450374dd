"""``check`` says what ``submit`` then does: over small lists with every kind of row and history."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from faultserver import close, closed_port, fault_server
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from submitting import (
    Answerer,
    Doing,
    Recorder,
    a_list,
    an_order,
    asked,
    bulkpost,
    documents,
    path_of,
    refusal,
    submitted,
    table,
    taken,
    verdict,
)

from bulkpost.app import commands

# Who a row is, what else it says, and whether it is a row at all.
ROWS = st.lists(
    st.tuples(
        st.integers(1, 5), st.sampled_from("ab"), st.sampled_from(["ok", "ok", "ragged", "empty"])
    ),
    max_size=12,
)
ANSWERS: dict[str, Doing] = {
    "success": taken(1),
    "failure": verdict("failure", reason="no"),
    "deferred": refusal(503),
    "in_doubt": close,
    "http_error": refusal(500),
}
Rows = list[tuple[int, str, str]]


def written(folder: Path, name: str, rows: Rows) -> Path:
    cells = [
        {"ok": [str(who), note], "ragged": [str(who)], "empty": ["", ""]}[kind]
        for who, note, kind in rows
    ]
    return table(folder / name, ["row", "note"], cells)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=ROWS,
    second=ROWS,
    answers=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=5, max_size=5),
    key=st.sampled_from([[], ["row"]]),
    duplicates=st.sampled_from(["skip", "submit"]),
    is_same=st.booleans(),
    limit=st.sampled_from([None, 2]),
)
@example(
    first=[(1, "a", "ok"), (1, "a", "ok"), (2, "a", "ok")],
    second=[(1, "b", "ok"), (2, "a", "ok"), (3, "a", "ragged")],
    answers=["in_doubt", "deferred", "success", "success", "success"],
    key=["row"],
    duplicates="skip",
    is_same=False,
    limit=None,
)
async def test_the_plan_is_what_happens(
    first: Rows,
    second: Rows,
    answers: list[str],
    key: list[str],
    duplicates: str,
    *,
    is_same: bool,
    limit: int | None,
) -> None:
    """Each count of the plan is the count after the submission."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        ledger = folder / "l.db"
        changes: dict[str, Any] = {
            "ledger": ledger,
            "key": key,
            "retry__attempts_max": 1,
            "duplicates": duplicates,
        }
        old = written(folder, "old.csv", first)
        plan = {who: [ANSWERS[answer]] for who, answer in enumerate(answers, 1)}
        async with fault_server(Answerer(plan).script) as server:
            await submitted(an_order(server.url, old, limit=limit, **changes))
            port = server.port
        new = old if is_same else written(folder, "new.csv", second)
        answerer = Answerer()
        async with fault_server(answerer.script, port=port):
            order = an_order(server.url, new, **changes)
            before = ledger.read_bytes()
            preview = await commands.check(order, Recorder())
            assert before == ledger.read_bytes()
            result = await submitted(order)

        expected = preview.plan
        number = asked(ledger, f"SELECT input_id FROM run WHERE id = {result.runs[0].run_id}")[0][0]  # noqa: S608  # a number
        found = dict(
            asked(ledger, f"SELECT outcome, count(*) FROM rows WHERE input = {number} GROUP BY 1")  # noqa: S608  # a number
        )
        assert expected.to_send == len(answerer.seen)
        assert {
            "answered": expected.done + expected.to_send,
            "http_error": expected.held,
            "in_doubt": expected.in_doubt,
            "duplicate": expected.duplicate,
            "invalid": expected.invalid,
            "conflict": expected.conflict,
        } == {
            "answered": sum(found.get(kind, 0) for kind in ("success", "failure", "error")),
            **{
                kind: found.get(kind, 0)
                for kind in ("http_error", "in_doubt", "duplicate", "invalid", "conflict")
            },
        }


def names_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*")]


async def test_check_sends_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """No request, no ledger, no spool: only words."""
    leads = a_list(tmp_path, 3)
    async with fault_server(Answerer().script) as server:
        words = ("check", "--url", server.url + path_of())
        done = await bulkpost(*words, leads, cwd=tmp_path)
        piped = await bulkpost(*words, "-", "--json", cwd=tmp_path, stdin=leads.read_bytes())

    assert (0, 0, 0) == (done.returncode, piped.returncode, server.connections), done.stderr
    assert ["leads.csv"] == names_in(tmp_path)
    assert b"3  new" in done.stdout
    (document,) = documents(piped.stdout)
    assert ("check", 3, True) == (
        document["message_type"],
        document["plan"]["new"],
        document["is_first_submission"],
    )


async def test_check_has_exit_statuses_of_its_own(tmp_path: Path) -> None:
    """0 all can be sent, 3 some are invalid, 5 some are in doubt, 2 the order is wrong."""
    bad = table(tmp_path / "bad.csv", ["row", "name"], [["1", "a"], ["2"]])
    good = a_list(tmp_path, 2)
    async with fault_server(Answerer({1: [close]}).script) as server:
        url = server.url + path_of()
        fine = await bulkpost("check", good, "--url", url, cwd=tmp_path)
        invalid = await bulkpost("check", bad, "--url", url, cwd=tmp_path)
        wrong = await bulkpost("check", good, "--url", "http://example.com/", cwd=tmp_path)
        await submitted(an_order(server.url, good, ledger=tmp_path / "bulkpost.db"))
        doubtful = await bulkpost("check", good, "--url", url, cwd=tmp_path)

    statuses = [done.returncode for done in (fine, invalid, wrong, doubtful)]
    assert [0, 3, 2, 5] == statuses
    assert b"row 2 (line 3)" in invalid.stdout
    assert b"https://" in wrong.stderr


async def test_check_refuses_a_place_where_there_can_be_no_ledger(tmp_path: Path) -> None:
    """What a submission would refuse, a check refuses with the same words."""
    words = (a_list(tmp_path, 2), "--sandbox", "--ledger", tmp_path / "nowhere" / "leads.db")
    checked = await bulkpost("check", *words, cwd=tmp_path)
    sent = await bulkpost("submit", *words, cwd=tmp_path)

    assert sent.returncode == checked.returncode
    assert b"the ledger's folder does not exist" in checked.stderr
    assert b"the ledger's folder does not exist" in sent.stderr


async def test_t22_the_first_submission_to_a_live_destination_is_approved_or_nothing_is_sent(
    tmp_path: Path,
) -> None:
    """Asked with the plan in hand; a no leaves no request; the second time nobody is asked."""
    leads, ledger = a_list(tmp_path, 3), tmp_path / "l.db"
    # This machine, but for bulkpost a place like any other; nobody listens there.
    order = an_order(
        f"https://0.0.0.0:{closed_port()}",
        leads,
        ledger=ledger,
        allowed_hosts=["0.0.0.0"],  # noqa: S104  # connected to, not bound
        breaker__first_contact_s_max=0.05,
    )
    refusing, agreeing, later = Recorder(answer=False), Recorder(answer=True), Recorder(answer=True)
    await submitted(order, refusing)
    assert ([], 1) == (asked(ledger, "SELECT 1 FROM run"), len(refusing.previews))
    assert (3, True) == (refusing.previews[0].plan.new, refusing.previews[0].is_first)
    await submitted(order, agreeing)
    await submitted(order, later)

    assert (1, 0) == (len(agreeing.previews), len(later.previews))
    assert [(2,)] == asked(ledger, "SELECT count(*) FROM run")


async def test_nobody_is_asked_about_a_sandbox(tmp_path: Path) -> None:
    """Loopback costs nothing."""
    leads, observer = a_list(tmp_path, 1), Recorder(answer=False)
    async with fault_server(Answerer().script) as server:
        with anyio.fail_after(30):
            await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"), observer)

    assert (0, 1) == (len(observer.previews), len(server.requests))

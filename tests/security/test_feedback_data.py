"""The answer to feedback shows the lead: none of it reaches a file or an output."""

import json
from pathlib import Path

import pytest
from canaries import ROWS, canaries, leaks
from faultserver import JSON, close, fault_server, response, say
from feedback_lists import EventAnswerer, event_id_of, feedback_list
from submitting import Doing, asked, bulkpost, lead_id_of, quick_config


def shown_to(row: int) -> dict[str, str]:
    """Return the lead as the answer to a row's feedback shows it."""
    first_name, last_name, email, phone, *_ = canaries(row)
    return {"id": lead_id_of(row), "first_name": first_name, "last_name": last_name,
            "email": email, "phone_1": phone}  # fmt: skip


def told(row: int, status: int = 201, outcome: str = "success", reason: str | None = None) -> bytes:
    document = {"outcome": outcome, "reason": reason, "lead": shown_to(row), "price": 0.5}
    return response(status, json.dumps(document).encode(), JSON)


def told_in_xml(row: int, reason: str = "") -> bytes:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in shown_to(row).items())
    body = (
        f"<result><outcome>failure</outcome><reason>{reason}</reason><lead>{inner}</lead></result>"
    )
    return response(201, body.encode(), (("Content-Type", "text/xml"),))


def gossip(row: int) -> str:
    return f"the lead of {', '.join(canaries(row)[:4])} is old"


def plan() -> dict[int, list[Doing]]:
    """Return every way in which an answer may name its lead."""
    headers = (*JSON, ("X-Lead", canaries(5)[2]))
    return {
        2: [told(2, outcome="failure", reason=gossip(2))],
        3: [told(3, 409, "failure", f"Feedback is forbidden for {canaries(3)[0]}")],
        4: [told(4, 404, "failure", gossip(4))],
        5: [response(500, json.dumps({"lead": shown_to(5)}).encode(), headers)],
        6: [[say(told(6)[:-30]), close]],
        7: [told_in_xml(7, gossip(7))],
        8: [response(500, gossip(8).encode(), (("Content-Type", "text/plain"),))],
        9: [[say(told(9, 500)[:-30]), close]],
        10: [told(10, 422, "failure", gossip(10))],
        11: [response(201, json.dumps({"lead": shown_to(11), "outcome": "odd"}).encode(), JSON)],
        12: [told(12, outcome=canaries(12)[0])],
        13: [told(13, 303)],
    }


@pytest.mark.parametrize("words", [["-vv"], ["--json", "-vv", "--log-format", "json"]], ids=str)
async def test_t1_what_an_answer_to_feedback_shows_of_the_lead_is_nowhere(
    words: list[str], tmp_path: Path
) -> None:
    """LeadConduit answers with the lead's name, address and number: its id alone is kept."""
    inputs, home = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    home.mkdir()
    rows = [(row, "return", "Wrong number") for row in range(1, ROWS + 1)]
    path, config = feedback_list(inputs, rows), quick_config(inputs, engine__concurrency=1)
    answerer = EventAnswerer(
        plan() | {row: [told(row)] for row in range(1, ROWS + 1) if row not in plan()}
    )
    async with fault_server(answerer.script) as server:
        done = await bulkpost(
            "feedback", path, "--url", f"{server.url}/feedback", "--config", config, *words,
            cwd=home,
        )  # fmt: skip
        outputs = [done.stdout, done.stderr]
        for more in (["show", "--support"], ["doubt", "list"]):
            looked = await bulkpost(*more, cwd=home)
            outputs += [looked.stdout, looked.stderr]

    assert 5 == done.returncode, done.stderr
    assert set(range(1, ROWS + 1)) == set(answerer.counts)
    assert [] == leaks(home, *outputs)
    known = dict(asked(home / "bulkpost.db", "SELECT row, lead_id FROM rows WHERE lead_id <> ''"))
    assert {row: lead_id_of(row) for row in (1, 2, 3, 4, 7, 14)}.items() <= known.items()
    # Whoever knows an event's id may send feedback about it.
    places = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not [event for event in map(event_id_of, range(1, ROWS + 1))
                for text in (*places, *outputs) if event.encode() in text]  # fmt: skip

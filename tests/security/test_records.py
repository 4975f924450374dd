"""What LeadConduit's API tells holds whole leads: nothing of them stays, and nothing of the key."""

from pathlib import Path
from typing import Any

from asking import KEY, Records, event
from canaries import a_leaky_run, canaries, leaks, ssn_spellings
from faultserver import answer, fault_server
from submitting import FLOW, Answerer, bulkpost, quick_config


def leaky_records(answerer: Answerer) -> Records:
    """Return records in which every part of an event repeats the lead, as it was sent."""
    records = Records()
    for number, seen in enumerate(answerer.seen, 1):
        fields: dict[str, Any] = dict(seen.fields)
        told = "; ".join([*canaries(seen.row), *ssn_spellings(seen.row)])
        lead = {"id": f"{number:024x}", **fields, "phone_1": {"raw": fields["phone_1"]}}
        records.events[fields["reference"]] = [
            event(
                number,
                outcome="failure",
                reason=f"no: {told}",
                vars={"lead": lead, "flow": {"id": FLOW, "name": told}, "appended": told},
                request={"uri": told, "body": told},
                response={"status": 201, "body": told, "headers": {"X-Echo": told}},
            )
        ]
    return records


async def test_t1_what_leadconduits_records_say_leaves_no_lead(tmp_path: Path) -> None:
    """Rows in doubt are looked up: reasons are scrubbed, and all else is let go."""
    _, answerer, home = await a_leaky_run(tmp_path)
    records = leaky_records(answerer)
    async with fault_server(records.script) as server:
        config = quick_config(tmp_path, api__url=server.url, api__rate="1000/s")
        asking = ("doubt", "reconcile", "--settle", "0s", "--http-errors", "--config", config)
        env = {"BULKPOST_API_KEY": KEY}
        dry = await bulkpost(*asking, "--dry-run", "--json", cwd=home, env=env)
        done = await bulkpost(*asking, "-vv", "--log-format", "json", cwd=home, env=env)

    assert records.asked, done.stderr
    assert b"no: " in done.stdout + done.stderr, (done.stdout, done.stderr)
    outputs = (dry.stdout, dry.stderr, done.stdout, done.stderr)
    assert [] == leaks(home, *outputs)
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in text for text in (*files, *outputs))


async def test_t1_an_answer_of_the_api_that_is_none_shows_no_lead(tmp_path: Path) -> None:
    """The message says what is wrong with it, and repeats nothing of it."""
    _, _, home = await a_leaky_run(tmp_path)
    told = "; ".join(canaries(9)).replace('"', "'").encode()
    async with fault_server(answer(200, b'[{"id": "%s"}]' % told)) as server:
        config = quick_config(tmp_path, api__url=server.url, api__rate="1000/s")
        done = await bulkpost("doubt", "reconcile", "--config", config, "-vv", cwd=home)

    assert 4 == done.returncode
    assert [] == leaks(home, done.stdout, done.stderr)

"""Threat 8: the key of a source, which goes with every lead, comes back in what is answered."""

from base64 import b64encode
from pathlib import Path

from canaries import leaks_of
from faultserver import JSON, close, fault_server, response, say
from kept_flows import KEY, key_in
from submitting import Answerer, Doing, asked, bulkpost, path_of, quick_config, table, verdict

_TOKEN = b64encode(f"API:{KEY}".encode()).decode()
_TOLD = f"no account has the key {KEY.upper()} (API:{KEY}); Authorization: Basic {_TOKEN}"


async def test_t8_a_credential_that_an_answer_repeats_is_kept_nowhere(tmp_path: Path) -> None:
    """A proxy's page shows the headers of a request, and a refusal says which key is wrong."""
    inputs, home = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    home.mkdir()
    leads = table(inputs / "l.csv", ["row", "city"], [[str(row), "Rome"] for row in range(1, 8)])
    config = quick_config(inputs, endpoint__source_key_file=str(key_in(inputs)))
    plan: dict[int, list[Doing]] = {
        1: [response(500, _TOLD.encode(), (("Content-Type", "text/plain"),))],
        2: [verdict("failure", reason=_TOLD)],
        3: [response(500, f"<title>{_TOLD}</title>".encode(), (("X-Echo", _TOLD),))],
        4: [response(500, b'{"message": "%s"}' % _TOLD.encode(), JSON)],
        5: [verdict(_TOLD)],
        6: [[say(response(500, _TOLD.encode(), ())[:-9]), close]],
    }
    async with fault_server(Answerer(plan).script) as server:
        done = await bulkpost(
            *("submit", leads, "--url", server.url + path_of(), "--key", "row", "-vv"),
            *("--config", config),
            cwd=home,
        )
    shown = await bulkpost("show", "--support", cwd=home)

    ((reason,),) = asked(home / "bulkpost.db", "SELECT reason FROM rows WHERE row = 2")
    assert 3 == reason.count("[credential]")
    outputs = (done.stdout, done.stderr, shown.stdout, shown.stderr)
    words = [KEY, KEY.upper(), KEY[:30], _TOKEN, _TOKEN[:40], _TOKEN.upper()]
    assert [] == leaks_of(words, home, *outputs)

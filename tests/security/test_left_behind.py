"""Threat 1: what a night, a report, an export, an init or a program of one's own leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import anyio
import pytest
from canaries import ROWS, a_canary_list, a_leaky_run, echoes, leaks, leaks_of, ssn_spellings
from commands import Commands
from faultserver import HungUp, Peer, fault_server, response
from submitting import QUICK, Answerer, asked, bulkpost, path_of, quick_config, table

import bulkpost as python_api
from bulkpost.clock import SystemClock

_SECRET = "T0PS3CR3T"  # noqa: S105  # looked for everywhere
_AWAY = "http://127.0.0.1:9" + path_of()


@dataclass
class _Hook:
    """A webhook that remembers what it was told, and repeats its own address."""

    told: list[bytes] = field(default_factory=list)

    async def serve(self, peer: Peer) -> None:
        request = await peer.read_request()
        if request is None:
            raise HungUp
        self.told.append(request.body)
        await peer.write(response(500, _SECRET.encode(), (("X-Hook", _SECRET),)))


async def _a_leaky_night(folder: Path, hook: _Hook) -> tuple["CompletedProcess[bytes]", Path]:
    async with fault_server([hook.serve]) as server:
        env = {"BULKPOST_NOTIFY": f"{server.url}/hooks/{_SECRET}"}
        words = ("--summary-json", "run.json", "--metrics", "run.prom", "-vv")
        night, _, home = await a_leaky_run(folder, *words, env=env)
        drafted = await bulkpost(
            "init", folder / "in" / "leads.csv", "--url", _AWAY, "--output", "made.toml", cwd=home
        )
    assert 0 == drafted.returncode, drafted.stderr
    (home / "said-by-init").write_bytes(drafted.stdout + drafted.stderr)
    return night, home


def test_t1_what_a_night_leaves_behind_shows_no_lead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Summary, metrics and webhook; then findings, a page about them, a config, and a pruning."""
    hook = _Hook()
    night, home = anyio.run(_a_leaky_night, tmp_path, hook)
    assert b"the webhook was not notified: it answered 500" in night.stderr
    assert {"run.json", "run.prom"} <= {path.name for path in home.iterdir()}
    assert 1 == len(hook.told)

    leads = str(tmp_path / "in" / "leads.csv")
    found, page = str(home / "found.csv"), str(home / "page.html")
    today = SystemClock().now_at().isoformat(timespec="milliseconds")
    bulkpost_on = Commands(capsys, str(home / "bulkpost.db"))
    said = [
        bulkpost_on(*command, *more)
        for more in ((), ("--json", "-vv"))
        for command in (
            ("check", leads, "--url", _AWAY, "--findings", found, "--force"),
            ("report", page, "--findings", found, "--force"),
            ("prune", "--before", today, "-y"),
            ("verify",),
        )
    ]
    outputs = [night.stdout, night.stderr, *hook.told]
    outputs += [text.encode() for finished in said for text in (finished.out, finished.err)]
    assert {0, 3, 5} >= {finished.status for finished in said}
    assert [] == leaks(home, *outputs)
    assert [] == leaks_of([_SECRET], home, *outputs)


@pytest.fixture
def quick() -> Mapping[str, Any]:
    """Return quick settings as tables."""
    tables: dict[str, Any] = {}
    for name, value in QUICK.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, {})[key] = value
    return tables


async def test_t1_what_python_gets_shows_no_lead(
    tmp_path: Path, quick: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Reports, notes and the frame of the results, as they are and in their repr; and all files."""
    leads, home = a_canary_list(tmp_path / "in"), tmp_path / "out"
    home.mkdir()
    async with fault_server(Answerer(echoes()).script) as server:
        settings = {"url": server.url + path_of(), "ledger": home / "l.db", **quick}
        async with python_api.open(**settings) as session:
            done = await session.submit(leads)
            frame = session.results()
    out, err = capsys.readouterr()

    told = "\n".join([repr(session), repr(done), repr(frame), frame.to_csv(), out, err])
    assert ROWS == len(frame)
    assert [] == leaks(home, told.encode())


def test_t1_no_file_of_an_export_holds_a_social_security_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In none of its formats, not of rows whose cells cannot be told apart, and not raw."""
    _, _, home = anyio.run(a_leaky_run, tmp_path)
    bulkpost_on = Commands(capsys, str(home / "bulkpost.db"))
    words = [spelling for row in range(1, ROWS + 1) for spelling in ssn_spellings(row)]
    outputs = []
    for name in ("csv", "jsonl", "excel"):
        done = bulkpost_on("export", str(home / name), "--format", name, "--raw", "-vv")
        assert 0 == done.status, done.err
        outputs += [done.out.encode(), done.err.encode()]

    assert b"canary.7@leaky.example.com" in (home / "csv" / "leads-success.csv").read_bytes()
    assert [] == leaks_of(words, home, *outputs)


def test_t1_a_person_in_a_header_is_in_no_count_reason_or_summary(tmp_path: Path) -> None:
    """What is found in values is told by field, and so is the value for which a row is refused."""
    (tmp_path / "in").mkdir()
    home = tmp_path / "out"
    home.mkdir()
    names = [f"of {text}" for text in ("jane.doe@example.com", "512-555-0143", "ssn 219-09-9901")]
    rows = [["1", "ada", "0", "bad"], ["2", "ada@example.net", "5125550100", "1"]]
    leads = table(tmp_path / "in" / "leads.csv", ["row", *names], rows)
    types = {f'"{name}"': kind for name, kind in zip(names, ("email", "phone", "ssn"), strict=True)}
    config = quick_config(tmp_path / "in")
    more = "\n".join(f'{name} = "{kind}"' for name, kind in types.items())
    Path(config).write_text(f"{Path(config).read_text()}\n[map.types]\n{more}\n")

    async def submit() -> "CompletedProcess[bytes]":
        async with fault_server(Answerer().script) as server:
            return await bulkpost(
                *("submit", leads, "--url", server.url + path_of(), "--config", config),
                *("--refuse", "phone_fictitious", "--summary-json", "run.json"),
                cwd=home,
            )

    done = anyio.run(submit)

    assert 3 == done.returncode, done.stderr
    fields = asked(home / "bulkpost.db", "SELECT field FROM finding ORDER BY field")
    assert [("of [digits]",), ("of [email]",), ("of ssn [digits]",)] == fields
    assert [] == leaks_of(["jane.doe@", "512-555-0143", "219-09-9901"], home)

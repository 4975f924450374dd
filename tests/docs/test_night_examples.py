"""The examples for cron and systemd, run as they stand: only the places are others."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.judge import Flow, Judge, running_judge
from harness.lists import lines, write_list

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ROWS = 4


def block_after(marker: str) -> str:
    match = re.search(rf"^<!-- {marker} -->\n```\w*\n(.*?)\n```$", README, re.DOTALL | re.MULTILINE)
    assert match is not None, f"no block after <!-- {marker} -->"
    return f"{match[1]}\n"


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    with running_judge(tmp_path_factory.mktemp("judge") / "taken.jsonl") as judge:
        yield judge


@pytest.fixture
def flow(judge: Judge) -> Flow:
    return judge.new_flow()


@pytest.fixture
def srv(tmp_path: Path, flow: Flow) -> Path:
    """What the examples call /srv/leads: a list, a config, and bulkpost in its environment."""
    folder = tmp_path / "srv"
    program = folder / ".venv" / "bin" / "bulkpost"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} "
        f'exec {shlex.quote(sys.executable)} -m bulkpost "$@"\n'
    )
    program.chmod(0o700)
    (folder / "inbox").mkdir()
    (tmp_path / "textfile").mkdir()
    write_list(folder / "inbox" / "leads.csv", lines(1, ROWS))
    (folder / "bulkpost.toml").write_text(f'url = "{flow.url}"\n')
    return folder


def placed(text: str, srv: Path) -> str:
    """Return an example with the places of this test."""
    text = text.replace("/srv/leads", str(srv))
    return text.replace("/var/lib/node_exporter/textfile", str(srv.parent / "textfile"))


def by_cron(srv: Path) -> subprocess.CompletedProcess[str]:
    """Do what cron does with the line of the README: a shell, a home, and hardly anything else."""
    (srv / "nightly").write_text(placed(block_after("cron-script"), srv))
    (srv / "nightly").chmod(0o700)
    match = re.fullmatch(r"(?:[\d*,/-]+ +){5}(\S.*)\n", placed(block_after("cron-line"), srv))
    assert match is not None
    return subprocess.run(  # noqa: S603  # the README's words
        ["/bin/sh", "-c", match[1]],
        env={"PATH": "/usr/bin:/bin", "HOME": str(srv.parent), "SHELL": "/bin/sh"},
        cwd=srv.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_cron_submits_and_is_silent(srv: Path, flow: Flow) -> None:
    """Every lead once, however often; no mail; and what became of it in a file."""
    nights = [by_cron(srv), by_cron(srv)]

    assert [(0, "", "")] * 2 == [(night.returncode, night.stdout, night.stderr) for night in nights]
    assert ROWS == len(flow.leads())
    assert "done" == json.loads((srv / "last-run.json").read_bytes())["state"]


def test_cron_mails_what_asks_for_a_person(srv: Path, flow: Flow) -> None:
    """A list with thousands of new rows is held by the guard, and the mail says what to do."""
    write_list(srv / "inbox" / "leads.csv", lines(1, 5_001))

    night = by_cron(srv)

    assert (4, []) == (night.returncode, flow.leads())
    assert "held by a guard" in night.stdout
    assert "5,001 rows are new" in (srv / "bulkpost.log").read_text()


def unit(marker: str, srv: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser says
    parser.read_string(placed(block_after(marker), srv))
    return parser


def test_systemd_starts_what_submits(srv: Path, flow: Flow) -> None:
    """The command of the service, in its folder; metrics are for everybody, the rest is not."""
    service = unit("systemd-service", srv)["Service"]
    umask = int(service["UMask"], 8)
    done = subprocess.run(  # noqa: S603  # the README's words
        shlex.split(service["ExecStart"]),
        env={"PATH": "/usr/bin:/bin", "HOME": str(srv.parent)},
        cwd=service["WorkingDirectory"],
        umask=umask,
        check=False,
        timeout=60,
    )

    assert (0, ROWS) == (done.returncode, len(flow.leads()))
    assert "bulkpost_last_success" in (srv.parent / "textfile" / "bulkpost.prom").read_text()
    modes = [path.stat().st_mode & 0o777 for path in (srv.parent / "textfile").iterdir()]
    assert ([0o644], 0o600) == (modes, (srv / "last-run.json").stat().st_mode & 0o777)
    assert {"3", "6"} == set(service["SuccessExitStatus"].split())
    assert int(service["TimeoutStopSec"]) > 60


def test_systemd_would_take_the_units(srv: Path) -> None:
    """Service and timer are what systemd reads, and the timer is one that ends before --until."""
    units = srv.parent / "units"
    units.mkdir()
    for kind in ("service", "timer"):
        text = placed(block_after(f"systemd-{kind}"), srv).replace("User=leads\n", "")
        (units / f"bulkpost.{kind}").write_text(text)
    (units / "bulkpost-alert.service").write_text("[Service]\nExecStart=/bin/true\n")
    calendar = unit("systemd-timer", srv)["Timer"]["OnCalendar"]

    assert "*-*-* 02..05:15" == calendar
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("no systemd on this machine: the units were read, not verified")
    env = os.environ | {"SYSTEMD_LOG_LEVEL": "warning"}
    for words in (["verify", *map(str, sorted(units.iterdir()))], ["calendar", calendar]):
        told = subprocess.run(  # noqa: S603  # as above
            [verifier, "--man=no", *words], capture_output=True, text=True, check=False, env=env
        )
        assert (0, "") == (told.returncode, told.stderr)

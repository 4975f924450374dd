"""``bulkpost sandbox`` as a process."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from bulkpost.cli.sandbox import sandbox

COMMAND = [sys.executable, "-c", "from bulkpost.cli.sandbox import sandbox; sandbox()", "--port=0"]


@contextmanager
def _running(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603  # our own command
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_posting_url_is_the_only_line_on_standard_output() -> None:
    """A script may read the URL with ``head -1``; hints go to standard error."""
    with _running() as process:
        url = _first_line(process)
        process.terminate()
        rest, hints = process.communicate()

    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/flows/000000000000000000000001/sources/000000000000000000000002/submit\n")
    assert "" == rest
    assert "--seed" in hints
    assert f"Feedback goes to {url.partition('/flows/')[0]}/feedback\n" in hints


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_even_while_requests_hang(number: signal.Signals, tmp_path: Path) -> None:
    """The process ends with status 0; the hanging lead is on the log and in the last counts."""
    log = tmp_path / "taken.jsonl"
    with _running("--json", f"--log={log}") as process:
        listening = json.loads(_first_line(process))
        url = urlsplit(listening["url"])
        path = f"{url.path}?a=1&sandbox_fault=hang_after"
        with socket.create_connection(("127.0.0.1", url.port or 0)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            _get(listening["url"] + "?a=2")
            while len(log.read_text().splitlines()) < 2:
                _get(listening["stats_url"])
            process.send_signal(number)
            rest, _ = process.communicate()

    stopped = json.loads(rest)
    assert 0 == process.returncode
    assert "listening" == listening["message_type"]
    assert ("stopped", 2) == (stopped["message_type"], stopped["stats"]["taken"])


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as reply:  # noqa: S310  # a loopback address of ours
        return json.load(reply)


def test_a_sigkill_loses_no_logged_lead(tmp_path: Path) -> None:
    """Every lead that was answered is on the log when the sandbox is killed."""
    log = tmp_path / "taken.jsonl"
    with _running("--json", f"--log={log}") as process:
        listening = json.loads(_first_line(process))
        answers = [_get(f"{listening['url']}?n={number}") for number in range(20)]
        process.kill()
        process.wait()

    logged = [json.loads(line)["id"] for line in log.read_text().splitlines()]
    assert [answer["lead"]["id"] for answer in answers] == logged


def test_a_flow_is_served_and_told() -> None:
    """``--flow`` takes the sample flow; its address is told, and it refuses what it refuses."""
    flow = Path(__file__).parents[2] / "sample_data" / "flow.toml"
    with _running("--json", f"--flow={flow}") as process:
        listening = json.loads(_first_line(process))
        meta = _get(listening["meta_url"])
        answer = _get(listening["url"] + "?email=ann@example.com")

    assert "Mortgage leads" == meta["flow"]["name"]
    assert "lead.last_name must not be blank" == answer["reason"]


def test_the_help_ends_with_the_exit_statuses() -> None:
    """The last paragraph of the help lists what the command may end with."""
    text = CliRunner().invoke(sandbox, ["--help"]).output

    assert "Exit status:" == text.strip().split("\n\n")[-1].splitlines()[0].strip()

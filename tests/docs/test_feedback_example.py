"""The README's example of feedback, line by line, against a sandbox that its own line starts."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from harness.ports import free_port
from submitting import asked, child_env

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PORT = "8765"


def block(marker: str) -> list[str]:
    match = re.search(rf"^<!-- {marker} -->\n```\n(.*?)\n```$", README, re.DOTALL | re.MULTILINE)
    assert match is not None, marker
    return match[1].splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the sample data in it."""
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    return tmp_path


def test_the_readmes_example_of_feedback_works_as_it_stands(folder: Path) -> None:
    """Submit the sample, send feedback on some of it, look at both; on another port than 8765."""
    port = str(free_port())
    lines = [line.replace(PORT, port) for line in block("feedback-example")]
    (start,) = (line.replace(PORT, port) for line in block("feedback-sandbox"))
    shown: list[bytes] = []
    statuses: list[int] = []
    with _running(start, folder):
        for line in lines:
            words = shlex.split(line)
            if words[0] == "curl":
                with urllib.request.urlopen(words[-1]) as reply:  # noqa: S310  # loopback
                    shown.append(reply.read())
                continue
            statuses.append(_run(words, folder))

    leads, feedback = (json.loads(text) for text in shown)
    by_event = {lead["event_id"]: lead["id"] for lead in leads["leads"]}
    assert [0, 3, 0, 0] == statuses
    assert (995, 31) == (len(leads["leads"]), len(feedback["feedback"]))
    # Each is about the lead that the sample means, in whatever order they were taken.
    meant = {event[8:]: lead for event, lead in by_event.items()}
    assert [meant[taken["event_id"][8:]] for taken in feedback["feedback"]] == [
        taken["lead_id"] for taken in feedback["feedback"]
    ]
    found = asked(
        folder / "trial.db",
        "SELECT outcome, count(*) FROM rows WHERE input = 2 GROUP BY outcome ORDER BY outcome",
    )
    assert [
        ("conflict", 1), ("duplicate", 1), ("http_error", 1), ("invalid", 1), ("success", 31),
    ] == found  # fmt: skip
    assert list(folder.glob("feedback*"))


def _run(words: list[str], folder: Path) -> int:
    assert "bulkpost" == words[0]
    return subprocess.run(  # noqa: S603  # the README's own line
        [sys.executable, "-m", "bulkpost", *words[1:]],
        cwd=folder,
        env=child_env(),
        capture_output=True,
        check=False,
    ).returncode


class _running:  # noqa: N801  # a context manager
    """The line that starts the sandbox, until the block ends."""

    def __init__(self, line: str, folder: Path) -> None:
        words = shlex.split(line)
        self._process = subprocess.Popen(  # noqa: S603  # the README's own line
            [sys.executable, "-m", "bulkpost", *words[1:]],
            cwd=folder,
            env=child_env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith(b"http://127.0.0.1:")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

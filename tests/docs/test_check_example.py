"""The README's example of a check, and the page of findings, are what bulkpost says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from bulkpost.fields.catalogue import FINDINGS

ROOT = Path(__file__).parents[2]
LEFT_OUT = "[...]"


def test_the_example_of_the_readme_is_what_check_prints(tmp_path: Path) -> None:
    """Line by line, but for what is left out."""
    found = re.search(
        r"^<!-- check-example -->\n```\n\$ bulkpost (.*?)\n(.*?)^```$",
        (ROOT / "README.md").read_text("utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    assert found is not None
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "bulkpost", *found[1].split()],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        text=True,
    )
    printed, at = f"{done.stdout}\n", 0
    pieces = [piece.strip("\n") for piece in found[2].split(LEFT_OUT)]

    assert len(pieces) > 2
    for piece in filter(None, pieces):
        at = printed.find(f"{piece}\n", at)
        assert at >= 0, piece
        at += len(piece)
    assert max(map(len, found[2].splitlines())) <= 80


def test_the_page_of_findings_has_every_finding() -> None:
    """Each code with its sentence and its advice, in order; none is missing, none is invented."""
    page = (ROOT / "docs" / "findings.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)

    assert [(one.code, one.message, one.advice) for _, one in sorted(FINDINGS.items())] == rows

"""Runs the command line as ``python -m bulkpost`` would, in this process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from bulkpost.cli.main import main


@dataclass(frozen=True)
class Finished:
    """What a command left: exit status and both streams."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        (line,) = self.out.splitlines()
        document = json.loads(line)
        assert isinstance(document, dict)
        return document


class Commands:
    """Calls commands on one ledger."""

    def __init__(self, capsys: pytest.CaptureFixture[str], ledger: str) -> None:
        self._capsys = capsys
        self._ledger = ledger

    def __call__(self, *words: str) -> Finished:
        """Run one command to its end."""
        with pytest.raises(SystemExit) as ended:
            main([*words, "--ledger", self._ledger])
        out, err = self._capsys.readouterr()
        return Finished(int(str(ended.value.code)), out, err)

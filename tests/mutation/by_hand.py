"""Mutants that mutmut cannot make: ``by_hand.py [PATTERN...]``, after ``mutmut run``.

A pattern is part of a file's path. The mutants stand in ``by_hand.txt``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measured import say

from mutation.mutants import BY_HAND, FOLDER
from mutation.trial import Trials, scratch, with_tests

_TABLE: Final = Path(__file__).with_suffix(".txt")
_TESTS: Final = ("tests/ledger", "tests/reporting", "tests/docs/test_ledger_page.py")
_TESTS_BY_PATH: Final = {
    "bulkpost/ledger/": ("tests/ledger", "tests/engine", "tests/reporting"),
    "bulkpost/engine/": ("tests/engine", "tests/app/test_answers.py", "tests/app/test_network.py"),
    "bulkpost/pacing/": ("tests/pacing", "tests/test_settings.py"),
    "bulkpost/endpoints/": ("tests/endpoints", "tests/app/test_answers.py"),
}


@dataclass(frozen=True, slots=True)
class HandMade:
    """One text of one file, and what takes its place.

    Attributes:
        why: Why it may live; empty if it may not.
    """

    path: str
    old: str
    new: str
    why: str

    @property
    def name(self) -> str:
        """Where, and what becomes of what."""
        return f"{self.path}: {self.old} => {self.new}"

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Change the file in ``mutants/``, everywhere: mutmut keeps many copies of a function."""
        place = FOLDER / self.path
        source = place.read_text()
        assert self.old in source, f"it stands there no more: {self.name}"
        place.write_text(source.replace(self.old, self.new))
        try:
            yield
        finally:
            place.write_text(source)


def hand_made() -> Iterator[HandMade]:
    """Read the table."""
    path = ""
    for line in _TABLE.read_text().splitlines():
        if line.startswith("[bulkpost/"):
            path = line.strip("[]")
        elif path and line:
            what, _, why = line.partition("  # ")
            old, _, new = what.partition(" =>")
            old, new = (text.replace("\\n", "\n") for text in (old, new.removeprefix(" ")))
            yield HandMade(path, old, new, why)


def main() -> None:
    """Try each that is not known to be dead, nor explained, and tell what became of it."""
    patterns, found = sys.argv[1:] or [""], what_was_found()
    wanted = [
        one
        for one in hand_made()
        if any(pattern in one.path for pattern in patterns) and not (one.why or found.get(one.name))
    ]
    statements = [mutant for mutant in wanted if mutant.path.endswith(".sql")]
    if statements:
        with_tests(_TESTS, partial(_try_statements, statements))
    for mutant in wanted:
        if mutant not in statements:
            with mutant.in_place():
                _note(mutant, is_killed=_is_noticed(mutant))


def _try_statements(mutants: Sequence[HandMade], trials: Trials) -> None:
    for mutant in mutants:
        with mutant.in_place():
            _note(mutant, is_killed=bool(trials.is_killed("", statement=Path(mutant.path).name)))


def _is_noticed(mutant: HandMade) -> bool:
    """Try what is read when a module is loaded: by a process that loads it."""
    tests = next(
        tests for prefix, tests in _TESTS_BY_PATH.items() if mutant.path.startswith(prefix)
    )
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    env = {**os.environ, "PYTHONPATH": str(FOLDER), "MUTANT_UNDER_TEST": ""}
    with scratch() as place:
        ended = subprocess.run(  # noqa: S603  # our own command
            [*command, *place, *tests], cwd=FOLDER, env=env, capture_output=True, check=False
        )
    return ended.returncode != 0


def what_was_found() -> dict[str, bool]:
    """Return which mutants were noticed, and which not, by name."""
    found: dict[str, bool] = json.loads(BY_HAND.read_text()) if BY_HAND.exists() else {}
    return found


def _note(mutant: HandMade, *, is_killed: bool) -> None:
    found = what_was_found()
    found[mutant.name] = is_killed
    BY_HAND.write_text(json.dumps(found, indent=0))
    say(f"{'killed ' if is_killed else 'alive  '} {mutant.name}")


if __name__ == "__main__":
    main()

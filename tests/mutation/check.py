"""Try every mutant that is not known to be dead: ``check.py [--far] [TESTS...] [PATTERN...]``.

TESTS begin with ``tests/``; those of the core are used if none are named. A PATTERN is part of a
mutant's name. A mutant is tried by the 400 tests that call its function and noticed most so far;
``--far`` tries it by every test, for some call it in their children only. What is explained is not
tried. What was found is kept in ``mutants/found.json``.
"""

import json
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measured import say

from mutation.mutants import FOUND, all_mutants  # needs the path above
from mutation.score import explained, key_of
from mutation.trial import Trials, with_tests

_APP: Final = (
    "answers",
    "network",
    "pace",
    "inputs_that_meet",
    "wire",
    "submitted_inputs",
)
TESTS: Final = (
    *(
        "tests/ledger",
        "tests/reporting",
        "tests/cli",
        "tests/pacing",
        "tests/endpoints",
        "tests/engine",
    ),
    *(f"tests/app/test_{name}.py" for name in (*_APP, "exit_status", "check_and_submit")),
)


def main() -> None:
    """Try each and tell what became of it."""
    words = [word for word in sys.argv[1:] if word != "--far"]
    patterns = [word for word in words if not word.startswith("tests/")] or [""]
    tests = [word for word in words if word.startswith("tests/")] or TESTS
    found: dict[str, bool] = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    reasons = explained()
    wanted = [
        mutant
        for mutant in all_mutants()
        if mutant.is_alive
        and any(pattern in mutant.name for pattern in patterns)
        and not mutant.is_wording
        and key_of(mutant) not in reasons
    ]

    def work(trials: Trials) -> None:
        for mutant in wanted:
            is_killed = trials.is_killed(mutant.name)
            if is_killed is not None:
                found[mutant.name] = not is_killed
                FOUND.write_text(json.dumps(found, indent=0))
            fate = {None: "no test", True: "killed", False: "alive"}[is_killed]
            say(f"{fate:7} {mutant.name}")

    is_far = "--far" in sys.argv
    with_tests(tests, work, tests_max=10_000 if is_far else 400, with_children=is_far)


if __name__ == "__main__":
    main()

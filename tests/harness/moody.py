"""``bulkpost`` whose sandbox takes other faults while it runs: one line of rules on its input.

Each line comes instead of the one before it and is answered by how many faults it held.
"""

import sys
from threading import Thread
from typing import Any

from bulkpost.cli.main import main
from bulkpost.sandbox.faults import FaultPlan, parse_rule
from bulkpost.sandbox.troubles import Troubles

SEED = 20
_honest = Troubles.__init__


def _made(self: Troubles, *args: Any, **kwargs: Any) -> None:
    _honest(self, *args, **kwargs)
    Thread(target=_obey, args=(self,), daemon=True).start()


def _obey(troubles: Troubles) -> None:
    for line in sys.stdin:
        rules = [parse_rule(text) for text in line.split()]
        troubles._plan = FaultPlan(rules, SEED)  # noqa: SLF001  # one assignment, between two requests
        sys.stdout.write(f"{len(rules)} faults\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Troubles.__init__ = _made  # type: ignore[method-assign]  # the sandbox as it is, and an ear
    main()

"""Named places where a test may make the process die, fail or stall.

``BULKPOST_FAULT=name:n`` ends the process with ``os._exit`` at the n-th pass of the point
``name``; ``name:n:raise`` raises an ``OSError`` there, ``name:n:sleep=0.5`` stalls that long.
Without the variable ``fault_point`` is an empty function. Every point is listed in ``NAMES``, so
that the crash harness goes through all of them.
"""

import os
import time
from collections.abc import Callable
from typing import Final

NAMES: Final = (
    "run.start",  # locked, recovered; no row read yet
    "arm.queued",  # intent queued, COMMIT not begun
    "commit.begin",  # inside the transaction, nothing written
    "commit.middle",  # some of the group written, COMMIT not called
    "commit.done",  # COMMIT returned, nobody told
    "armed",  # intent on disk, nothing sent
    "sent",  # request on the wire, no answer read
    "answered",  # answer read, settle not queued
    "settle.queued",  # settle queued, COMMIT not begun
    "backoff.queued",  # a back-off is queued
    "recovery.middle",  # inside the recovery transaction
    "run.end",  # all rows done, run not closed
)
_EXIT_STATUS = 137  # what a SIGKILL looks like


def _active(spec: str) -> Callable[[str], None]:
    name, _, rest = spec.partition(":")
    nth, _, action = rest.partition(":")
    assert name in NAMES, f"BULKPOST_FAULT names no fault point: {name}"
    passes_left = int(nth or "1")

    def act(passed: str) -> None:
        nonlocal passes_left
        if passed != name:
            return
        passes_left -= 1
        if passes_left != 0:
            return
        if action == "raise":
            raise OSError(5, f"fault point {name}")
        if action.startswith("sleep="):
            time.sleep(float(action.removeprefix("sleep=")))  # noqa: TID251  # the fault is the stall
            return
        os._exit(_EXIT_STATUS)

    return act


def _inert(_passed: str) -> None:
    return


_SPEC = os.environ.get("BULKPOST_FAULT", "")
IS_ARMED: Final = bool(_SPEC)
fault_point: Final[Callable[[str], None]] = _active(_SPEC) if _SPEC else _inert

"""Named places where a test may make the process die, fail or stall.

``BULKPOST_FAULT=name:n`` ends the process with ``os._exit`` at the n-th pass of the point
``name``; ``name:n:raise`` raises an ``OSError`` there, ``name:n:sleep=0.5`` stalls that long.
``n+`` stands for the n-th pass and every one after it; a comma parts several faults. Without the
variable ``fault_point`` is an empty function. Every point is listed in ``NAMES``, so that the crash
harness goes through all of them.
"""

import os
import time
from collections.abc import Callable
from typing import Final

NAMES: Final = (
    # The ledger is made, brought up to date, opened.
    "create.draft",  # a whole ledger stands beside the name that it will take
    "create.named",  # it has its name, and its draft still stands
    "migrate.copied",  # the copy is whole, nothing has changed
    "migrate.step",  # one step's transaction is written, COMMIT not called
    "migrate.done",  # one step is committed
    "recovery.middle",  # inside the recovery transaction
    "rescue.import",  # the same, with answers of the rescue file taken in
    "rescue.imported",  # they are committed, the rescue file is still there
    # Old lists are pruned.
    "prune.middle",  # inside the transaction, keys kept twice, nothing gone
    "prune.done",  # it is committed, the room not given back
    "pack.begin",  # about to write the database anew
    "pack.done",  # it is written anew, and all of it is in the log
    # A run is begun.
    "run.start",  # locked, recovered; no row read yet
    "reader.batch",  # about to read rows, in the reader's thread
    "input.marks",  # inside the transaction that notes an input, its marks not written
    "run.begin",  # the run is noted; no row handed out
    "feed.batch",  # rows read and looked up, none handed to a worker
    # A row is sent.
    "arm.queued",  # intent queued, COMMIT not begun
    "commit.begin",  # inside the transaction, nothing written
    "commit.middle",  # some of the group written, COMMIT not called
    "commit.flush",  # all of the transaction written, COMMIT not called
    "commit.done",  # COMMIT returned, nobody told
    "armed",  # intent on disk, nothing sent
    "sent",  # request on the wire, no answer read
    "answered",  # answer read, settle not queued
    "settle.queued",  # settle queued, COMMIT not begun
    "backoff.queued",  # a back-off is queued
    "mark.queued",  # the low-water mark rises, COMMIT not begun
    "rescue.save",  # the ledger has failed, the answers in hand are nowhere yet
    # A run is ended, and looked at.
    "run.end",  # all rows done, run not closed
    "run.closed",  # the run's ending is committed
    "close.checkpoint",  # about to copy the log into the database
    "export.batch",  # some rows of the results written
    "export.written",  # all results are whole, none has got its name
    "export.named",  # a results file has got its name, others perhaps not
)
_EXIT_STATUS = 137  # what a SIGKILL looks like


def _active(specs: str) -> Callable[[str], None]:
    faults = [_fault(spec) for spec in specs.split(",")]

    def act(passed: str) -> None:
        for fault in faults:
            fault(passed)

    return act


def _fault(spec: str) -> Callable[[str], None]:
    name, _, rest = spec.partition(":")
    nth, _, action = rest.partition(":")
    assert name in NAMES, f"BULKPOST_FAULT names no fault point: {name}"
    is_lasting = nth.endswith("+")
    passes_left = int(nth.removesuffix("+") or "1")

    def act(passed: str) -> None:
        nonlocal passes_left
        if passed != name:
            return
        passes_left -= 1
        if passes_left > 0 or (passes_left < 0 and not is_lasting):
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

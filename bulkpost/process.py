"""This process, closed to others: its memory holds lead data.

A core file is a copy of that memory on the disk, and a debugger of the same user reads it at will.
"""

import faulthandler
import os
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
_PRIVATE_UMASK: Final = 0o077


def seal() -> None:
    """Leave no core file, let no other process look in, and make no file that others can read.

    Every command that handles leads or a ledger begins with it. What a core file would have told
    of a crash, a traceback of function names and lines on standard error tells, without any value.
    """
    os.umask(_PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _make_undumpable()
    if not faulthandler.is_enabled() and sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)


def _make_undumpable() -> None:
    """Close the way that the limit leaves open: the kernel feeds a crash reporter all the same.

    A kernel or a sandbox that does not know the call leaves us with the limit.
    """
    try:
        import ctypes  # noqa: PLC0415  # slow to load, and missing from a few Pythons

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return

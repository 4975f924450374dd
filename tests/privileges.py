"""Lets root meet the same permissions as everybody else."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3 = 0x20080522
_SETS = 3  # effective, permitted, inheritable; two words each


@contextmanager
def unprivileged() -> Iterator[None]:
    """Lay this thread's capabilities down for a while: modes of files then hold for root, too.

    Reference: capabilities(7), capset(2).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    held = (ctypes.c_uint32 * (2 * _SETS))()
    _checked(libc.capget(header, held))
    laid_down = (ctypes.c_uint32 * (2 * _SETS))(*held)
    laid_down[0] = laid_down[_SETS] = 0  # the effective ones
    _checked(libc.capset(header, laid_down))
    try:
        yield
    finally:
        _checked(libc.capset(header, held))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

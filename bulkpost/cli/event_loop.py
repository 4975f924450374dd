"""Runs a coroutine to its end, on uvloop where there is one."""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


def run(function: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Run an async function in a new event loop and return what it returns."""
    import anyio  # noqa: PLC0415  # the help of a command needs no event loop

    return anyio.run(function, backend_options={"use_uvloop": sys.platform != "win32"})

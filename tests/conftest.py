"""What every test starts with."""

import os
from collections.abc import Iterator

import pytest
import structlog

# Tests wait for servers, disks and children about half of their time.
_WORKERS_MIN = 4


def pytest_xdist_auto_num_workers() -> int:
    """Return what ``-n auto`` stands for."""
    return max(_WORKERS_MIN, len(os.sched_getaffinity(0)))


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Forget how a command has set up the log of its process: the next test hears everything."""
    yield
    structlog.reset_defaults()

"""What every test starts with."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Forget how a command has set up the log of its process: the next test hears everything."""
    yield
    structlog.reset_defaults()

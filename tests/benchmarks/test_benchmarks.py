import tempfile
from pathlib import Path

import pytest

from benchmarks.measured import say
from benchmarks.measures import MEASURES


@pytest.mark.benchmark
@pytest.mark.parametrize("name", MEASURES)
def test_benchmark(name: str) -> None:
    """Prints what was measured beside what is to be reached; fails only if a run goes wrong."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        for line in MEASURES[name](Path(place)):
            say(line)

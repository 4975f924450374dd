"""Every benchmark, or those named: ``python tests/benchmarks/run.py [NAME...]``."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measured import say
from benchmarks.measures import MEASURES  # needs the path above


def main() -> None:
    """Run them and print a line for each number."""
    for name in sys.argv[1:] or MEASURES:
        # Not where memory may stand for a disk: a flush must cost what it costs.
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            for line in MEASURES[name](Path(place)):
                say(line)


if __name__ == "__main__":
    main()

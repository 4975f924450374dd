"""The soak: ``python tests/chaos/soak.py --rows 2000000``; see docs/testing.md."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measured import say
from harness import mutant
from harness.child import SUBMIT
from harness.soak import CONCURRENCY, Soak
from harness.soak_report import figures, judged


def main() -> int:
    """Run one soak; return 1 if anything was not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    # Not where memory may stand for a disk: a flush must cost what it costs.
    parser.add_argument("--place", type=Path, default=Path("/var/tmp"))  # noqa: S108  # as above
    parser.add_argument("--mutant", choices=mutant.MUTATIONS, help="to see the judge bite")
    given = parser.parse_args()
    command = (sys.executable, mutant.__file__, given.mutant, "submit") if given.mutant else SUBMIT
    with tempfile.TemporaryDirectory(dir=given.place, prefix="soak-") as folder:
        soak = Soak(Path(folder), given.rows, command, given.concurrency)
        soak.run()
        for line in figures(soak):
            say(line)
        findings = list(judged(soak))
        for finding in findings:
            say(finding)
    return 0 if all(finding.is_met for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())

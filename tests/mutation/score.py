"""The score, as a table for docs/testing.md, and every survivor that nobody has explained."""

import sys
from collections import Counter
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measured import say

from mutation.by_hand import HandMade, hand_made, what_was_found  # needs the path above
from mutation.mutants import Mutant, all_mutants

EXPLAINED: Final = Path(__file__).with_name("explained.txt")
_WHY: Final = "  # "
_FATES: Final = ("killed", "explained", "wording", "survived", "not tried")

Key = tuple[str, str]


def explained() -> dict[Key, str]:
    """Return why a mutant may live, by ``path function`` and the changed line.

    A line of the file is ``function: the changed line  # why``, below its source file's ``[path]``.
    """
    path, found = "", {}
    for line in EXPLAINED.read_text().splitlines():
        if line.startswith("[bulkpost/"):
            path = line.strip("[]")
        elif path and line:
            what, _, why = line.rpartition(_WHY)
            function, _, change = what.partition(": ")
            assert change, line
            found[f"{path} {function}", change] = why
    return found


def key_of(mutant: Mutant) -> Key:
    """Return how a mutant is written in the file: its new lines, or what it took away."""
    old, new = mutant.change
    return f"{mutant.path} {mutant.function}", new or f"- {old}"


def fate_of(mutant: Mutant, reasons: dict[Key, str]) -> str:
    """Return what became of a mutant."""
    if not mutant.is_alive:
        return "killed"
    if key_of(mutant) in reasons:
        return "explained"
    if mutant.is_wording:
        return "wording"
    return "survived" if mutant.is_tried else "not tried"


def main() -> None:
    """Print both; the exit status is 1 if there is a survivor to be looked at."""
    reasons = explained()
    fates = [(mutant, fate_of(mutant, reasons)) for mutant in all_mutants()]
    counts: dict[str, Counter[str]] = {}
    for mutant, fate in fates:
        counts.setdefault(mutant.path, Counter())[fate] += 1
    say(f"| | mutants | {' | '.join(_FATES)} |")
    say("|---|---:|" + "---:|" * len(_FATES))
    made = _made_by_hand()
    for path, count in [*counts.items(), ("made by hand", Counter(fate for _, fate in made))]:
        numbers = [count.total(), *(count[fate] for fate in _FATES)]
        say(f"| {path} | {' | '.join(map(str, numbers))} |")
    survived = [mutant for mutant, fate in fates if fate == "survived"]
    for mutant in survived:
        say(f"[{mutant.path}]\n{': '.join(key_of(mutant)).partition(' ')[2]}")
        say(f"    was: {mutant.change[0]}")
    by_hand = [mutant for mutant, fate in made if fate == "survived"]
    for made_by_hand in by_hand:
        say(f"by hand: {made_by_hand.name}")
    used = {key_of(mutant) for mutant, fate in fates if fate == "explained"}
    for where, change in sorted(reasons.keys() - used):
        say(f"explained, but killed or gone: {where}: {change}")
    sys.exit(bool(survived or by_hand))


def _made_by_hand() -> list[tuple[HandMade, str]]:
    found = what_was_found()
    return [(mutant, _fate_by_hand(mutant, found.get(mutant.name))) for mutant in hand_made()]


def _fate_by_hand(mutant: HandMade, is_killed: bool | None) -> str:  # noqa: FBT001  # as it was found
    if mutant.why:
        return "explained"
    return {None: "not tried", True: "killed", False: "survived"}[is_killed]


if __name__ == "__main__":
    main()

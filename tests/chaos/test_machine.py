"""Everything that may happen, in any order, against a model of what must then be true."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness import naive
from harness.desk import WrongError
from harness.judge import MOODY, Judge, running_judge
from harness.machine import Machine
from harness.mutant import MUTATIONS
from harness.nursery import Nursery
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

TORTURE_SEEDS = int(os.environ.get("BULKPOST_TORTURE_SEEDS", "100"))
_MUTANT = (sys.executable, str(Path(naive.__file__).with_name("mutant.py")))
_NAIVE = (sys.executable, str(naive.__file__))
_QUICK = ("arm_early", "lose_lead_ids")
_total: Counter[str] = Counter()


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A sandbox that answers within some milliseconds, and misbehaves when it is told to."""
    log = tmp_path_factory.mktemp("moody") / "taken.jsonl"
    with running_judge(log, ["--latency", "4ms", "--jitter", "8ms"], program=MOODY) as judge:
        yield judge


def _machine(judge: Judge, **members: Any) -> type[Machine]:
    """Return a machine with counts of its own."""
    return type(
        "Machine", (Machine,), {"judge": judge, "counts": Counter(), "found": [], **members}
    )


def _let_go(machine: type[Machine], number: int, examples: int, steps: int) -> None:
    """Let a machine do as it likes; the same number makes the same plans."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # the steps are told as they were: a kill cannot be shrunk
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    # What a kill catches differs a little each time, and with it what can be done next; hypothesis,
    # which tells its plans apart by what was drawn before, calls that flaky. What was found counts.
    with suppress(Flaky):
        run_state_machine_as_test(seed(number)(machine), settings=chosen)
    if machine.found:
        raise machine.found[0]


@pytest.mark.parametrize("number", [2, 3])
def test_whatever_happens_in_whatever_order_every_lead_is_accounted_for(
    number: int, moody: Judge, nursery: Nursery
) -> None:
    """Runs, deaths, lost power, copies, decisions and lists that change leave no lead unknown."""
    machine = _machine(moody, nursery=nursery)

    _let_go(machine, number, examples=3, steps=10)

    assert 0 == machine.counts["findings"] + machine.counts["breakdowns"]


@pytest.mark.parametrize("name", _QUICK)
def test_the_machine_finds_a_broken_promise(name: str, moody: Judge) -> None:
    """A mutation of the ledger's protocol is noticed within some steps."""
    _found(_machine(moody, program=(*_MUTANT, name)), name)


@pytest.mark.torture
@pytest.mark.parametrize("name", [name for name in MUTATIONS if name not in _QUICK])
def test_torture_the_machine_finds_every_broken_promise(name: str, moody: Judge) -> None:
    """The others, which take a little longer."""
    _found(_machine(moody, program=(*_MUTANT, name)), name)


@pytest.mark.torture
def test_torture_the_machine_finds_the_doubles_of_a_naive_recorder(moody: Judge) -> None:
    """A script that records after the answer sends leads twice, as soon as it is killed."""
    _found(_machine(moody, program=_NAIVE, has_ledger=False), "naive")


def _found(machine: type[Machine], name: str) -> None:
    with pytest.raises(WrongError) as found:
        _let_go(machine, number=7, examples=40, steps=10)

    steps = machine.counts["steps"]
    print(f"{name} found after {steps} steps: {found.value}")  # noqa: T201  # how soon


@pytest.mark.torture
@pytest.mark.parametrize("number", range(2000, 2000 + TORTURE_SEEDS))
def test_torture_by_machine(number: int, moody: Judge, nursery: Nursery) -> None:
    """The same as in CI, for longer; BULKPOST_TORTURE_SEEDS says how often."""
    machine = _machine(moody, nursery=nursery)
    try:
        _let_go(machine, number, examples=3, steps=20)
    except BaseException as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n")  # noqa: T201  # now, not at the end of the night
        raise
    finally:
        _total.update(machine.counts)
        hours = _total["seconds"] / 3600
        told = ", ".join(
            f"{_total[name]} {name}"
            for name in ("steps", "runs", "kills", "findings", "breakdowns")
        )
        print(f"seed {number}; so far {hours:.2f} hours, {told}")  # noqa: T201  # the report

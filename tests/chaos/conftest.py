import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import campaign as harness
from harness.campaign import Campaign
from harness.judge import Judge, running_judge
from harness.nursery import Nursery, a_nursery


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A sandbox that answers within some milliseconds, whatever it is asked."""
    log = tmp_path_factory.mktemp("calm") / "taken.jsonl"
    with running_judge(log, ["--latency", "4ms", "--jitter", "8ms"]) as judge:
        yield judge


@pytest.fixture(scope="session")
def stormy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A sandbox that refuses, forgets to answer and breaks connections now and then."""
    log = tmp_path_factory.mktemp("stormy") / "taken.jsonl"
    faults = ("503:0.08", "502_after:0.03", "504:0.02", "reset_after:0.01", "cut:0.01")
    options = [f"--fault={fault}" for fault in faults]
    with running_judge(log, ["--latency", "4ms", "--jitter", "8ms", *options]) as judge:
        yield judge


@pytest.fixture
def campaign(tmp_path: Path, calm: Judge) -> Campaign:
    """A list on its way to the calm sandbox."""
    return Campaign(tmp_path / "work", calm.new_flow())


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where children come from that need not be watched."""
    with a_nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def bad_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library to preload, made by the machine's compiler."""
    source = Path(harness.__file__).with_name("bad_disk.c")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("bad_disk") / "bad_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)  # noqa: S603  # our own command
    return library

"""Tests against one mutant after the other, each in a fork of a process that has collected them.

Collecting costs more than most mutants need to be noticed, so it is done once. The first fork runs
every test and notes which functions it calls; a mutant is then tried by these tests only, and
first by those that have noticed most so far.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from benchmarks.measured import say

from mutation.mutants import FOLDER

# A mutant that takes for ever was noticed; a machine that has much to do is no mutant.
_TEST_S_MAX: Final = 20
_TEST_TIMES_MAX: Final = 10
# What a fork tells: one line on a pipe, or nothing if it was killed.
Told = dict[str, Any]


class Trials:
    """The collected tests, and what is known of them.

    Attributes:
        hits: What each test uses in its own process: functions of ours, in mutmut's spelling, and
            SQL statements, by the name of their file.
    """

    def __init__(self, session: pytest.Session, *, tests_max: int, with_children: bool) -> None:
        """Run every test once, without any mutant.

        Args:
            session: The collected tests.
            tests_max: So many tests at most for a mutant.
            with_children: Try each mutant by every test: what a test is about may happen in its
                children.
        """
        self._tests_max = tests_max
        self._with_children = with_children
        self._session = session
        self._items = {item.nodeid: item for item in session.items}
        self._kills: Counter[str] = Counter()
        self._took_s: dict[str, float] = {}
        told = self._forked(self._observe)
        assert told is not None, "the tests end without any mutant"
        for name in told["failed"]:
            say(f"left out, for it fails without any mutant: {name}")
        self.hits: dict[str, list[str]] = told["hits"]
        self._took_s = told["took_s"]

    def is_killed(self, mutant: str, *, statement: str = "") -> bool | None:
        """Try a mutant; None if no test uses what it changes.

        Args:
            mutant: What mutmut calls it; empty if its file was changed.
            statement: The name of that file.
        """
        changed = statement or mutant.rpartition("__mutmut_")[0]
        wanted = [
            name for name, hits in self.hits.items() if self._with_children or changed in hits
        ]
        if not wanted:
            return None
        wanted.sort(key=lambda name: (-self._kills[name], len(self.hits[name]), self._took_s[name]))
        del wanted[self._tests_max :]

        def attempt() -> Told:
            os.environ["MUTANT_UNDER_TEST"] = mutant
            _forget_statements()
            return {"killer": next((name for name in wanted if not self._passes(name)), None)}

        told = self._forked(attempt)
        if told is not None and told["killer"] is not None:
            self._kills[told["killer"]] += 1
        return told is None or told["killer"] is not None

    def _passes(self, name: str) -> bool:
        item = self._items[name]
        # Nothing handles the signal: the fork ends, and tells nothing.
        took_s = self._took_s.get(name, _TEST_S_MAX)
        signal.alarm(_TEST_S_MAX + int(_TEST_TIMES_MAX * took_s))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self._session.testsfailed

    def _observe(self) -> Told:
        # mutmut is asked for by the extra `dev` alone, and by no test.
        state = import_module("mutmut.state").state
        import_module("mutmut.mutation.trampoline").set_mutant_under_test("stats")
        del os.environ["MUTANT_UNDER_TEST"]  # a child would look for mutmut's settings, and fail
        hits, took_s, failed = {}, {}, []
        asked = set[str]()
        sys.addaudithook(lambda event, args: _note_statement(asked, event, args))
        for name in self._items:
            state()._stats.clear()  # noqa: SLF001  # where its trampolines write
            asked.clear()
            _forget_statements()
            began_s = os.times().elapsed
            if not self._passes(name):
                self._session.testsfailed = 0
                failed.append(name)
                continue
            took_s[name] = os.times().elapsed - began_s
            hits[name] = sorted(state()._stats | asked)  # noqa: SLF001  # as above
        return {"failed": failed, "hits": hits, "took_s": took_s}

    @staticmethod
    def _forked(work: Callable[[], Told]) -> Told | None:
        mouth, ear = os.pipe()[::-1]
        child = os.fork()
        if child == 0:
            _quietly(work, mouth)
        os.close(mouth)
        with os.fdopen(ear) as file:
            text = file.readline()  # nothing if the fork died
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # children of a test that failed, too
        os.waitpid(child, 0)
        return json.loads(text) if text.endswith("\n") else None


def _forget_statements() -> None:
    """Let each statement be read from its file when it is asked next."""
    # That of the tests: not imported before they are.
    import_module("bulkpost.ledger.statements").sql.cache_clear()


def _note_statement(asked: set[str], event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and str(args[0]).endswith(".sql"):
        asked.add(Path(str(args[0])).name)


def _quietly(work: Callable[[], Told], mouth: int) -> None:
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    try:
        text = json.dumps(work()) + "\n"
    except BaseException:  # noqa: BLE001  # whatever a mutant does to pytest, it was noticed
        text = "died"
    with os.fdopen(mouth, "w") as file:
        file.write(text)
    os._exit(0)


class _Plugin:
    def __init__(self, make: Callable[[pytest.Session], None]) -> None:
        self._make = make

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Give the collected tests to the work instead of running them."""
        self._make(session)
        return True


def with_tests(
    tests: Sequence[str],
    work: Callable[[Trials], None],
    *,
    tests_max: int = 400,
    with_children: bool = False,
) -> None:
    """Collect tests of ``mutants/`` and do the work with them; the rest is as in ``Trials``.

    Raises:
        SystemExit: They cannot be collected.
    """

    def make(session: pytest.Session) -> None:
        if session.testsfailed:
            sys.exit("the tests could not be collected")  # each mutant would seem to be noticed
        work(Trials(session, tests_max=tests_max, with_children=with_children))

    os.chdir(FOLDER)
    os.environ["PYTHONPATH"] = str(FOLDER)
    os.environ["MUTANT_UNDER_TEST"] = ""
    sys.path.insert(0, str(FOLDER))
    options = ["-q", "-s", "-p", "no:cacheprovider", "--tb=no"]
    with scratch() as place:
        if pytest.main([*options, *place, *tests], [_Plugin(make)]) not in {0, 5}:
            sys.exit("the tests could not be collected")


@contextmanager
def scratch() -> Iterator[list[str]]:
    """Give options of pytest by which what its tests write is gone after each test and each fork.

    The folder may be memory (``TMPDIR=/dev/shm``): thousands of forks would fill it.
    """
    with TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as place:
        # pytest empties a folder that it is given when it first uses it: in each fork.
        yield ["-o", "tmp_path_retention_policy=failed", f"--basetemp={place}/tests"]

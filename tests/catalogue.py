"""The fault catalogue: its cases, the tests named after them, and the user's page made of both.

A case is told in ``tests/data/faults.toml``. A test of it is called ``test_<case>_<fact>``, and the
first paragraph of its docstring says what then happens. ``python tests/catalogue.py`` writes
``docs/faults.md``; a test compares the page with what would be written.
"""

import ast
import re
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "faults.md"
SIZES: Final[Mapping[str, int]] = {"I": 31, "N": 16, "S": 30, "P": 13, "D": 18}
_CATALOGUE: Final = ROOT / "tests" / "data" / "faults.toml"
_NAME: Final = re.compile(r"test_([insdp][0-9]{1,2})_(\w+)")
_INTRODUCTION: Final = """\
# What happens if ...

Everything that we know to go wrong, and what bulkpost then does. Each answer is held by tests,
which run before every change; they are listed with it, in their own words. The judge in them is
the server's own log of what it received, never what the sender believes.

*Invalid*, *in doubt*, *deferred* and the like are outcomes. The [README](../README.md) explains
them, and the exit statuses.

<!-- Made by `python tests/catalogue.py` from tests/data/faults.toml and the tests. -->
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One test of a case.

    Attributes:
        title: The fact in its name, as words.
        told: The first paragraph of its docstring; empty if there is none.
        path: The file of the test, from the root.
    """

    title: str
    told: str
    path: str


@dataclass(frozen=True, slots=True)
class Case:
    """One fault.

    Attributes:
        name: Letter and number, such as ``I13``.
        what_if: What goes wrong.
        then: What bulkpost does.
        not_shown: Why no test shows it; empty where tests do.
        shown: The tests.
    """

    name: str
    what_if: str
    then: str
    not_shown: str = ""
    shown: list[Shown] = field(default_factory=list)


def catalogue() -> dict[str, Case]:
    """Return the cases by name, each with its tests."""
    told = tomllib.loads(_CATALOGUE.read_text("utf-8"))["case"]
    found = _tests()
    return {
        name: Case(name, it["if"], it["then"], it.get("not_shown", ""), found.get(name, []))
        for name, it in told.items()
    }


def strangers() -> list[str]:
    """Return the cases that tests are named after and that nobody knows."""
    return sorted(_tests().keys() - catalogue().keys())


def page() -> str:
    """Return the user's page."""
    groups = tomllib.loads(_CATALOGUE.read_text("utf-8"))["group"]
    cases = catalogue()
    parts = [_INTRODUCTION]
    for letter in SIZES:
        parts.append(f"## {groups[letter]['title']}\n\n{_wrapped(groups[letter]['about'])}\n")
        parts += [_section(case) for name, case in cases.items() if name.startswith(letter)]
    return "\n".join(parts)


def _section(case: Case) -> str:
    text = f"### {case.name}. {case.what_if}\n\n{_wrapped(case.then)}\n"
    if case.not_shown:
        return f"{text}\n{_wrapped(f'Not shown by a test: {case.not_shown}')}\n"
    lines = "\n".join(_bullet(shown) for shown in case.shown)
    tests = "one test" if len(case.shown) == 1 else f"{len(case.shown)} tests"
    return f"{text}\n<details><summary>Held by {tests}</summary>\n\n{lines}\n\n</details>\n"


def _bullet(shown: Shown) -> str:
    return _wrapped(f"- {shown.title} ([test](../{shown.path})). {shown.told}".rstrip(), "  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _tests() -> dict[str, list[Shown]]:
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in _functions(path):
            name = _NAME.fullmatch(node.name)
            if name is None:
                continue
            paragraph = (ast.get_docstring(node) or "").split("\n\n")[0]
            title = name[2].replace("_", " ").capitalize()
            told = " ".join(paragraph.split()).replace("``", "`")
            shown = Shown(title, told, str(path.relative_to(ROOT)))
            found[name[1].upper()].append(shown)
    return found


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

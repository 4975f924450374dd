"""What mutmut made and found: ``mutants/``, read without mutmut itself."""

import ast
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "mutants"
FOUND: Final = FOLDER / "found.json"
BY_HAND: Final = FOLDER / "by_hand.json"
# mutmut's numbers for "no tests", "not checked" and "survived"; every other ending is a kill.
_UNTRIED: Final = frozenset({33, None})
_ALIVE: Final = _UNTRIED | {0}
# Texts are mutated by letter case and by XX around them.
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CODECS: Final = frozenset({"ascii", "utf-8"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function.

    Attributes:
        name: mutmut's own.
        path: The source file, from the root.
        is_tried: Some test has seen it.
        is_alive: No test has noticed it.
    """

    name: str
    path: str
    is_tried: bool
    is_alive: bool

    @property
    def function(self) -> str:
        """The function, with its class: ``Breaker.admit``."""
        bare = self.name.rpartition(".")[2].partition("__mutmut_")[0]
        return bare[1:].strip("ǁ").replace("ǁ", ".") if "ǁ" in bare else bare[2:]

    @property
    def change(self) -> tuple[str, str]:
        """The lines before and after, each on one line."""
        whole = self.name.rpartition(".")[2]
        original = whole.rpartition("_")[0] + "_orig"
        sources = _functions(FOLDER / self.path)
        before, after = (sources[name].splitlines()[1:] for name in (original, whole))
        lines = list(difflib.ndiff(before, after))
        old, new = (
            " ".join(line[2:].strip() for line in lines if line.startswith(sign))
            for sign in ("- ", "+ ")
        )
        return old, new

    @property
    def is_wording(self) -> bool:
        """Whether only letter case, or XX around it, differs in a text of more than one word.

        Texts of ours are for people, and SQL has no case: the tests hold the words that matter.
        """
        old, new = self.change
        texts_old, texts_new = _TEXT.findall(old), _TEXT.findall(new)
        pairs = [pair for pair in zip(texts_old, texts_new, strict=False) if pair[0] != pair[1]]
        return (
            len(texts_old) == len(texts_new)
            and len(pairs) == 1
            and _TEXT.sub("", old) == _TEXT.sub("", new)
            and _is_worded_otherwise(*pairs[0])
        )


def _is_worded_otherwise(old: str, new: str) -> bool:
    if old in _CODECS:
        return new.lower() == old
    return " " in old.strip() and (new == f"XX{old}XX" or new.lower() == old.lower())


def all_mutants() -> list[Mutant]:
    """Return what mutmut made, with what was found of it."""
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    return [mutant for meta in sorted(FOLDER.rglob("*.meta")) for mutant in _read(meta, found)]


def _read(meta: Path, found: dict[str, bool]) -> Iterator[Mutant]:
    path = str(meta.relative_to(FOLDER)).removesuffix(".meta")
    for name, status in json.loads(meta.read_text())["exit_code_by_key"].items():
        is_alive = status in _ALIVE and found.get(name, True)
        yield Mutant(name, path, name in found or status not in _UNTRIED, is_alive)


@cache
def _functions(path: Path) -> dict[str, str]:
    source = path.read_text()
    lines = source.splitlines(keepends=True)
    return {
        node.name: "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

"""The page about Python says what happens, word for word."""

import ast
import contextlib
import inspect
import io
import re
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

import bulkpost

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "python.md").read_text("utf-8")
_CELLS = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


async def test_the_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell by cell, as in a notebook; each prints what stands below it."""
    (tmp_path / "sample_data").symlink_to(_ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    cells = _CELLS.findall(_PAGE)
    for number, (source, shown) in enumerate(cells):
        printed = io.StringIO()
        code = compile(source, f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert isinstance(code, CodeType)
        with contextlib.redirect_stdout(printed):
            result = FunctionType(code, names)()
            if inspect.isawaitable(result):
                await result
        assert shown == printed.getvalue()

    assert 4 == len(cells)


def test_the_page_names_what_is_public() -> None:
    """Each column, each part of a result, each argument."""
    told = set(re.findall(r"`(\w+)", _PAGE))

    assert set(bulkpost.RunReport.__slots__) <= told
    assert {"exit_status", "runs", "notes", "counts", "price"} <= told
    assert set(inspect.signature(bulkpost.open).parameters) - {"settings"} <= told
    assert all(hasattr(bulkpost, name) for name in bulkpost.__all__)

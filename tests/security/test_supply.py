"""What bulkpost is made of, and which of Python's sharp tools it leaves alone."""

import ast
import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PYPROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
_RUFF = _PYPROJECT["tool"]["ruff"]["lint"]
_SOURCES = sorted((_ROOT / "bulkpost").rglob("*.py"))


def test_t23_every_locked_package_has_one_version_and_its_hashes() -> None:
    """An index cannot hand out something else under the same name and number."""
    entries = re.split(
        r"\n(?=\S)", (_ROOT / ".ci" / "requirements.lock").read_text("utf-8").strip()
    )
    loose = [
        entry.splitlines()[0]
        for entry in entries
        if not re.match(r"[a-z0-9-]+==[\w.]+[ ;]", entry) or "--hash=sha256:" not in entry
    ]

    assert len(entries) > 40
    assert [] == loose


def test_t23_every_check_installs_from_the_lock_and_asks_for_known_holes() -> None:
    """Both stand in the script that runs all checks, and a finding ends it."""
    run = (_ROOT / ".ci" / "run").read_text("utf-8")
    audit = (_ROOT / ".ci" / "audit").read_text("utf-8")

    assert "pip install --quiet --require-hashes -r .ci/requirements.lock" in run
    assert "bash .ci/audit" in run
    assert "pip-audit --requirement .ci/requirements.lock --require-hashes" in audit
    assert "exit 1" in audit


def test_t24_the_linter_looks_for_every_unsafe_construct_in_all_of_the_package() -> None:
    """Nothing takes its security rules away, but for asserts, which state invariants."""
    assert ["ALL"] == _RUFF["select"]
    assert ["S101"] == [rule for rule in _RUFF["ignore"] if re.match(r"S\d", rule)]
    outside = [
        place for place in _RUFF.get("per-file-ignores", {}) if not place.startswith("tests/")
    ]
    assert [] == outside
    asked_away = [
        (path.name, found[1])
        for path in _SOURCES
        for found in re.finditer(r"noqa: [A-Z0-9, ]*?\b(S\d+)", path.read_text("utf-8"))
    ]
    assert {"S311"} >= {rule for _, rule in asked_away}  # jitter needs no secret randomness


def test_t24_nothing_from_outside_is_ever_run_or_unpickled() -> None:
    """No eval, exec, pickle, marshal, shelve or YAML, no shell, no plug-ins."""
    calls = {"eval", "exec", "compile", "__import__"}
    modules = {"pickle", "marshal", "shelve", "dill", "yaml", "subprocess", "pty", "code"}
    found: list[tuple[str, str]] = []
    for path in _SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found += [(path.name, node.func.id)] if node.func.id in calls else []
            if isinstance(node, ast.Import):
                found += [(path.name, it.name) for it in node.names if it.name in modules]
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                found.append((path.name, str(node.module)))
            if isinstance(node, ast.Attribute) and node.attr in {"system", "popen"}:
                found.append((path.name, node.attr))

    assert [] == found

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bulkpost import __version__
from bulkpost.cli.main import bulkpost
from bulkpost.reporting.status import ExitStatus

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = sorted((ROOT / "bulkpost").rglob("*.py"))

# The wording is a contract: whoever changes it changes what the product must do.
PROMISES = """\
1. No byte of a lead leaves the machine before its intent is on disk.
2. A lead is submitted again only if (a) the earlier request provably never left, or (b) LeadConduit answered 502, 503 or 504, for which its
   documentation asks for a retry (counted and reported; `--strict` holds 502 and 504 as in doubt instead), or (c) you said so for that row.
3. Every row has exactly one state. A row whose fate is unknown is **in doubt**: listed, counted, visible in the exit status, never silently
   dropped, never silently repeated. One crash puts at most `concurrency` rows in doubt.
4. Every answer that was recorded keeps its LeadConduit lead id. An answer lost in a crash leaves its row in doubt, not pending.
5. This holds for SIGKILL, power loss (on a disk that honours flushes), a full disk, two operators starting at once, and input files that were
   renamed, re-sorted or appended to between runs.
6. What we do not promise: that an in-doubt row was or was not received; LeadConduit's own duplicate check; network file systems.
"""  # noqa: E501  # word for word

HEAVY = {"aiohttp", "aiosqlite", "anyio", "asyncio", "msgspec", "numpy", "pandas", "pyarrow"}
HEAVY |= {"jinja2", "matplotlib", "rich", "sqlite3", "ssl", "structlog", "uvloop"}

_COMMAND = re.compile(
    r"^(?:\$ |ExecStart=)?(?:[\w./]*/)?bulkpost ((?:[^#>&|;'\"]|'[^']*'|\"[^\"]*\")*)"
)


def commands(
    group: click.Group = bulkpost, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command of the real tree with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


TREE = dict(commands())


def options_of(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option)]


def help_of(command: click.Command) -> str:
    context = click.Context(command, info_name=command.name, max_content_width=100)
    return command.get_help(context)


def blocks(text: str) -> list[str]:
    return re.findall(r"^[ ]*```\w*\n(.*?)^[ ]*```$", text, re.DOTALL | re.MULTILINE)


def block_after(marker: str) -> str:
    match = re.search(rf"^<!-- {marker} -->\n```\n(.*?)\n```$", README, re.DOTALL | re.MULTILINE)
    assert match is not None, f"no block after <!-- {marker} -->"
    return match[1]


def example_commands() -> list[str]:
    pages = [README, *(page.read_text("utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))]
    lines = [line for page in pages for block in blocks(page) for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    found = [match[1].strip() for part in parts if (match := _COMMAND.match(part))]
    return sorted(set(found))


def test_the_promises_are_in_the_readme_word_for_word() -> None:
    """The README makes exactly the promises that the product is built to keep."""
    assert README.count(PROMISES) == 1


def test_each_set_up_line_is_one_line_that_needs_only_python_pip_and_venv() -> None:
    """Both lines begin with a new environment and are pasted whole."""
    first, second = block_after("first-run"), block_after("test-command")

    assert [0, 0] == [first.count("\n"), second.count("\n")]
    for line in (first, second):
        assert line.startswith("python3.11 -m venv .venv && .venv/bin/pip install ")
    assert first.endswith(".venv/bin/bulkpost submit sample_data/leads.csv --sandbox")
    assert ".venv/bin/python -m pytest" in second.rpartition("&&")[2]


def test_ci_runs_the_line_of_the_readme() -> None:
    """The marker by which CI finds its test command stands once, and CI looks for it."""
    marker = "<!-- test-command -->"

    assert 1 == README.count(f"\n{marker}\n")
    assert marker in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("name", TREE)
def test_each_command_is_in_the_readme_and_explains_itself(name: str) -> None:
    """A command is found by who reads the README, and its help says how it can end."""
    text = help_of(TREE[name])

    assert f"bulkpost {name}" in README or f"`{name.rsplit(maxsplit=1)[-1]}`" in README
    assert TREE[name].help
    assert re.search(r"[Ee]xit status", text), "the help does not name its exit statuses"


@pytest.mark.parametrize("name", TREE)
def test_each_flag_is_explained_in_the_help(name: str) -> None:
    """Every option of every command has words of its own."""
    silent = [option.opts for option in options_of(TREE[name]) if not option.help]

    assert [] == silent


def test_no_document_names_a_flag_that_does_not_exist() -> None:
    """Each --flag in the README is an option of bulkpost, or of the tools beside it."""
    known = {
        word
        for command in TREE.values()
        for option in options_of(command)
        for word in (*option.opts, *option.secondary_opts)
    }
    others = {"--dist", "--help", "--require-hashes"}

    assert set() == set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - known - others


@pytest.mark.parametrize("line", example_commands())
def test_each_example_command_parses(line: str) -> None:
    """What a reader copies is accepted by the real command line."""
    words = shlex.split(line)
    command: click.Command = bulkpost
    while isinstance(command, click.Group):
        if words[0] in {"--help", "--version"}:
            return
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found

    command.make_context("bulkpost", words)


def test_the_examples_are_found() -> None:
    """The reading of examples reads: every command is shown in use."""
    used = {" ".join(line.split()[:2]) for line in example_commands()}
    used |= {line.split()[0] for line in example_commands()}

    assert set() == set(TREE) - used - {"doubt"}


def test_each_environment_variable_is_in_the_readme() -> None:
    """Every variable that the code reads is documented, and none beside them."""
    declared = {
        str(option.envvar)
        for command in TREE.values()
        for option in options_of(command)
        if option.envvar
    }
    literals = "\n".join(source.read_text("utf-8") for source in SOURCES)
    read = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", literals))
    read |= set(re.findall(r"_VARIABLE: Final = \"([A-Z_]+)\"", literals))

    assert declared | read == set(re.findall(r"`((?:BULKPOST_|NO_|XDG_)[A-Z_]+)`", README))


def test_each_exit_status_is_in_the_readme_and_in_the_overview() -> None:
    """A script's author finds every number, in both places."""
    table = README[README.index("| status | meaning |") :].split("\n\n")[0]
    numbers = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
               for number in row.split(",")}  # fmt: skip
    overview = help_of(bulkpost)

    assert {status.value for status in ExitStatus} == numbers
    for status in ExitStatus:
        assert re.search(rf"\b{status.value}\b", overview), status


def test_one_version_everywhere() -> None:
    """The package, its metadata, its changelog and the command line agree."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[([\d.]+)\]", changelog, re.MULTILINE)
    told = subprocess.run(  # our own interpreter
        [sys.executable, "-m", "bulkpost", "--version"], capture_output=True, text=True, check=True
    )

    assert newest is not None
    assert __version__ == newest[1]
    assert __version__ == PYPROJECT["project"]["version"]
    assert f"bulkpost, version {__version__}\n" == told.stdout


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of every page names a file that is there."""
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["submit", "--help"]], ids=" ".join)
def test_version_and_help_load_nothing_heavy(words: list[str]) -> None:
    """Who asks for help waits for none of the machines."""
    script = (
        "import json, sys\n"
        "from bulkpost.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    told = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )

    assert set() == HEAVY & set(json.loads(told.stdout.splitlines()[-1]))


def imported(folder: Path) -> set[str]:
    """Third-party modules that the files of a folder import, by their top name."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(folder.rglob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {"bulkpost", *(path.stem for path in folder.glob("*.py"))}
    ours |= {path.name for path in folder.iterdir() if path.is_dir()}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - ours


def declared(requirements: list[str]) -> set[str]:
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in requirements}
    return {name.replace("-", "_") for name in names}


def test_what_is_imported_is_declared() -> None:
    """A fresh installation has every module that the code and the tests import by name."""
    project = PYPROJECT["project"]
    needed = declared(project["dependencies"])
    extras = project["optional-dependencies"]
    needed_for_tests = needed | declared(extras["test"])

    extra = declared([*extras["excel"], *extras["report"]])
    assert set() == imported(ROOT / "bulkpost") - needed - extra
    assert set() == imported(ROOT / "tests") - needed_for_tests


def test_what_is_declared_is_imported() -> None:
    """No dependency is carried for nothing."""
    unused = declared(PYPROJECT["project"]["dependencies"]) - imported(ROOT / "bulkpost")

    assert set() == unused


def test_every_dependency_is_locked_by_version_and_hash_alone() -> None:
    """The lock has names, versions, markers and hashes; no addresses, paths or comments."""
    lock = (ROOT / ".ci" / "requirements.lock").read_text("utf-8")
    pins = re.findall(
        r"^([a-z0-9-]+)==[\w.]+(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+",
        lock,
        re.MULTILINE,
    )
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = declared([*PYPROJECT["project"]["dependencies"], *extras["test"], *extras["dev"]])

    assert set() == wanted - {pin.replace("-", "_") for pin in pins} - {"bulkpost"}
    assert len(pins) == lock.count("==")
    assert "://" not in lock
    assert "#" not in lock

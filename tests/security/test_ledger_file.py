"""A ledger from somebody else's hands: its tables are compared, its texts are only ever values."""

import ast
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from commands import Commands
from faultserver import fault_server
from ledgers import OPTIONS, opened
from past_runs import Past, leads_csv, make_past, ok
from submitting import Answerer, an_order, asked, endings, submitted, table, verdict

from bulkpost.clock import SystemClock
from bulkpost.errors import LedgerDamagedError, UsageError
from bulkpost.ledger.ledger import open_ledger
from bulkpost.ledger.reader import open_reader
from bulkpost.reporting.row_reference import parse_reference

_ROOT = Path(__file__).parents[2]
_INJECTION = "Robert'); DROP TABLE outcome; --"
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def tampered(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


async def test_t18_no_text_from_outside_is_ever_a_statement(tmp_path: Path) -> None:
    """Cells, columns, reasons and file names with quotes and semicolons are kept as texts."""
    name = f"{_INJECTION}.csv"
    leads = table(tmp_path / name, ["row", _INJECTION], [["1", _INJECTION], ["2", "x"]])
    plan = {2: [verdict("failure", reason=_INJECTION)]}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    assert {1: "success", 2: "failure"} == endings(tmp_path / "l.db")
    assert [(_INJECTION,)] == asked(tmp_path / "l.db", "SELECT text FROM reason")
    assert [(str(leads.resolve()),)] == asked(tmp_path / "l.db", "SELECT path FROM input")


@pytest.mark.parametrize("row", [_INJECTION, "1:1; DROP TABLE run", "1:1 OR 1=1", "1:1'--"])
def test_t18_a_row_on_the_command_line_is_two_numbers(row: str) -> None:
    """Anything else is refused before the ledger is asked."""
    with pytest.raises(UsageError):
        parse_reference(row, [1])


def statements() -> Iterator[tuple[str, ast.expr]]:
    """Yield the first argument of every call that takes SQL."""
    takers = {"execute", "executemany", "executescript", "execute_fetchall", "fetch"}
    for path in sorted((_ROOT / "bulkpost").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in takers:
                yield f"{path.name}:{node.lineno}", node.args[0]


def test_t18_no_statement_is_put_together_from_values() -> None:
    """Only constants, names of our own files and constants of ours stand in a statement."""
    parts = [
        (place, part.value)
        for place, argument in statements()
        if isinstance(argument, ast.JoinedStr)
        for part in argument.values
        if isinstance(part, ast.FormattedValue)
    ]
    variable = [
        (place, ast.unparse(value))
        for place, value in parts
        if not (isinstance(value, ast.Name) and value.id.isupper())
        and ast.unparse(value) not in {"migrations[step]", "step + 1"}  # our own, from our own list
    ]

    assert len(list(statements())) > 30
    assert [] == variable
    assert not any(isinstance(argument, ast.BinOp) for _, argument in statements())


async def test_t18_whoever_looks_at_a_ledger_cannot_write_to_it(tmp_path: Path) -> None:
    """The connection is opened read-only, and told to be so as well."""
    async with opened(tmp_path / "l.db"):
        pass
    async with open_reader(tmp_path / "l.db") as reader:
        assert [(1,)] == await reader.fetch("PRAGMA query_only")
        for statement in ("DELETE FROM meta", "CREATE TABLE x (y)", "PRAGMA user_version = 9"):
            with pytest.raises(sqlite3.OperationalError):
                await reader.fetch(statement)


_TAMPERINGS = {
    "trigger": ["CREATE TRIGGER t AFTER INSERT ON outcome BEGIN DELETE FROM intent; END"],
    "view": ["CREATE VIEW more AS SELECT * FROM outcome"],
    "view-for-a-table": [
        "DROP TABLE commit_count",
        f"CREATE VIEW commit_count AS SELECT 1 AS id, ({_ENDLESS}) AS number",
    ],
    "index-by-a-function": ["CREATE INDEX i ON reason (lower(text))"],
    "generated-column": ["ALTER TABLE reason ADD COLUMN up TEXT AS (upper(text))"],
    "missing-index": ["DROP INDEX outcome_key"],
    "changed-view": ["DROP VIEW doubts", f"CREATE VIEW doubts AS {_ENDLESS}"],
}


@pytest.mark.parametrize("is_log_left", [False, True], ids=["closed", "with-a-log"])
@pytest.mark.parametrize("kind", _TAMPERINGS)
async def test_t19_a_ledger_with_tables_of_somebody_elses_is_refused(
    kind: str,
    is_log_left: bool,  # noqa: FBT001  # a parameter of the test
    tmp_path: Path,
) -> None:
    """Triggers, views and generated columns are programs: none is run, by whoever opens it."""
    ledger = tmp_path / "l.db"
    async with opened(ledger):
        pass
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other, anyio.fail_after(20):
        for statement in _TAMPERINGS[kind]:
            other.execute(statement)
        if not is_log_left:
            other.close()
        assert is_log_left == ledger.with_name("l.db-wal").exists()
        with pytest.raises(LedgerDamagedError, match="not those that bulkpost makes"):
            async with open_ledger(ledger, OPTIONS, SystemClock()):
                pass
        with pytest.raises(LedgerDamagedError, match="not those that bulkpost makes"):
            async with open_reader(ledger):
                pass


def test_t19_each_command_refuses_a_ledger_that_was_tampered_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 7; ``verify`` says what is wrong instead."""
    ledger = tmp_path / "l.db"
    anyio.run(make_past, ledger, leads_csv(tmp_path / "leads.csv", 2), Past([ok(1)]))
    tampered(ledger, *_TAMPERINGS["view-for-a-table"])
    bulkpost = Commands(capsys, str(ledger))

    out, page = str(tmp_path / "o"), str(tmp_path / "o.html")
    for words in (["runs"], ["show"], ["doubt", "list"], ["export", out], ["report", page]):
        done = bulkpost(*words)
        assert 7 == done.status, words
        assert "not those that bulkpost makes" in done.err
    verified = bulkpost("verify")
    assert 7 == verified.status
    assert "another program has changed tables" in verified.out


async def test_t19_nothing_that_a_ledger_says_of_itself_is_believed(tmp_path: Path) -> None:
    """Functions in its schema are not trusted, cells are checked, nothing can be loaded."""
    async with opened(tmp_path / "l.db") as ledger, open_reader(tmp_path / "l.db") as observer:
        for reader in (ledger.reader, observer):
            assert [(0,)] == await reader.fetch("PRAGMA trusted_schema")
            assert [(1,)] == await reader.fetch("PRAGMA cell_size_check")
            with pytest.raises(sqlite3.OperationalError, match="not authorized"):
                await reader.fetch("SELECT load_extension('x')")


async def test_t19_a_file_of_another_program_is_refused_unread(tmp_path: Path) -> None:
    """Before SQLite sees it, its first hundred bytes say whether it is ours."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE outcome (x)")
        database.commit()
    with pytest.raises(LedgerDamagedError, match="another program"):
        async with open_reader(tmp_path / "other.db"):
            pass

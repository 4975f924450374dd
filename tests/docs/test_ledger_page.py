import re
import sqlite3
from pathlib import Path

from bulkpost.ledger.states import TRANSITIONS, Change, State

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ledger.md").read_text("utf-8")
SCHEMA = (ROOT / "bulkpost" / "ledger" / "sqlite" / "schema.sql").read_text("utf-8")


def test_the_diagram_is_the_table_of_states() -> None:
    """The page draws each change of a row's state that the code allows, and no other."""
    drawn: dict[State, dict[Change, frozenset[State]]] = {state: {} for state in State}
    arrows = re.findall(r"^(\w+) +──(\w+?)─+> (\w+(?:, \w+)*)(?:  .*)?$", PAGE, re.MULTILINE)
    for before, change, after in arrows:
        states = frozenset(State[name.upper()] for name in after.split(", "))
        drawn[State[before.upper()]][Change[change]] = states

    assert drawn == TRANSITIONS


def test_the_page_names_every_table_and_view() -> None:
    """Whoever opens the ledger finds each of its tables explained."""
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    found = database.execute(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    database.close()

    assert [] == [name for (name,) in found if f"`{name}`" not in PAGE]


def test_the_queries_of_the_page_run() -> None:
    """What a reader pastes into sqlite3 is answered."""
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    queries = re.findall(r"\"(SELECT [^\"]+)\"", PAGE)

    assert len(queries) == 3
    for query in queries:
        assert [] == database.execute(query).fetchall()
    database.close()

"""Threat 15: what others may make of a report, and a report of others' words."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from browser import seen
from commands import Commands
from hostile_runs import HOSTILE, NAME, SCRIPT, hostile_page
from pages import Element, parsed, policy_of, style_digest
from past_runs import Past, ended, leads_csv, make_past, ok

from bulkpost.outcome import OutcomeKind

_STATEMENTS = (
    "UPDATE run SET command = ?, version = ?1, host = ?1, started_at_ms = 1e12, ended_at_ms = 2e12",
    "UPDATE reason SET text = ?",
    "UPDATE outcome SET elapsed_ms = 10 WHERE ? != ''",
    "UPDATE input SET path = ?, format = ?1",
    "UPDATE destination SET name = ?",
)


def shapes(tree: Element) -> list[tuple[str, ...]]:
    """Return what a page is built of: tags and attributes, without what they say."""
    return [(element.tag, *element.attributes) for element in tree.all_of_it()]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A report in which every text from outside is a hostile one."""
    page = tmp_path / "report.html"
    page.write_text(anyio.run(hostile_page, tmp_path), "utf-8")
    return page


def test_t15_no_text_of_a_ledger_becomes_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a ledger of somebody else's says, its page is built as that of an honest one."""
    trees = []
    endings = [ok(1), ended(2, OutcomeKind.IN_DOUBT, "reset")]
    for name, text in (("honest", "some words"), ("hostile", "".join(HOSTILE))):
        ledger, page = tmp_path / f"{name}.db", tmp_path / f"{name}.html"
        anyio.run(make_past, ledger, leads_csv(tmp_path / "leads.csv", 3), Past(endings))
        with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
            for statement in _STATEMENTS:
                database.execute(statement, (text,))
        done = Commands(capsys, str(ledger))("report", str(page))
        assert 0 == done.status, done.err
        trees.append(parsed(page.read_text("utf-8")))

    honest, hostile = trees
    assert shapes(honest) == shapes(hostile)
    assert SCRIPT in hostile.text


def test_t15_the_page_forbids_itself_scripts_requests_and_other_styles(written: Path) -> None:
    """Should a text become markup one day, no browser would run it or fetch for it."""
    page = written.read_text("utf-8")
    allowed = dict(part.strip().split(" ", 1) for part in policy_of(page).split(";"))

    assert {
        "default-src": "'none'",
        "style-src": f"'sha256-{style_digest(page)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    } == allowed
    assert "unsafe" not in policy_of(page)


def test_t15_a_browser_runs_nothing_and_asks_nobody(written: Path, tmp_path: Path) -> None:
    """Nothing leaves but what the test itself asks for, and nothing is built of a hostile text."""
    (tmp_path / "browser").mkdir()
    shown = seen(written, [800], tmp_path / "browser")

    assert shown.requests == ["GET http://control.invalid/seen.png HTTP/1.1"]
    assert [True] == ["control-word" in line for line in shown.console]
    assert 0 == shown.frames[0]["markup"]
    assert NAME in shown.frames[0]["heading"]
    assert SCRIPT in shown.frames[0]["cells"]

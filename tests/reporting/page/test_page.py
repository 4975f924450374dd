import re
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hostile_runs import HOSTILE, NAME, SCRIPT, a_page, a_past, hostile_page
from pages import contrast, palettes, parsed, policy_of, style_digest
from past_runs import DESTINATION, Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.ledger.reader import open_reader
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.page.page import PageContent, page_text
from bulkpost.reporting.run_report import run_report
from bulkpost.run import RunEnding

_K = OutcomeKind
_DEAD = Past([ok(1), Ending(2, None)], ending=None)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page on which every text from outside would be markup, if it could."""
    return anyio.run(hostile_page, tmp_path_factory.mktemp("hostile"))


def test_the_page_is_whole_and_needs_nothing_beside_it(page: str) -> None:
    """Every tag is closed, no id stands twice, and nothing in it can be fetched or run."""
    elements = parsed(page).all_of_it()
    ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
    names = {name for element in elements for name in element.attributes}
    links = [
        value
        for element in elements
        for name, value in element.attributes.items()
        if name in {"href", "src", "xlink:href", "action", "data"}
    ]

    assert page.startswith("<!doctype html>\n")
    assert len(ids) == len(set(ids))
    forbidden = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio"}
    assert set() == forbidden & {element.tag for element in elements}
    assert [] == [name for name in names if name.startswith("on") or name == "style"]
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert "@import" not in page
    assert "url(" not in page.partition("</style>")[0]


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(page: str) -> None:
    """Known by its digest: not even a style of somebody else's is obeyed."""
    assert policy_of(page) == (
        f"default-src 'none'; style-src 'sha256-{style_digest(page)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<title>") < page.index("<style>")


def test_each_hostile_text_is_text(page: str) -> None:
    """Reasons, names of lists, columns and fields: shown as they are."""
    tree = parsed(page)
    cells = {cell.text for tag in ("th", "td") for cell in tree.every(tag)}

    assert set(HOSTILE[:-1]) <= cells
    assert "\\u202egnihton\\x1b[2J" in cells
    assert NAME in tree.every("h1")[0].text
    assert NAME in tree.every("title")[0].text
    assert any(SCRIPT in cell and "reference" in cell for cell in cells)
    assert 0 == len(tree.every("script"))


def test_each_chart_says_in_words_and_numbers_what_it_shows(page: str) -> None:
    """A title and a description that are read out, a caption, and a table of the same values."""
    tree = parsed(page)
    figures = tree.every("figure")
    ids = {entry.attributes["id"]: entry for entry in tree.all_of_it() if "id" in entry.attributes}

    assert 4 == len(figures)
    for figure in figures:
        drawings = figure.every("svg")
        assert ["wide", "narrow"] == [drawing.attributes["class"] for drawing in drawings]
        for drawing in drawings:
            assert "img" == drawing.attributes["role"]
            labels = [ids[name] for name in drawing.attributes["aria-labelledby"].split()]
            assert ["title", "desc"] == [label.tag for label in labels]
            assert all(label.text for label in labels)
            assert drawing.every("text")
        assert 1 == len(figure.every("figcaption"))
        (table,) = figure.every("table")
        assert len(table.every("tr")) > 1
    titles = [figure.every("h4")[0].text for figure in figures]
    assert ["Requests per second", "How long an answer took"] == titles[:2]


async def test_no_drawing_shares_an_id_with_another(tmp_path: Path) -> None:
    """Several runs, each at two sizes, on one page."""
    pasts = [Past([ok(row)]) for row in range(1, 4)]

    page = parsed(await a_page(tmp_path / "l.db", *pasts, runs=(3, 1, 2)))

    ids = [entry.attributes["id"] for entry in page.all_of_it() if "id" in entry.attributes]
    assert len(ids) == len(set(ids))
    assert [
        "#run-3",
        "#run-1",
        "#run-2",
    ] == [link.attributes["href"] for link in page.every("a")]


async def test_colours_are_legible_in_light_and_in_dark(tmp_path: Path) -> None:
    """Words have a contrast of 4.5 at least, what is drawn of 3 (WCAG 2.2, level AA)."""
    light, dark = palettes(await a_page(tmp_path / "l.db", Past([ok(1)])))

    assert set(light) == set(dark)
    assert light != dark
    for colors in (light, dark):
        for name in ("ink", "quiet", "good", "bad", "none", "low", "high", "top"):
            assert contrast(colors[name], colors["paper"]) >= 4.5, name
        for place in ("soft", "notice"):
            assert contrast(colors["ink"], colors[place]) >= 4.5, place
            assert contrast(colors["quiet"], colors["soft"]) >= 4.5
        for name in ("good", "bad", "none", "quiet"):  # the gaps between bars are paper
            assert contrast(colors[name], colors["paper"]) >= 3, name


def test_no_colour_of_a_drawing_is_one_of_its_own(page: str) -> None:
    """Each is a name that the page gives a value, or dark screens would show the wrong one."""
    rules = re.findall(r"^\.d\d+\{(.*)\}$", page, re.MULTILINE)
    used = {
        value
        for rule in rules
        for name, _, value in (part.partition(":") for part in rule.split(";"))
        if name in {"fill", "stroke", "color"}
    }

    assert rules
    assert {value for value in used if not value.startswith("var(--")} <= {"none"}
    assert {value[6:-1] for value in used if value != "none"} <= set(palettes(page)[0])
    drawings = "".join(re.findall(r"<svg class=\"(?:wide|narrow)\".*?</svg>", page, re.DOTALL))
    assert not re.search(r"#[0-9a-f]{6}", drawings)
    assert "font-family" not in "".join(rules)


def test_no_lead_and_no_whole_id_is_on_the_page(page: str) -> None:
    """The list's cells are nowhere; who is sent the page cannot submit with it."""
    for secret in ("Ada1", "example.com", "900000001", "5f3a1c0000000000000000aa", DESTINATION):
        assert secret not in page
    assert "5f3a…00aa" in page


@pytest.mark.parametrize(
    ("past", "is_busy", "words"),
    [
        pytest.param(Past([]), False, "nothing", id="empty"),
        pytest.param(Past([], None), True, "running", id="just-begun"),
        pytest.param(_DEAD, False, "This run died", id="dead"),
        pytest.param(_DEAD, True, "This run is going on", id="under-way"),
        pytest.param(
            Past([Ending(1, Outcome(_K.IN_DOUBT, None))]), False, "1 row of this run", id="doubts"
        ),
        pytest.param(Past([ended(1, _K.INVALID, "x")]), False, "invalid", id="nothing-sent"),
        pytest.param(Past([ok(1)], RunEnding.REFUSED, 4), False, "4: stopped", id="refused"),
    ],
)
async def test_every_kind_of_run_has_a_page(
    past: Past,
    is_busy: bool,  # noqa: FBT001  # pytest names them
    words: str,
    tmp_path: Path,
) -> None:
    """Nothing is divided by nothing, and what is missing is left out."""
    page = parsed(await a_page(tmp_path / "l.db", past, is_busy=is_busy))

    text = " ".join(page.text.split())
    assert words in text or words == "nothing"
    assert "None" not in text.replace("None of", "")
    assert "nan" not in text.lower().split()


async def test_all_counts_and_prices_of_the_run_are_told(tmp_path: Path) -> None:
    """Per outcome with its share, and per reason with its price; they add up."""
    page = parsed(await a_page(tmp_path / "l.db", a_past()))
    outcomes, reasons = page.every("table")[:2]
    cells = [[cell.text for cell in row.inside] for row in outcomes.every("tr")]

    assert ["success", "8", "32.0 %", "", "11.75", "8"] == cells[1]
    assert ["rows", "25", "", "", "11.75", "40"] == cells[-1]
    assert ["pending", "", "", "", "", "15"] == cells[-2]
    told = [[cell.text for cell in row.inside] for row in reasons.every("tr")]
    assert ["no reason given", "success", "8", "32.0 %", "11.75"] == told[1]
    assert 25 == sum(int(row[2]) for row in told[1:])


async def test_the_same_ledger_makes_the_same_page(tmp_path: Path) -> None:
    """Byte for byte: nothing random and no time of the drawing is in it."""
    page = await a_page(tmp_path / "l.db", Past([ok(1)]))
    ledger = tmp_path / "l.db"
    async with open_reader(ledger) as reader:
        report = await run_report(reader, 1, is_busy=False)

    assert page == page_text(PageContent([report], None, ledger, 1_780_000_000_000, "0.0.0"))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        pytest.param(
            "UPDATE destination SET kind = 'feedback', name = 'https://app.leadconduit.com/feedback'",
            ["what feedback sent to app.leadconduit.com started"],
            id="feedback",
        ),
        pytest.param(
            "UPDATE destination SET name = 'http://sandbox/flows/' || printf('%024d', 1)",
            ["finished sandbox", "sandbox 0000…0001"],
            id="sandbox",
        ),
        pytest.param(
            "INSERT INTO pruned VALUES (1, 1780000000000, 2, 1)",
            ["Pruned at 2026-05-28 20:26:40Z", "requests 3 (1 retry)"],
            id="pruned",
        ),
        pytest.param(
            "INSERT INTO finding VALUES (1, 'email', 'email_not_understood', 7)",
            ["email 7 email_not_understood: LeadConduit cannot read", "Write one address"],
            id="findings",
        ),
        pytest.param(
            "UPDATE input SET path = '/srv/l.db.spool/stdin-' || lower(hex(digest))",
            ["What became of standard input"],
            id="pipe",
        ),
    ],
)
async def test_a_page_says_what_kind_of_run_it_was(
    statement: str, told: list[str], tmp_path: Path
) -> None:
    """Feedback, a run to the sandbox, one whose details were pruned, a list from a pipe."""
    ledger = tmp_path / "l.db"
    await make_past(ledger, leads_csv(tmp_path / "leads.csv", 3), Past([ok(1)]))
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        database.execute(statement)

    async with open_reader(ledger) as reader:
        report = await run_report(reader, 1, is_busy=False)
    page = page_text(PageContent([report], None, ledger, 1_780_000_000_000, "0.0.0"))

    text = " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())
    for words in told:
        assert words in text

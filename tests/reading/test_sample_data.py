import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from bulkpost.errors import InputError
from bulkpost.reading import Reader, ReadingSettings, open_reader, survey
from bulkpost.row import Row

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data"
FICTITIOUS_NUMBER = re.compile(r"555[-. ]?01\d\d(?!\d)")
EMAIL = re.compile(r"[\w.+-]+@([\w.-]+)")


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tests" / "make_sample_data.py"))


def rows_of(reader: Reader) -> list[Row]:
    return [row for batch in reader.batches() for row in batch]


def cells_of(name: str) -> list[tuple[str, ...]]:
    with open_reader(SAMPLES / name) as reader:
        return [reader.columns, *(row.cells for row in rows_of(reader))]


def test_the_sample_files_are_those_that_the_maker_makes(maker: dict[str, Any]) -> None:
    """Nobody edits them by hand."""
    assert maker["leads_csv"]() == (SAMPLES / "leads.csv").read_text(encoding="utf-8")
    assert maker["feedback_csv"]() == (SAMPLES / "feedback.csv").read_text(encoding="utf-8")
    assert maker["messy_csv"]().encode() == (SAMPLES / "messy.csv").read_bytes()
    assert maker["messy_cp1252_csv"]() == (SAMPLES / "messy-cp1252.csv").read_bytes()


def test_leads_are_a_thousand_sound_rows_with_five_repeats() -> None:
    """The list of the first run has nothing wrong with it but repeats."""
    with open_reader(SAMPLES / "leads.csv") as reader:
        found = survey(reader)
    cells = cells_of("leads.csv")

    assert (1_000, 0) == (found.rows, found.bad_rows)
    assert 995 == len(set(cells[1:]))


def test_leads_are_the_same_as_csv_and_parquet() -> None:
    """Names and text forms agree cell by cell."""
    assert cells_of("leads.csv") == cells_of("leads.parquet")


def test_leads_hold_what_is_easily_got_wrong() -> None:
    """Each trap of the format is in the list at least once."""
    texts = {cell for cells in cells_of("leads.csv")[1:] for cell in cells}

    assert {"Null", "NA", "True", "None", "01234", "350,000", ""} <= texts
    assert any("\n" in text for text in texts)
    assert any('"' in text for text in texts)
    assert any(not text.isascii() for text in texts)


@pytest.mark.parametrize("name", ["leads.csv", "leads.parquet", "messy.csv"])
def test_every_number_and_address_is_fictitious(name: str) -> None:
    """No sample lead can reach anybody: numbers end in 555-01xx, hosts are example ones."""
    header, *rows = cells_of(name)
    phone, email = header.index("phone_1"), header.index("email")
    for cells in rows:
        if len(cells) != len(header):
            continue
        number = cells[phone]
        assert not number or number == "n/a" or FICTITIOUS_NUMBER.search(number)
        for host in EMAIL.findall(cells[email]):
            assert host in {"example.com", "example.net", "example.org", "gmail.con"}


def test_messy_shows_what_happens_to_bad_rows() -> None:
    """Six rows are invalid, each by its line; the rest is read as it stands."""
    with open_reader(SAMPLES / "messy.csv") as reader:
        rows = rows_of(reader)

    assert {
        2: (3, "only 10 of 11 cells"),
        3: (4, "12 cells where the header has 11 columns"),
        4: (5, "14 cells where the header has 11 columns"),
        9: (11, "text follows the closing quote of a cell"),
        10: (12, "only 1 of 11 cells"),
        12: (14, "a cell holds a NUL character"),
    } == {row.number: (row.line_number, row.defect) for row in rows if row.defect}
    assert 25 == len(rows)
    assert rows[0].cells == rows[17].cells
    assert not any(rows[10].cells)
    assert 'A 5" disk' == rows[6].cells[-1]
    assert "Two\nlines" == rows[5].cells[-1]


def test_messy_cp1252_is_refused_until_its_encoding_is_named() -> None:
    """The refusal names the encoding, and with it every name is right."""
    path = SAMPLES / "messy-cp1252.csv"

    with pytest.raises(InputError) as refused:
        open_reader(path)

    assert "--encoding cp1252" in refused.value.advice
    with open_reader(path, ReadingSettings(encoding="cp1252")) as reader:
        assert "CSV, semicolon, CP1252" == reader.format.description
        assert ("José", "Peña") == rows_of(reader)[0].cells[:2]

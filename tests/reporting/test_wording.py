from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.errors import UsageError
from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.states import State
from bulkpost.reporting.row_reference import full_reason, parse_reference, reference_text
from bulkpost.reporting.wording import (
    counted,
    duration_text,
    masked_destination,
    price_text,
    results_stem,
)
from bulkpost.spreadsheet import TRIGGERS, harmless


@given(st.integers(-(10**15), 10**15))
def test_a_price_is_exact_decimal_text(price_micros: int) -> None:
    """No price is rounded, and none looks like a float."""
    text = price_text(price_micros)

    assert Decimal(price_micros) / 1_000_000 == Decimal(text)
    assert 2 <= len(text.partition(".")[2]) <= 6


@given(st.text())
def test_no_harmless_cell_begins_with_a_trigger(cell: str) -> None:
    """Whatever a cell holds, no spreadsheet evaluates it, and nothing but a mark was added."""
    assert not harmless(cell).startswith(TRIGGERS)
    assert harmless(cell).removeprefix("'") in {cell, cell.removeprefix("'")}


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(None, "-"), (0.04, "0.0 s"), (59.9, "59.9 s"), (125, "2 min 05 s"), (3720, "1 h 02 min")],
)
def test_durations_are_readable(duration_s: float | None, text: str) -> None:
    """Seconds, minutes and hours, each with the precision that people use."""
    assert text == duration_text(duration_s)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/leads.csv", "leads"),
        ("leads.csv.gz", "leads"),
        ("leads 2026.parquet", "leads_2026"),
        ("../../etc/x;rm -rf.csv", "x_rm_-rf"),
        (".csv", "csv"),
        ("…", "input"),
    ],
)
def test_a_results_file_is_named_after_its_input(path: str, name: str) -> None:
    """The name has no folder, no hidden start and no odd character, whatever the input's was."""
    assert name == results_stem(path)


def test_a_destination_is_shown_without_its_whole_ids() -> None:
    """The ids are all that it takes to submit."""
    name = f"https://app.leadconduit.com/flows/{'a1' * 12}/sources/{'b2' * 12}/submit"

    assert "app.leadconduit.com a1a1…a1a1 / b2b2…b2b2" == masked_destination(name)


def test_counts_agree_with_their_nouns() -> None:
    """One row, two rows, three retries."""
    assert ["1 row", "2,000 rows", "3 retries"] == [
        counted(1, "row"),
        counted(2000, "row"),
        counted(3, "retry"),
    ]


def test_a_reason_names_the_line_or_the_other_row() -> None:
    """The ledger keeps sentence and number apart; people read them together."""
    told = [
        full_reason(State.INVALID, "4 cells, 3 columns", 18),
        full_reason(State.DUPLICATE, "same lead", row_id_of(2, 7)),
        full_reason(State.FAILURE, "duplicate", None),
        full_reason(State.SUCCESS, None, None),
    ]

    assert ["line 18: 4 cells, 3 columns", "same lead: row 2:7", "duplicate", None] == told


@given(st.integers(1, 9_999_999), st.integers(1, 10**12))
def test_a_row_is_found_by_the_name_that_is_printed(input_id: int, row_number: int) -> None:
    """What ``doubt list`` prints is what the other commands take."""
    row_id = row_id_of(input_id, row_number)

    assert row_id == parse_reference(reference_text(row_id), [1, input_id])


def test_a_row_number_alone_will_do_for_one_input() -> None:
    """With a single input there is nothing to confuse it with."""
    assert row_id_of(7, 17) == parse_reference("17", [7])


@pytest.mark.parametrize("text", ["", "0", "1:0", "0:1", "-1", "1:2:3", "x", "1.5", "٣", "9" * 40])
def test_what_names_no_row_is_refused(text: str) -> None:
    """Zero, signs, other digits and numbers beyond all rows are not guessed at."""
    with pytest.raises(UsageError):
        parse_reference(text, [1])


@pytest.mark.parametrize(("text", "inputs"), [("17", [1, 2]), ("17", []), ("3:17", [1, 2])])
def test_a_row_of_no_known_input_is_refused(text: str, inputs: list[int]) -> None:
    """Several inputs, none, or one that the ledger does not have: the person must say more."""
    with pytest.raises(UsageError):
        parse_reference(text, inputs)

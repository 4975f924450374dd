"""What values look like: which rows are looked at, and what is kept of them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkpost.fields.field_type import FieldType
from bulkpost.matching.values import ROWS_MAX, Sample, likeness_of
from bulkpost.row import Row

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9 * ROWS_MAX), st.integers(1, 700))
def test_a_sample_is_bounded_and_spread_over_the_whole_list(rows: int, batch: int) -> None:
    """Every row of a short list, every nth of a long one: the first, and nearly the last."""
    sample = Sample()
    for first in range(0, rows, batch):
        sample.add(Row(n + 1, n + 2, (str(n),)) for n in range(first, min(rows, first + batch)))

    held = [int(cells[0]) for cells in sample._rows]  # noqa: SLF001  # nobody is to see them
    assert len(held) <= ROWS_MAX
    assert len(held) >= min(rows, ROWS_MAX // 2)
    steps = {late - early for early, late in pairwise(held)}
    assert len(steps) <= 1
    if rows:
        assert 0 == held[0]
        assert rows - held[-1] <= max(steps, default=1)


def test_bad_rows_and_long_cells_do_no_harm() -> None:
    """A row with a defect is not looked at; of a long cell only the beginning is."""
    sample = Sample()
    sample.add([Row(1, 2, (), "broken"), Row(2, 3, ("x" * 100_000,)), Row(3, 4, ("a", "b"))])

    first, second, third = sample.likenesses(3, NOW)
    assert (2, 1, 0) == (first.values, second.values, third.values)
    assert None is first.share(FieldType.EMAIL)  # two values tell nothing


@pytest.mark.parametrize(
    ("field_type", "values"),
    [
        (FieldType.EMAIL, ["ada@example.net", "bob@example.co.uk", "no address"]),
        (FieldType.PHONE, ["(512) 789-1111", "+1 512 789 1111", "2024-01-05"]),
        (FieldType.DOB, ["1980-03-04", "04.03.1980", "2026-01-01"]),
        (FieldType.DATE, ["2024-01-05", "1/5/2024 10:00", "5127891111"]),
        (FieldType.POSTAL_CODE, ["78751", "K1A 0B1", "12"]),
        (FieldType.STATE, ["TX", "new york", "nowhere"]),
        (FieldType.IP, ["192.0.2.1", "2001:db8::1", "1.5"]),
        (FieldType.GENDER, ["f", "Male", "yes"]),
        (FieldType.STREET, ["12 Elm St", "Hauptstraße 5a", "Elm"]),
        (FieldType.URL, ["https://example.net", "http://example.org/x", "n/a"]),
        (FieldType.SSN, ["123-45-6780", "***-**-1234", "123-456-7890"]),
    ],
)
def test_two_of_three_values_look_like_their_type(field_type: FieldType, values: list[str]) -> None:
    """The third does not, though it may come close."""
    assert 2 / 3 == likeness_of([*values, "", "  "], NOW).share(field_type)


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_is_looked_at_without_harm(cells: list[str]) -> None:
    """Whatever a cell holds, shares are shares, and nothing of the text is kept."""
    found = likeness_of(cells, NOW)

    assert found.values == sum(bool(cell.strip()) for cell in cells)
    assert all(0 <= count <= found.values for count in found.counts.values())
    assert not any(cell in repr(found) for cell in cells if len(cell) > 20)

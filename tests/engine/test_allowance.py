import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.engine.allowance import Allowance, Expected, parse_expected
from bulkpost.errors import ConfigError
from bulkpost.run import RunEnding

_counts = st.one_of(st.none(), st.integers(0, 20))


@given(_counts, _counts, st.lists(st.integers(0, 9), max_size=6))
def test_neither_bound_is_exceeded(
    limit: int | None, ceiling: int | None, wishes: list[int]
) -> None:
    """However many rows the inputs have, no more are handed out than the smaller of the two."""
    allowance, given_out = Allowance(limit, ceiling), 0
    for wish in wishes:
        rows = wish if allowance.rows_max is None else min(wish, allowance.rows_max)
        allowance.take(rows)
        given_out += rows

    bounds = [bound for bound in (limit, ceiling) if bound is not None]
    assert given_out == min([sum(wishes), *bounds])


@pytest.mark.parametrize(
    ("limit", "ceiling", "ending"),
    [
        (5, None, RunEnding.LIMIT),
        (None, 5, RunEnding.CEILING),
        (5, 6, RunEnding.LIMIT),
        (5, 5, RunEnding.LIMIT),
        (6, 5, RunEnding.CEILING),
    ],
)
def test_a_portion_that_was_asked_for_is_no_alarm(
    limit: int | None, ceiling: int | None, ending: RunEnding
) -> None:
    """Where both are reached at once, it was the portion."""
    assert ending is Allowance(limit, ceiling).ending


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1..5000", Expected(1, 5000)),
        ("..5000", Expected(0, 5000)),
        ("1..", Expected(1, None)),
        ("0..0", Expected(0, 0)),
        ("17", Expected(17, 17)),
        ("", None),
    ],
)
def test_ranges(text: str, expected: Expected | None) -> None:
    """Both ends belong to it, and either may be open."""
    assert expected == parse_expected(text)


@pytest.mark.parametrize(
    "text", ["..", "5..1", "a..b", "1...5", "-1..5", "1..5..9", "1,5", "9" * 14]
)
def test_what_is_no_range(text: str) -> None:
    """Refused before anything is read."""
    with pytest.raises(ConfigError, match="--expect-new"):
        parse_expected(text)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_range_holds_what_lies_in_it(first: int, last: int, count: int) -> None:
    """As a comparison says."""
    assert (first <= count <= last) is Expected(first, last).holds(count)
    assert (first <= count) is Expected(first, None).holds(count)

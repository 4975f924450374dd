"""How far an input is accounted for, without a list of its rows."""

from hypothesis import given
from hypothesis import strategies as st

from bulkpost.engine.waterline import Batch, Waterline


def test_the_mark_waits_for_the_first_open_batch() -> None:
    """A later batch that is whole does not lift the mark over an earlier one that is not."""
    line = Waterline()
    first, second = line.open(10, 1), line.open(20, 1)

    assert line.accounted(second) is None
    assert 20 == line.accounted(first)


def test_a_batch_without_work_is_whole_at_once() -> None:
    """Rows that were settled before lift the mark as they are read."""
    line = Waterline()
    line.open(10, 0)

    assert 10 == line.rise()
    assert line.rise() is None


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12).flatmap(
        lambda sizes: st.tuples(
            st.just(sizes),
            st.permutations([i for i, size in enumerate(sizes) for _ in range(size)]),
        )
    )
)
def test_the_mark_never_stands_above_a_row_that_is_open(
    story: tuple[list[int], list[int]],
) -> None:
    """Whatever comes home first, every row up to the mark is accounted for, and at last all are."""
    sizes, order = story
    line = Waterline()
    batches: list[Batch] = [line.open(10 * (i + 1), size) for i, size in enumerate(sizes)]
    left = list(sizes)
    mark = line.rise() or 0
    for index in order:
        left[index] -= 1
        mark = max(mark, line.accounted(batches[index]) or 0)
        whole = next((i for i, rest in enumerate(left) if rest), len(left))
        assert 10 * whole == mark

    assert 10 * len(sizes) == mark

from hypothesis import given
from hypothesis import strategies as st

from bulkpost.pacing.budget import BudgetSettings, ErrorBudget, Spent


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6), st.integers(1, 12))
def test_errors_are_counted_in_a_sliding_window(
    replies: list[bool], errors_max: int, window: int
) -> None:
    """The budget is spent exactly when the last ``window`` replies hold ``errors_max`` errors."""
    budget = ErrorBudget(BudgetSettings(errors_max=errors_max, window=window))

    for n, is_error in enumerate(replies, start=1):
        budget.replied(is_error=is_error)
        recent = replies[max(0, n - window) : n]
        assert (sum(recent) >= errors_max) is (budget.spent is Spent.ERRORS)
        assert sum(recent) == budget.errors


def test_fifty_errors_of_the_last_two_hundred_stop_the_run() -> None:
    """The forty-ninth does not, the fiftieth does, however few replies there were."""
    budget = ErrorBudget(BudgetSettings())
    spent = []
    for _ in range(50):
        budget.replied(is_error=True)
        spent.append(budget.spent)

    assert [None] * 49 + [Spent.ERRORS] == spent


def test_s5_five_suspect_answers_at_the_start_stop_the_run() -> None:
    """If the first five answers are pages or redirects, this is not LeadConduit: the run stops."""
    budget = ErrorBudget(BudgetSettings())
    spent = []
    for _ in range(5):
        budget.replied(is_error=True, is_suspect=True)
        spent.append(budget.spent)

    assert [None, None, None, None, Spent.SUSPECTS] == spent


def test_s11_suspect_answers_after_a_good_one_count_as_errors_only() -> None:
    """Once LeadConduit has answered, pages and redirects count as errors only."""
    budget = ErrorBudget(BudgetSettings())
    for _ in range(4):
        budget.replied(is_error=True, is_suspect=True)
    budget.replied()
    for _ in range(10):
        budget.replied(is_error=True, is_suspect=True)

    assert budget.spent is None
    assert 14 == budget.errors


def test_one_good_answer_is_enough_to_have_seen_one() -> None:
    """However many wrong ones came before it, or come after it."""
    budget = ErrorBudget(BudgetSettings())
    seen = []
    for is_error in (True, False, True):
        budget.replied(is_error=is_error)
        seen.append(budget.has_good)

    assert [False, True, True] == seen

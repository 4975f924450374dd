import pytest
from catalogue import PAGE, SIZES, Case, catalogue, page, strangers

CASES = catalogue()


def test_every_case_of_the_catalogue_is_told() -> None:
    """I1 to I31, N1 to N16, S1 to S30, P1 to P13, D1 to D18, in this order, and no other."""
    numbered = [
        f"{letter}{number}" for letter, size in SIZES.items() for number in range(1, size + 1)
    ]

    assert numbered == list(CASES)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_case_is_shown_by_a_test_or_says_why_not(case: Case) -> None:
    """A case has tests named after it, or the reason why there is none, and never both."""
    assert bool(case.shown) != bool(case.not_shown)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_test_shows_is_told_in_words_that_an_operator_knows(case: Case) -> None:
    """Its docstring says what happens, without the number of its case."""
    assert [] == [shown.title for shown in case.shown if not shown.told]
    assert [] == [shown.told for shown in case.shown if shown.told.startswith(f"{case.name}:")]


def test_no_test_is_named_after_an_unknown_case() -> None:
    """A mistyped case would stand for nothing."""
    assert [] == strangers()


def test_the_page_is_what_the_tests_say() -> None:
    """The user's page is made anew with every change of a case or of a test: it cannot drift."""
    assert page() == PAGE.read_text("utf-8"), "write it again: python tests/catalogue.py"

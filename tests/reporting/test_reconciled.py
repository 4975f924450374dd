"""What follows from what LeadConduit shows: rules that hold for every row and every answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.ledger.states import ANSWERED, State
from bulkpost.outcome import VERDICTS
from bulkpost.records.answers import SourceEvent
from bulkpost.reporting.reconciled import (
    Finding,
    Reconciled,
    Seen,
    from_control,
    from_nothing,
    from_seen,
    unaskable,
)
from bulkpost.reporting.sought import Reference, SoughtRow

DAY_MS = 86_400_000
NOW_MS = 200 * DAY_MS
_ids = st.integers(0, 99).map(lambda number: f"{number:024x}")
_events = st.builds(
    SourceEvent,
    _ids,
    st.none() | st.sampled_from(sorted(VERDICTS)),
    st.none() | st.text(max_size=8),
    st.none() | _ids,
    st.none(),
    st.none() | st.integers(0, 10**9),
    st.just(()),
)
_seen = st.builds(
    Seen,
    st.lists(_events, max_size=4, unique_by=lambda e: e.id).map(
        lambda found: tuple(sorted(found, key=lambda event: event.id))
    ),
    st.lists(_ids, max_size=2).map(tuple),
)
_ages = st.tuples(
    st.integers(0, 100 * DAY_MS) | st.integers(0, DAY_MS), st.integers(0, 100 * DAY_MS)
)


def a_row(age_ms: int = 0, older_ms: int = 0, lead_id: str | None = None) -> SoughtRow:
    last_ms = NOW_MS - age_ms
    return SoughtRow(
        (1 << 40) + 2, State.IN_DOUBT, "submission", f"https://x/flows/{'a' * 24}/", b"k" * 16,
        last_ms - older_ms, last_ms, lead_id, 1, (Reference("reference", "r"),),
    )  # fmt: skip


def concluded(
    row: SoughtRow, seen: Seen, settle_ms: int, control: SoughtRow | None, *, is_found: bool
) -> Reconciled:
    return (
        from_seen(row, seen)
        or from_nothing(row, NOW_MS, settle_ms)
        or from_control(row, control, is_found=is_found)
    )


@given(
    _ages,
    st.none() | _ids,
    _seen,
    st.integers(0, 2 * DAY_MS),
    st.sampled_from(("", "lost", "found")),
)
def test_nothing_is_offered_as_not_received_without_proof(
    ages: tuple[int, int],
    lead_id: str | None,
    seen: Seen,
    settle_ms: int,
    control: str,
) -> None:
    """Nothing seen, old enough, young enough for the records, no id known, and a control found."""
    row = a_row(*ages, lead_id)
    must_be_there = a_row() if control else None
    found = concluded(row, seen, settle_ms, must_be_there, is_found=control == "found")

    is_offered = found.finding is Finding.NOT_FOUND
    is_proven = (
        seen == Seen()
        and lead_id is None
        and ages[0] >= settle_ms
        and sum(ages) <= 89 * DAY_MS
        and control == "found"
    )
    assert is_offered == is_proven


@given(_seen, st.none() | _ids)
def test_a_fact_is_one_of_leadconduits_words_from_one_of_its_events(
    seen: Seen, lead_id: str | None
) -> None:
    """Never deferred, never in doubt; lead id and outcome of the same event; all others named."""
    found = from_seen(a_row(lead_id=lead_id), seen)
    told = [event for event in seen.events if event.kind is not None]

    assert (found is not None and found.resolution is not None) == bool(told)
    if found is None or found.resolution is None:
        return
    resolution = found.resolution
    assert resolution.state in ANSWERED
    assert resolution.verdict is not None
    assert resolution.note is not None
    (chosen,) = [event for event in told if f"event {event.id}" in resolution.note.split(";")[0]]
    assert (chosen.kind, chosen.price_micros) == (
        resolution.verdict.kind,
        resolution.verdict.price_micros,
    )
    assert (chosen.lead_id or lead_id) == resolution.lead_id
    assert all((event.lead_id or event.id) in resolution.note for event in seen.events
               if event is not chosen)  # fmt: skip
    if any(event.kind == "success" for event in told):
        assert resolution.state is State.SUCCESS


@pytest.mark.parametrize(
    ("age_ms", "older_ms", "finding"),
    [
        (59_999, 0, Finding.TOO_EARLY),
        (59_999, 95 * DAY_MS, Finding.TOO_EARLY),
        (60_000, 0, None),
        (60_000, 89 * DAY_MS - 60_000, None),
        (60_000, 89 * DAY_MS - 59_999, Finding.EXPIRED),
        (89 * DAY_MS + 1, 0, Finding.EXPIRED),
    ],
)
def test_age_decides_before_any_control(
    age_ms: int, older_ms: int, finding: Finding | None
) -> None:
    """The last attempt must be old enough, the first young enough for the records."""
    found = from_nothing(a_row(age_ms, older_ms), NOW_MS, 60_000)

    assert finding == (found and found.finding)


@pytest.mark.parametrize(
    ("changes", "is_embedded", "finding"),
    [
        ({"kind": "feedback"}, False, Finding.FEEDBACK),
        ({}, True, Finding.FORGOTTEN),
        ({"references": ()}, False, Finding.NO_REFERENCE),
        ({"references": (), "lead_id": "a" * 24}, False, None),
        ({}, False, None),
    ],
)
def test_what_cannot_be_asked_about_says_why(
    changes: dict[str, Any],
    is_embedded: bool,  # noqa: FBT001  # given by name in the table
    finding: Finding | None,
) -> None:
    """Feedback, a sandbox that is gone, nothing to be found by."""
    found = unaskable(replace(a_row(), **changes), is_embedded=is_embedded)

    assert finding == (found and found.finding)

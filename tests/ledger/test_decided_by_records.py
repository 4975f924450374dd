"""A decision that LeadConduit's own records made: its words and its price are kept."""

from pathlib import Path

import pytest
from ledgers import LEAD_ID, an_intent, content, opened

from bulkpost.ledger.decisions import Author, Resolution, resolve
from bulkpost.ledger.entries import Settlement, row_id_of
from bulkpost.ledger.states import State
from bulkpost.outcome import Outcome, OutcomeKind

AUTHOR = Author("ada", "reconcile", 5)
DOUBT = Outcome(OutcomeKind.IN_DOUBT, "no answer", None, None, 7)


@pytest.mark.parametrize(
    ("verdict", "written"),
    [
        (
            Outcome(OutcomeKind.FAILURE, "too late", 201, LEAD_ID, 2_000_000),
            (11, "too late", 2_000_000, LEAD_ID),
        ),
        (Outcome(OutcomeKind.FAILURE, None, 201, LEAD_ID), (11, None, 7, LEAD_ID)),
        (None, (11, "resolved by hand", 7, LEAD_ID)),
    ],
)
async def test_a_verdict_of_the_records_takes_the_place_of_the_reason(
    verdict: Outcome | None, written: tuple[object, ...], tmp_path: Path
) -> None:
    """What a person says does not pass for LeadConduit's words."""
    path = tmp_path / "leads.db"
    async with opened(path) as ledger:
        assert await ledger.writer.arm(an_intent(1))
        ledger.writer.put(Settlement(row_id_of(1, 1), DOUBT))
        await ledger.writer.flush()
        found = Resolution(State.FAILURE, LEAD_ID, verdict=verdict)
        assert 1 == await resolve(ledger, [row_id_of(1, 1)], found, AUTHOR)

    assert [written] == content(
        path,
        "SELECT state, text, price_micros, lower(hex(lead_id)) FROM outcome"
        " LEFT JOIN reason ON reason.id = reason_id",
    )

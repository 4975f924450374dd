"""``retry`` sends again what its run sent, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
from faultserver import fault_server
from submitting import Answerer, Recorder, a_list, an_order, refusal, submitted

from bulkpost.app.retrying import retry
from bulkpost.errors import InputError
from bulkpost.outcome import OutcomeKind
from bulkpost.reporting.status import ExitStatus

HTTP_ERROR = frozenset({OutcomeKind.HTTP_ERROR})


@pytest.mark.parametrize("is_grown", [False, True])
async def test_another_list_is_not_sent_in_the_place_of_the_runs_own(
    is_grown: bool,  # noqa: FBT001  # parametrized
    tmp_path: Path,
) -> None:
    """Its leads would go out, and the released rows would wait for a run that nobody starts."""
    leads, other = a_list(tmp_path, 3), a_list(tmp_path, range(7, 10), "other.csv")
    ledger = tmp_path / "l.db"
    answerer = Answerer({row: [refusal(400)] for row in (1, 2, 3)})
    async with fault_server(answerer.script) as server:
        order = an_order(server.url, leads, ledger=ledger)
        await submitted(order)
        answerer.plan = {}
        with pytest.raises(InputError, match="not what run 1 submitted"):
            await retry(replace(order, inputs=(str(other),)), 1, HTTP_ERROR, Recorder())
        before = answerer.counts
        if is_grown:
            a_list(tmp_path, 5)
        result = await retry(replace(order, inputs=()), 1, HTTP_ERROR, Recorder())

    assert {1: 1, 2: 1, 3: 1} == before
    assert set(range(1, 6 if is_grown else 4)) == set(answerer.counts)
    assert ExitStatus.DONE is result.exit_status

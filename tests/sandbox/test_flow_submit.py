"""``bulkpost submit --sandbox`` with a flow: the sample lists, and reasons with accents."""

from pathlib import Path

import pytest
from commands import Commands

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data"
FLOW = SAMPLES / "flow.toml"


@pytest.fixture
def bulkpost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    monkeypatch.chdir(tmp_path)
    return Commands(capsys, str(tmp_path / "l.db"))


def test_the_sample_list_meets_successes_failures_and_duplicates(bulkpost: Commands) -> None:
    """The first run of somebody who tries it shows each of them, with LeadConduit's reasons."""
    finished = bulkpost(
        "submit", str(SAMPLES / "leads.csv"), "--sandbox", f"--sandbox-config={FLOW}"
    )

    assert 0 == finished.status
    for told in (
        "success         872",
        "price     10900.00",
        "lead.state must not be equal to FL",
        "lead.mortgage.loan.amount must be greater than or equal to 150000",
        "Phone number is invalid",
    ):
        assert told in finished.out


def test_the_messy_list_fits_the_flow_too(bulkpost: Commands) -> None:
    """Its repeat in other words is LeadConduit's duplicate, not ours."""
    finished = bulkpost(
        "submit", str(SAMPLES / "messy.csv"), "--sandbox", f"--sandbox-config={FLOW}"
    )

    assert 3 == finished.status
    for told in ("lead.email must be valid", "1  duplicate", "Phone number is invalid"):
        assert told in finished.out


def test_a_reason_with_an_accent_is_in_doubt_with_lead_id_and_word(
    bulkpost: Commands, tmp_path: Path
) -> None:
    """LeadConduit states lengths in characters, so such an answer arrives cut.

    Its row is in doubt and is not sent again; the lead id and the outcome's word are told. Rows
    with plain answers are settled.
    """
    (tmp_path / "leads.csv").write_text("state\nTX\nFL\nNY\n")
    (tmp_path / "sandbox.toml").write_text(
        'seed = 1\n[[flow.fields]]\nname = "state"\n'
        '[[flow.criteria]]\nfield = "state"\noperator = "is not equal to"\nvalue = "FL"\n'
        'reason = "déjà refusé là-bas"\n'
        '[[flow.criteria]]\nfield = "state"\noperator = "is not equal to"\nvalue = "NY"\n'
    )
    submit = ("submit", "leads.csv", "--sandbox", "--sandbox-config=sandbox.toml")

    first = bulkpost(*submit, "--concurrency=1", "--json")
    listed = bulkpost("doubt", "list", "--json")
    again = bulkpost(*submit)

    assert 5 == first.status
    (row,) = listed.document["rows"]
    assert "1:2" == row["row"]
    assert "the outcome reads failure" in row["reason"]
    assert 24 == len(row["lead_id"])
    assert 5 == again.status
    assert "attempts  0" in again.out

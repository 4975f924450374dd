"""What LeadConduit's own types were seen to make of 1,099 texts, row by row."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from bulkpost.fields import Parsed, parse

ROWS: Final[list[dict[str, Any]]] = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "oracle_types.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)  # when the rows were made
TYPES: Final = sorted({row["type"] for row in ROWS})
SEED_TYPES: Final = frozenset(
    {"string", "number", "date", "dob", "ssn", "postal_code", "state", "range", "gender"}
    | {"phone", "email"}
)

# Every row on which we and LeadConduit differ: (type, input, what differs) and why.
DIFFERENCES: Final = {
    (
        "email",
        "ada@protonmail.com",
        "parts",
    ): "is_free: LeadConduit's list of free domains is years older than ours",
}


def differences(row: dict[str, Any]) -> list[str]:
    parsed = parse(row["type"], row["input"], as_of=AS_OF)
    return [what for what in ("valid", "value", "parts") if differs(parsed, row, what)]


def differs(parsed: Parsed, row: dict[str, Any], what: str) -> bool:
    # Of a time only `valid` is told.
    return what in row and row[what] != getattr(parsed, what)


@pytest.mark.parametrize("field_type", TYPES)
def test_every_difference_is_known_and_has_its_reason(field_type: str) -> None:
    """Beyond the listed rows, validity, value and parts are LeadConduit's, to the letter."""
    found = {
        (field_type, row["input"], what)
        for row in ROWS
        if row["type"] == field_type
        for what in differences(row)
    }
    assert {key for key in DIFFERENCES if key[0] == field_type} == found


@pytest.mark.parametrize(
    ("are_seed_types", "valid_min", "rest_min"), [(True, 0.99, 0.98), (False, 0.95, 0.95)]
)
def test_agreement_stays_above_what_was_asked_for(
    are_seed_types: bool,  # noqa: FBT001  # a parametrized flag
    valid_min: float,
    rest_min: float,
) -> None:
    """However long the list of differences grows, most rows agree."""
    rows = [row for row in ROWS if (row["type"] in SEED_TYPES) is are_seed_types]
    missed = Counter(what for row in rows for what in differences(row))
    assert 1 - missed["valid"] / len(rows) >= valid_min
    assert 1 - missed["value"] / len(rows) >= rest_min
    assert 1 - missed["parts"] / len(rows) >= rest_min


def test_the_rows_cover_every_type_of_the_seed() -> None:
    """No type of the vendor's posting instructions is without observed rows."""
    assert set(TYPES) >= SEED_TYPES
    assert len(ROWS) > 1_000

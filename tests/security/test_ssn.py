"""Social security numbers: in no digest, and in no memory once their row has ended."""

import gc
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultserver import fault_server
from hypothesis import given
from hypothesis import strategies as st
from submitting import Answerer, Seen, an_order, asked, endings, submitted, table, verdict

from bulkpost.destination import Destination
from bulkpost.fields.field_type import FieldType
from bulkpost.lead import Lead
from bulkpost.mapping.column_map import build_map
from bulkpost.mapping.identity import Identifier
from bulkpost.mapping.settings import MapSettings
from bulkpost.redact import scrub
from bulkpost.reporting.private_columns import is_private
from bulkpost.row import Row

_DESTINATION = Destination("https://app.leadconduit.com", "a" * 24, "b" * 24)
_COLUMNS = ("email", "SSN", "tax_no", "lead_no")
_SETTINGS = MapSettings(columns={"SSN": "nine_digits"}, types={"tax_no": "ssn"})  # type: ignore[dict-item]  # msgspec takes the word
_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(_texts, st.tuples(_texts, _texts), st.tuples(_texts, _texts), st.booleans())
def test_t2_changing_only_the_social_security_number_changes_no_digest(
    email: str,
    one: tuple[str, str],
    other: tuple[str, str],
    has_key: bool,  # noqa: FBT001  # drawn
) -> None:
    """Key and content digest are the same, told by the field's name, the column's or its type."""
    column_map = build_map(_COLUMNS, _SETTINGS, _DESTINATION)
    identifier = Identifier(b"s" * 32, column_map, ("lead_no",) if has_key else ())

    def identity(numbers: tuple[str, str]) -> object:
        row = Row(1, 2, (email, *numbers, "77"))
        lead = column_map.lead(row)
        assert isinstance(lead, Lead)
        return identifier.identify(row, lead)

    assert identity(one) == identity(other)


def test_t2_a_constant_social_security_number_changes_no_digest_of_the_map() -> None:
    """Not even a number that stands in the config reaches the ledger as a digest."""
    digests = {
        build_map(("email",), MapSettings(constants={"ssn": number}), _DESTINATION).digest
        for number in ("219-09-9901", "219-09-9902")
    }

    assert 1 == len(digests)


async def test_t2_a_list_with_other_numbers_is_the_same_list_to_the_ledger(tmp_path: Path) -> None:
    """Rows that differ in their social security numbers only are duplicates; nothing is sent."""
    header, ledger = ["row", "email", "ssn"], tmp_path / "l.db"
    lists = [
        table(
            tmp_path / f"{area}.csv", header, [[n, f"a{n}@x", f"{area}-09-990{n}"] for n in "123"]
        )
        for area in ("219", "220")
    ]
    answerer = Answerer()
    async with fault_server(answerer.script) as server:
        for leads in lists:
            await submitted(an_order(server.url, leads, ledger=ledger))

    assert {1: 1, 2: 1, 3: 1} == answerer.counts
    (second,) = asked(ledger, "SELECT group_concat(outcome) FROM rows WHERE input = 2")
    assert ("duplicate,duplicate,duplicate",) == second


def held_texts() -> Iterator[str]:
    """Yield the texts that containers of this process hold; plain texts are not tracked alone."""
    for thing in gc.get_objects():
        if type(thing) in {tuple, list}:
            yield from (item for item in thing if type(item) is str)
        elif type(thing) is dict:
            for key, value in list(thing.items()):
                yield from (item for item in (key, value) if type(item) is str)
                if type(key) is tuple:
                    yield from (item for item in key if type(item) is str)


def live_leads() -> int:
    return sum(type(thing) is Lead for thing in gc.get_objects())


async def test_t25_a_row_is_forgotten_when_it_has_ended(tmp_path: Path) -> None:
    """While a run goes on, rows that have ended are no longer in memory; then none is."""
    rows, batch_rows, concurrency = 120, 10, 4
    others = live_leads()  # constants of other tests
    ended_alive: list[int] = []
    area = "3" + "17"  # this file's own constants are in memory, too
    cells = [[str(row), f"Zyx{row}", f"{area}-09-{row:04d}"] for row in range(1, rows + 1)]
    leads = table(tmp_path / "l.csv", ["row", "last_name", "ssn"], cells)
    del cells

    def look(seen: Seen) -> None:
        if seen.row % 20 == 0:
            ended_alive.append(live_leads() - others - (rows - seen.row))

    # A pattern made of a value would stay in the memory of the re module.
    plan = {row: [verdict("failure", reason=f"no {area}09{row:04d} Zyx{row}")] for row in (3, 99)}
    answerer = Answerer(plan, on_request=look)
    async with fault_server(answerer.script) as server:
        await submitted(
            an_order(
                server.url, leads, ledger=tmp_path / "l.db",
                input__batch_rows=batch_rows, engine__concurrency=concurrency,
            )
        )  # fmt: skip
    answerer.seen.clear()
    plan.clear()
    gc.collect()

    assert rows == len(endings(tmp_path / "l.db"))
    assert 6 == len(ended_alive)
    assert max(ended_alive) <= 2 * (batch_rows + concurrency)
    assert others == live_leads()
    number = re.compile(rf"{area}\W*09\W*\d")  # which does not find itself
    assert set() == {text for text in held_texts() if number.search(text)}


def test_t25_no_cache_keeps_what_was_scrubbed() -> None:
    """Taking a number out of a reason leaves no copy of it in any cache of patterns."""
    area = "2" + "18"
    assert "no [ssn]" == scrub(f"no {area}-11-1234", [("ssn", f"{area}-11-1234")])
    scrub(f"no {area}.11.1234 %20{area}-11-1234", [("ssn", f"{area}-11-1234")])
    patterns = [*sys.modules["re"]._cache, *getattr(sys.modules["re"], "_cache2", ())]  # noqa: SLF001  # what is to be looked into

    assert [] == [key for key in patterns if area in str(key) and "1234" in str(key)]


@pytest.mark.parametrize(
    "settings",
    [
        MapSettings(columns={"tax id": "ssn"}),
        MapSettings(types={"tax id": FieldType.SSN}),
        MapSettings(columns={"tax id": "number"}, types={"tax id": FieldType.SSN}),
    ],
)
def test_t2_a_column_with_unseen_characters_in_its_name_stays_out_of_results(
    settings: MapSettings,
) -> None:
    """What the map takes for a social security number is one to the export, too."""
    assert is_private("\u200ctax id\u200d", settings)
    assert not is_private("\u200ccity\u200d", settings)

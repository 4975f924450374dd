"""What is made to be handed on: results for spreadsheets, the text for support."""

import csv
import io
import json

import pytest
from canaries import ROWS, canaries, ssn_spellings
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import Destination
from bulkpost.endpoints.evidence import evidence_of
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Lead
from bulkpost.reporting.results_file import CsvWriter
from bulkpost.reporting.support import Exchange
from bulkpost.spreadsheet import harmless, original

# As OWASP and ASVS 1.2.10 list them, and the wide forms of the first four.
TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NAMES = ("first_name", "last_name", "email", "phone_1", "ssn", "dob", "notes")


def exchange_with(row: int, told: str) -> Exchange:
    """Return what is kept of an exchange in which every part of the answer says something."""
    destination = Destination("https://app.leadconduit.com", "a" * 24, "b" * 24, (("utm", "x y"),))
    lead = Lead(
        row, destination, tuple(zip(_NAMES, canaries(row), strict=True)), frozenset({"ssn"})
    )
    endpoint = SubmissionEndpoint()
    headers = (("X-Echo", told), (told, "1"), ("Set-Cookie", "session=s3cr3t"))
    reply = Reply(500, headers, f"<p>{told}</p>".encode(), cut="connection lost")
    asked, came = endpoint.evidence(endpoint.request(lead), reply, lead)
    return Exchange({**asked, **came})


@pytest.mark.parametrize("row", range(1, ROWS + 1))
def test_t6_the_text_for_support_has_names_and_never_values(row: str | int) -> None:
    """Method, URL, names of fields and headers, the answer without what it repeats."""
    assert isinstance(row, int)
    told = "; ".join([*canaries(row), *ssn_spellings(row), f"XXX-XX-{canaries(row)[4][-4:]}"])
    exchange = exchange_with(row, told)
    text = "\n".join(exchange.lines()) + json.dumps(exchange.to_dict(), ensure_ascii=False)

    for part in (*canaries(row), *ssn_spellings(row), canaries(row)[4][-4:], "s3cr3t", "x y"):
        assert part not in text
    assert "first_name=…&last_name=…" in text
    assert f"POST https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}" in text


def test_t6_a_header_that_was_a_row_is_masked_in_the_text_for_support() -> None:
    """Addresses and numbers that were sent as names of fields are somebody's."""
    names = ("canary@example.com", "219-09-9901", "(512) 555-0101", "email")
    request = Request("POST", "https://x.example/?jane%40x.org=1", {}, b"", "", names)
    asked, _ = evidence_of(request, Reply(500, (), b""), ())

    assert ["[email]", "[digits]", "[digits]", "email"] == asked["fields"]
    assert "jane" not in str(asked["url"])


_cells = st.text(st.characters(codec="utf-8"), max_size=12) | st.builds(
    "".join, st.tuples(st.sampled_from(TRIGGERS), st.text(st.characters(codec="utf-8"), max_size=9))
)


@given(_cells, _cells, _cells)
def test_t14_no_cell_of_an_export_begins_like_a_formula(name: str, cell: str, reason: str) -> None:
    """Neither a column's name nor a lead's cell nor a reason, as a spreadsheet reads the file."""
    file = io.StringIO()
    writer = CsvWriter(file, [name], ["bulkpost_reason"], is_raw=False)
    writer.write([((cell,), (reason,))])

    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert [] == [text for row in rows for text in row if text.startswith(TRIGGERS)]
    read = [text for row in rows for text in row]
    assert [cell, reason] == [original(text) for text in read[2:]]


@given(st.integers(0, 3), _cells)
def test_t14_what_keeps_a_cell_from_running_can_be_taken_off_again(quotes: int, cell: str) -> None:
    """Apostrophes that stood there before stay; a harmless cell is left alone."""
    cell = "'" * quotes + cell

    assert cell == original(harmless(cell))
    assert harmless(cell) in {cell, f"'{cell}"}


@given(_cells)
def test_t14_with_raw_no_cell_is_changed(cell: str) -> None:
    """Programs get what the list held."""
    file = io.StringIO()
    CsvWriter(file, ["c"], ["bulkpost_reason"], is_raw=True).write([((cell,), (cell,))])

    assert [cell, cell] == list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1]

"""What the format of a lead rules out, before anything is sent."""

import pytest

from bulkpost.destination import parse_url
from bulkpost.errors import MappingError
from bulkpost.lead import Lead, LeadFormat
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.refusal import Refusal
from bulkpost.mapping.settings import MapSettings
from bulkpost.row import Row

TO = parse_url(f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit")


def a_map(lead_format: LeadFormat, *columns: str) -> ColumnMap:
    return build_map(columns, MapSettings(), TO, (), lead_format)


@pytest.mark.parametrize("name", ["loan purpose", "1st", "phones[]", "a&b", "-x", "a:b"])
def test_a_name_that_no_xml_element_can_have_refuses_the_map(name: str) -> None:
    """Named with its column; other formats take it."""
    with pytest.raises(MappingError, match=r"column 2.*cannot be the name of an XML element"):
        a_map(LeadFormat.XML, "email", name)

    assert (1, name) in a_map(LeadFormat.JSON, "email", name).fields


@pytest.mark.parametrize("name", ["phone_1", "company.name", "größe", "_x", "a-b"])
def test_a_name_that_xml_allows_is_sent(name: str) -> None:
    """Dots, letters of any script, and the like."""
    assert (1, name) in a_map(LeadFormat.XML, "email", name).fields


@pytest.mark.parametrize("char", ["\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_text_that_xml_cannot_carry_makes_its_row_invalid(char: str) -> None:
    """The other rows go; the reason names the field and shows nothing of the text."""
    column_map = a_map(LeadFormat.XML, "email", "note")

    refusal = column_map.lead(Row(1, 2, ("a@example.com", f"secret{char}")))
    assert refusal == Refusal("the field note holds a character that XML does not allow")
    assert isinstance(column_map.lead(Row(2, 3, ("a@example.com", "tab\tand\r\nline"))), Lead)


def test_a_get_takes_no_lead_that_is_too_long_for_a_url() -> None:
    """Counted as it is sent, with its escapes."""
    column_map = a_map(LeadFormat.GET, "note")

    assert isinstance(column_map.lead(Row(1, 2, ("x" * 7_995,))), Lead)
    assert isinstance(column_map.lead(Row(2, 3, ("x" * 7_996,))), Refusal)
    assert isinstance(column_map.lead(Row(3, 4, ("é" * 1_400,))), Refusal)


@pytest.mark.parametrize(
    ("name", "words"), [("redir_url", "redirect instead of answer"), ("ssn", "servers write URLs")]
)
def test_a_get_carries_no_redirect_and_no_social_security_number(name: str, words: str) -> None:
    """The one would take the answer away, the other would stand in every log on the way."""
    with pytest.raises(MappingError, match=words):
        a_map(LeadFormat.GET, "email", name)


def test_rows_are_looked_at_again_when_a_format_rules_them_out_or_no_longer() -> None:
    """Formats that carry everything share their rules; the others have their own."""
    digests = {kind: a_map(kind, "email").digest for kind in LeadFormat}

    assert digests[LeadFormat.FORM] == digests[LeadFormat.JSON]
    assert 3 == len(set(digests.values()))

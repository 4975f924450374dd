"""What a lead looks like in each format, as a reader of that format sees it."""

import json
from urllib.parse import parse_qsl
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import parse_url
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.exchange import Reply
from bulkpost.lead import Lead, LeadFormat

URL = f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit"
FIELDS = (("first_name", "Zoë & <Co>"), ("company.name", 'a "b"'), ("phone_1", "007"))
LEAD = Lead(1, parse_url(URL), FIELDS)
REFERENCE = (("reference", "abc234"),)
# What XML 1.0 can hold; a parser makes line feeds of other line ends unless they are escaped.
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\t\r\n")
).filter(lambda text: not {"\ufffe", "\uffff"} & set(text))
NAMES = st.from_regex(r"[a-z_][a-z0-9_.]{0,8}", fullmatch=True)


def endpoint(lead_format: LeadFormat, accept: str = "json") -> SubmissionEndpoint:
    return SubmissionEndpoint(EndpointSettings(format=lead_format, accept=accept))  # type: ignore[arg-type]  # as a config gives it


def test_a_json_lead_is_one_object_of_texts() -> None:
    """Names keep their dots, as LeadConduit's own examples have them; no text becomes a number."""
    request = endpoint(LeadFormat.JSON).request(LEAD, REFERENCE)

    assert ("POST", "application/json") == (request.method, request.headers["Content-Type"])
    assert str(len(request.body)) == request.headers["Content-Length"]
    assert dict((*FIELDS, *REFERENCE)) == json.loads(request.body)
    assert request.body.startswith('{"first_name":"Zoë & <Co>","company.name":'.encode())
    assert "" == request.query


def test_an_xml_lead_has_an_element_for_each_field() -> None:
    """Names keep their dots, and what XML would read as markup is escaped."""
    request = endpoint(LeadFormat.XML, "xml").request(LEAD, REFERENCE)
    root = fromstring(request.body)  # noqa: S314  # our own

    assert ("POST", "application/xml") == (request.method, request.headers["Content-Type"])
    assert "application/xml" == request.headers["Accept"]
    assert [*FIELDS, *REFERENCE] == [(child.tag, child.text) for child in root]
    assert ("lead", None) == (root.tag, root.text)
    assert {None} == {child.tail for child in root}


def test_a_get_carries_its_lead_beside_the_url() -> None:
    """No body, no Content-Type; the lead is kept apart from the URL, which may be shown."""
    request = endpoint(LeadFormat.GET).request(LEAD, REFERENCE)

    assert ("GET", URL, b"") == (request.method, request.url, request.body)
    assert {"Accept": "application/json"} == request.headers
    assert [*FIELDS, *REFERENCE] == parse_qsl(request.query)
    assert "Zo" not in repr(request)


@pytest.mark.parametrize("lead_format", LeadFormat)
def test_support_gets_the_names_and_no_value(lead_format: LeadFormat) -> None:
    """Whatever the format, the names of what was sent are told, and nothing else of it."""
    sender = endpoint(lead_format)
    request = sender.request(LEAD, REFERENCE)
    evidence = sender.evidence(request, Reply(400, (), b"no"), LEAD)[0]

    assert ["first_name", "company.name", "phone_1", "reference"] == evidence["fields"]
    assert "Zo" not in json.dumps(evidence)


@given(st.dictionaries(NAMES, XML_TEXT, min_size=1, max_size=5))
def test_what_xml_carries_comes_out_as_it_went_in(fields: dict[str, str]) -> None:
    """Line ends, quotes, markup and all."""
    request = endpoint(LeadFormat.XML).request(Lead(1, LEAD.destination, tuple(fields.items())))
    root = fromstring(request.body)  # noqa: S314  # our own

    assert fields == {child.tag: child.text or "" for child in root}


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=5))
def test_what_json_carries_comes_out_as_it_went_in(fields: dict[str, str]) -> None:
    """Any names, any texts."""
    request = endpoint(LeadFormat.JSON).request(Lead(1, LEAD.destination, tuple(fields.items())))

    assert fields == json.loads(request.body)

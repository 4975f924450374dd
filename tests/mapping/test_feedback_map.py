"""Which columns make feedback, which rows are refused, and who a row is."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import Destination, parse_feedback_url, parse_url
from bulkpost.errors import MappingError
from bulkpost.feedback import Feedback, FeedbackType
from bulkpost.lead import LeadFormat
from bulkpost.mapping.column_map import build_map
from bulkpost.mapping.feedback_identity import FeedbackIdentifier
from bulkpost.mapping.feedback_map import FeedbackMap, build_feedback_map
from bulkpost.mapping.refusal import Refusal
from bulkpost.mapping.settings import FeedbackSettings, MapSettings
from bulkpost.row import Row

WHERE = parse_feedback_url("https://app.leadconduit.com/feedback")
TO_FLOW = parse_url(f"https://app.leadconduit.com/flows/{'a' * 24}/sources/{'b' * 24}/submit")
EVENT = "5af4b98aa8065fa3a79bf4b3"
COLUMNS = ("event_id", "type", "reason")


def a_map(
    columns: Sequence[str] = COLUMNS, lead_format: LeadFormat = LeadFormat.FORM, **settings: Any
) -> FeedbackMap:
    return build_feedback_map(columns, FeedbackSettings(**settings), WHERE, (), lead_format)


def read(feedback_map: FeedbackMap, *cells: str) -> Feedback | Refusal:
    return feedback_map.feedback(Row(1, 2, cells))


def refused(feedback_map: FeedbackMap, *cells: str) -> str:
    found = read(feedback_map, *cells)
    assert isinstance(found, Refusal), found
    return found.reason


def test_a_row_says_what_it_says() -> None:
    """Spaces around cells, and the case of ids and types, do not matter."""
    found = read(a_map(), f" {EVENT.upper()}\u00a0", " Return ", "\tWrong  number ")
    assert Feedback(1, WHERE, EVENT, FeedbackType.RETURN, "Wrong  number") == found


@pytest.mark.parametrize(
    ("event_id", "reason"),
    [
        ("", "there is no event id"),
        (" ", "there is no event id"),
        (EVENT[:-1], "the event id is not 24 hex digits"),
        (EVENT + "0", "the event id is not 24 hex digits"),
        ("5.9E+23", "the event id is not 24 hex digits"),
        ("g" * 24, "the event id is not 24 hex digits"),
        ("\uff15" * 24, "the event id is not 24 hex digits"),
        (f"{EVENT}\n{EVENT}", "the event id is not 24 hex digits"),
    ],
)
def test_an_event_id_is_24_hex_digits(event_id: str, reason: str) -> None:
    """Anything else is refused before it is sent, and not quoted."""
    assert reason == refused(a_map(), event_id, "return", "")


@pytest.mark.parametrize(
    ("type_", "cell", "expected"),
    [
        ("", "conversion", "conversion"),
        ("", "", "there is no type"),
        ("", "returned", "the type is neither return nor conversion"),
        ("", "reject", "the type is neither return nor conversion"),
        ("return", "", "return"),
        ("return", "RETURN", "return"),
        ("return", "conversion", "its type is conversion, and every row is to be a return"),
        ("return", "refinance", "the type is neither return nor conversion"),
    ],
)
def test_a_type_is_the_rows_own_or_that_of_all(type_: str, cell: str, expected: str) -> None:
    """The option fills what a row leaves open, and never overrules it."""
    found = read(a_map(type=type_), EVENT, cell, "")
    assert expected == (found.type.value if isinstance(found, Feedback) else found.reason)


def test_a_column_may_be_missing_where_nothing_is_lost() -> None:
    """A reason is optional, and a type is if the option says it."""
    found = read(a_map(("event_id", "name"), type="conversion"), EVENT, "Ada")
    assert Feedback(1, WHERE, EVENT, FeedbackType.CONVERSION) == found


def test_columns_are_found_by_the_names_that_are_given() -> None:
    """What else the list has stays at home."""
    feedback_map = a_map(
        ("Event ID", "type", "Why", "What", "reason"),
        event_id_column="Event ID",
        type_column="What",
        reason_column=" Why ",
    )
    found = read(feedback_map, EVENT, "mortgage", "No answer", "return", "x")
    assert Feedback(1, WHERE, EVENT, FeedbackType.RETURN, "No answer") == found
    assert ("type", "reason") == feedback_map.dropped


@pytest.mark.parametrize(
    ("columns", "settings", "words"),
    [
        (("lead_id", "type"), {}, r"no column is called event_id"),
        (("event id", "type"), {}, r"did you mean 'event id'"),
        (("event_id",), {}, "nothing says what the feedback is"),
        (("event_id", "type", "event_id"), {}, "more than once"),
        (("event_id", "type"), {"reason_column": "why"}, "'why' is not in the input"),
        (("event_id", "typ"), {"type_column": "typ_"}, "'typ_' is not in the input"),
    ],
)
def test_a_list_that_cannot_be_feedback_is_refused(
    columns: Sequence[str], settings: dict[str, Any], words: str
) -> None:
    """As a whole, before anything is sent, with what to do."""
    with pytest.raises(MappingError, match=words) as refusal:
        a_map(columns, **settings)
    assert refusal.value.advice


def test_a_list_without_a_header_is_not_quoted() -> None:
    """Its first row is somebody's data."""
    with pytest.raises(MappingError) as refusal:
        a_map(("event_ida", "ada@example.org"))
    assert "ada" not in refusal.value.message


def test_a_column_that_is_no_text_is_refused_if_it_is_needed() -> None:
    """Another one is nobody's concern."""
    why = [("reason", "nested values")]
    with pytest.raises(MappingError, match="'reason' cannot be sent: nested values"):
        build_feedback_map(COLUMNS, FeedbackSettings(), WHERE, why)
    others = [("notes", "nested values")]
    found = build_feedback_map((*COLUMNS, "notes"), FeedbackSettings(), WHERE, others)
    assert ("notes",) == found.dropped


def test_a_row_is_refused_for_what_cannot_be_sent() -> None:
    """A broken row, a character that XML forbids, half a character."""
    assert "cut off" == _defect()
    assert "the row has 2 cells and the header 3" == refused(a_map(), EVENT, "return")
    xml = a_map(lead_format=LeadFormat.XML)
    assert "XML does not allow" in refused(xml, EVENT, "return", "a\x0bb")
    assert "the reason is not valid Unicode text" == refused(a_map(), EVENT, "return", "a\ud800")


def _defect() -> str:
    found = a_map().feedback(Row(1, 2, (EVENT, "return", ""), "cut off"))
    assert isinstance(found, Refusal)
    return found.reason


SAID = st.builds(
    Feedback,
    st.just(1),
    st.sampled_from([WHERE, Destination("http://127.0.0.1:1", "", "", kind=WHERE.kind)]),
    st.sampled_from([EVENT, EVENT[::-1]]),
    st.sampled_from(FeedbackType),
    st.sampled_from(["", "Wrong number", "No answer"]),
)


@given(one=SAID, other=SAID)
def test_an_event_and_a_type_are_the_key(one: Feedback, other: Feedback) -> None:
    """Under one destination; the reason tells a repeat from a conflict."""
    identifier = FeedbackIdentifier(b"0" * 16)
    first, second = identifier.identify(one), identifier.identify(other)

    same = [(said.destination.name, said.event_id, said.type) for said in (one, other)]
    assert (same[0] == same[1]) == (first.key == second.key)
    assert (one.reason == other.reason) == (first.content == second.content)


def test_a_key_tells_nothing_without_the_ledgers_salt() -> None:
    """Two ledgers name the same feedback otherwise."""
    said = Feedback(1, WHERE, EVENT, FeedbackType.RETURN)
    keys = {FeedbackIdentifier(salt * 16).identify(said).key for salt in (b"0", b"1")}
    assert 2 == len(keys)


@pytest.mark.parametrize("other", ["type", "reason"])
def test_feedback_is_not_submitted_as_leads(other: str) -> None:
    """Each row would be billed as a lead; a config that names the fields means them."""
    header = ["event_id", "email", other]

    with pytest.raises(MappingError, match=r"column 3 .*sent with `bulkpost feedback`"):
        build_map(header, MapSettings(), TO_FLOW)
    meant = MapSettings(columns={"event_id": "event_id"})
    assert 3 == len(build_map(header, meant, TO_FLOW).fields)
    assert 2 == len(build_map(header[:2], MapSettings(), TO_FLOW).fields)

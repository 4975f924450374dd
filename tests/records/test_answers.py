"""Whatever LeadConduit's API says is read into values, or refused without a word of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from asking import event
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.errors import ApiError
from bulkpost.exchange import Reply
from bulkpost.outcome import VERDICTS
from bulkpost.records.answers import read_events, read_hits

CANARY = "zyxquorra"
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(CANARY), inner, max_size=1),
    max_leaves=6,
)


_hits = _values | st.fixed_dictionaries(
    {"lead_id": st.just("a" * 24) | _values}, optional={"flow_id": _values, "reference": _values}
)


def tried(read: Callable[[Reply], Any], document: Any) -> tuple[Any, str]:
    """Return what was read, or None and all that the refusal says."""
    try:
        return read(a_reply(document)), ""
    except ApiError as error:
        return None, f"{error!r} {error.message} {error.advice}"


def a_reply(document: Any, cut: str | None = None) -> Reply:
    return Reply(200, (), json.dumps(document).encode(), cut)


@st.composite
def odd_events(draw: st.DrawFn) -> dict[str, Any]:
    """Return an event of which some parts are anything at all, at whatever depth."""
    told = event(draw(st.integers(1, 9)))
    for place in draw(st.lists(st.sampled_from(["", "vars", "lead", "flow"]), max_size=3)):
        holder = {"": told, "vars": told.get("vars")}.get(place)
        if place in {"lead", "flow"} and isinstance(told.get("vars"), dict):
            holder = told["vars"].get(place)
        if isinstance(holder, dict) and holder:
            holder[draw(st.sampled_from(sorted(holder)))] = draw(_values)
    return told


@given(st.lists(odd_events(), max_size=3) | _values)
def test_events_are_read_or_refused_and_never_shown(document: Any) -> None:
    """No other error, and no value in a message or a repr; ids are ids, outcomes their three."""
    read, refusal = tried(read_events, document)

    assert CANARY not in refusal
    if refusal:
        return
    found, last_id, count = read
    assert count == len(document)
    assert (last_id is None) == (count == 0)
    for one in found:
        assert CANARY not in repr(one)
        assert one.kind is None or one.kind in VERDICTS
        assert all(id_ is None or len(bytes.fromhex(id_)) == 12 for id_ in (one.id, one.lead_id))
        one.carries("reference", "ref1")


@given(_values | st.builds(lambda hits: {"hits": hits, "total": 1}, st.lists(_hits, max_size=2)))
def test_hits_are_read_or_refused_and_never_shown(document: Any) -> None:
    """As events."""
    hits, refusal = tried(read_hits, document)

    assert CANARY not in f"{hits!r} {refusal}"


def test_an_answer_that_is_cut_is_not_believed() -> None:
    """Not even if what came of it is whole JSON: an event may be missing."""
    with pytest.raises(ApiError, match="not whole: connection lost"):
        read_events(a_reply([event(1)], "connection lost"))


def test_a_hit_says_where_it_is() -> None:
    """Ids in lower case; a reference only if it is told."""
    hits = [{"lead_id": "A" * 24, "flow_id": "B" * 24, "reference": "r"}, {"lead_id": "c" * 24}]

    assert [("a" * 24, "b" * 24, "r"), ("c" * 24, None, None)] == [
        (hit.lead_id, hit.flow_id, hit.reference) for hit in read_hits(a_reply({"hits": hits}))
    ]

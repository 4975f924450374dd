"""Columns that cannot all be sent: with both of two, LeadConduit would drop data.

The rules that refuse a column map are those of ``mapping.conflicts``; here the weaker column of two
is left out, so that what is written is a map that can be used.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bulkpost.mapping.conflicts import (
    CERT_FIELD,
    DROPPED_SEGMENTS,
    folded,
)
from bulkpost.mapping.header import CERT_ALIAS
from bulkpost.matching.match import ColumnMatch, Fate

SENT = frozenset({Fate.MAPPED, Fate.OWN})


def settled(
    matches: Sequence[ColumnMatch], set_by_url: Collection[str] = ()
) -> tuple[ColumnMatch, ...]:
    """Return the matches without those that would be refused or lose data together.

    Args:
        matches: The matches.
        set_by_url: Fields that the posting URL itself sets; it would win over a column.
    """
    accepted: dict[str, str] = {_key(name): name for name in set_by_url}
    left_out: dict[int, str] = {}
    # The surer one first; of a name and a beginning of it, the longer one.
    order = sorted(
        (match for match in matches if match.fate in SENT),
        key=lambda match: (-match.field.count("."), -match.confidence, match.index),
    )
    beginnings = {_key(name) for field in accepted.values() for name in _beginnings(field)}
    for match in order:
        why = _why_not(match.field, accepted, beginnings)
        if why:
            left_out[match.index] = why
            continue
        accepted[_key(match.field)] = match.field
        beginnings.update(_key(name) for name in _beginnings(match.field))
    return tuple(
        replace(match, fate=Fate.CONFLICT, field="", why=left_out[match.index])
        if match.index in left_out
        else match
        for match in matches
    )


def _why_not(field: str, accepted: Collection[str], beginnings: Collection[str]) -> str:
    key = _key(field)
    if key in accepted:
        return "another column, or the URL, sets a field of this name"
    if key in beginnings:
        return "LeadConduit would drop the fields whose names begin with this one"
    if any(_key(name) in accepted for name in _beginnings(field)):
        return "LeadConduit would drop it, for a field is called like its beginning"
    segments = field.split(".")
    if "" in segments or not DROPPED_SEGMENTS.isdisjoint(segments):
        return "LeadConduit drops a field of this name"
    return ""


def _beginnings(field: str) -> list[str]:
    segments = field.split(".")
    return [".".join(segments[:count]) for count in range(1, len(segments))]


def _key(field: str) -> str:
    key = folded(field)
    return CERT_FIELD if key == CERT_ALIAS else key

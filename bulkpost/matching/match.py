"""What becomes of each column: it feeds a field, is left out, or somebody must say.

Names come first, values agree or object. What is not certain is left out until somebody decides: a
lead in a wrong field is billed like one in the right field.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from bulkpost.fields.field_type import FieldType
from bulkpost.fields.ssn import is_ssn_name
from bulkpost.mapping.assignment import ROUTE_FIELDS, trimmed
from bulkpost.mapping.header import is_field_name
from bulkpost.matching.target import CERTAIN, EXACT, Candidate, Targets
from bulkpost.matching.values import Likeness

_CANDIDATES_MAX: Final = 4
_ALIKE_COLUMNS_MAX: Final = 300  # comparing names is slow
_AGREES_MIN: Final = 0.6
_OBJECTS_MAX: Final = 0.2
_DOUBTED: Final = 0.55
_BY_VALUES: Final = 0.5
_OWN: Final = 0.7
_SSN_MIN: Final = 0.5
_BARE_SSN_MIN: Final = 0.9
_NOBODYS: Final = -1
# Types that values alone can show.
_TELLING: Final = (
    FieldType.SSN, FieldType.EMAIL, FieldType.TRUSTEDFORM_URL, FieldType.PHONE, FieldType.DOB,
    FieldType.IP, FieldType.POSTAL_CODE, FieldType.STATE,
)  # fmt: skip


class Fate(StrEnum):
    """What becomes of a column."""

    MAPPED = "mapped"  # it feeds a field
    OWN = "own_name"  # it is sent under its own name, which is spelled like a field's
    UNCERTAIN = "uncertain"  # left out until somebody decides
    UNMATCHED = "unmatched"  # left out: no field is like it
    CONFLICT = "conflict"  # left out: with it, data would be lost
    UNNAMED = "unnamed"  # it has no name, and cannot be sent
    REPEATED = "repeated"  # its name stands there more than once


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One column and what becomes of it.

    Attributes:
        index: Its place; the first is 0.
        header: Its name in the input.
        fate: What becomes of it.
        field: The field that it feeds; empty if none.
        confidence: Of that, or of the best candidate; 0 if there is none.
        why: A reason.
        candidates: What else it may be meant for, the best first.
        is_ssn: It is kept out of every key, log and report.
        ssn_why: Why that is.
    """

    index: int
    header: str
    fate: Fate
    field: str = ""
    confidence: float = 0.0
    why: str = ""
    candidates: tuple[Candidate, ...] = ()
    is_ssn: bool = False
    ssn_why: str = ""


def match_columns(
    columns: Sequence[str], targets: Targets, likenesses: Sequence[Likeness], *, is_whole: bool
) -> tuple[ColumnMatch, ...]:
    """Decide what becomes of the columns of an input.

    Args:
        columns: The header.
        targets: The fields that there are.
        likenesses: What the values of each column look like.
        is_whole: The targets are all that the flow has; else a name that is spelled like a field's
            is taken for one of an account's own.
    """
    asked: dict[int, list[Candidate]] = {}
    alike_left = _ALIKE_COLUMNS_MAX
    names = [trimmed(column) for column in columns]
    for index, name in enumerate(names):
        found = targets.named(name)
        seen = [_judged(candidate, likenesses[index]) for candidate in found]
        if name and not found and alike_left:
            alike_left -= 1
            seen = _agreeing(targets.alike(name), likenesses[index])
        seen += _by_values(likenesses[index], targets, {one.field for one in seen})
        asked[index] = _unambiguous(sorted(seen, key=lambda candidate: -candidate.confidence))
    taken = _taken(asked)
    counts = Counter(names)
    matches = [
        _early(index, column, counts[names[index]])
        or _match(index, column, _ranked(asked[index], taken, targets), taken, is_whole=is_whole)
        for index, column in enumerate(columns)
    ]
    return tuple(
        _marked(match, likeness, targets)
        for match, likeness in zip(matches, likenesses, strict=True)
    )


def decided(match: ColumnMatch, field: str) -> ColumnMatch:
    """Return a match as somebody decided it; an empty field leaves the column out."""
    if not field:
        return match
    return replace(match, fate=Fate.MAPPED, field=field, confidence=1.0, why="you said so")


def _judged(candidate: Candidate, likeness: Likeness) -> Candidate:
    """Let the values agree or object."""
    share = likeness.share(candidate.type)
    if share is None:
        return candidate
    what = _READABLE[candidate.type]
    if share >= _AGREES_MIN:
        sure = candidate.confidence + (1 - candidate.confidence) * 0.4
        why = f"{candidate.why}, and its values look like {what}"
        return replace(candidate, confidence=round(sure, 2), why=why)
    if share > _OBJECTS_MAX:
        return candidate
    why = f"{candidate.why}, but its values do not look like {what}"
    if candidate.confidence == EXACT:
        return replace(candidate, why=why)
    return replace(candidate, confidence=min(candidate.confidence, _DOUBTED), why=why)


def _agreeing(found: Sequence[Candidate], likeness: Likeness) -> list[Candidate]:
    """Return the fields to whose likeness of name the values do not object."""
    return [
        _judged(candidate, likeness)
        for candidate in found
        if (share := likeness.share(candidate.type)) is None or share > _OBJECTS_MAX
    ]


def _by_values(likeness: Likeness, targets: Targets, known: set[str]) -> Iterator[Candidate]:
    for field_type in _TELLING:
        share = likeness.share(field_type)
        if share is None or share < CERTAIN:
            continue
        of_type = [one for one in targets.of_type(field_type) if one.name not in known]
        for target in of_type[:2]:
            why = f"its values look like {_READABLE[field_type]}"
            yield Candidate(target.name, field_type, _BY_VALUES, why)
        return


def _unambiguous(found: list[Candidate]) -> list[Candidate]:
    """Doubt a column's best fields if there are several."""
    best = [one for one in found if one.confidence == found[0].confidence]
    if len(best) < 2 or best[0].confidence < CERTAIN:
        return found
    doubted = [replace(one, confidence=_DOUBTED) for one in best]
    return sorted([*doubted, *found[len(best) :]], key=lambda candidate: -candidate.confidence)


def _taken(asked: Mapping[int, Sequence[Candidate]]) -> dict[str, int]:
    """Return which field goes to which column; -1 where two columns have the same claim."""
    claims = sorted(
        (
            (-candidate.confidence, index, candidate.field)
            for index, found in asked.items()
            for candidate in found
            if candidate.confidence >= CERTAIN
        )
    )
    taken: dict[str, int] = {}
    strength: dict[str, float] = {}
    settled: set[int] = set()
    for confidence, index, field in claims:
        if index in settled:
            continue
        if field not in taken:
            taken[field], strength[field] = index, confidence
            settled.add(index)
        elif strength[field] == confidence:
            taken[field] = _NOBODYS
            settled.add(index)
    return taken


def _ranked(
    found: Sequence[Candidate], taken: Mapping[str, int], targets: Targets
) -> list[Candidate]:
    """Add the next of a row of fields where the first is another column's: phone_2."""
    ranked = list(found)
    for candidate in found:
        following = targets.next_of(candidate.field)
        while following is not None and following.name in taken:
            following = targets.next_of(following.name)
        if following is None or any(one.field == following.name for one in ranked):
            continue
        if candidate.field in taken:
            why = f"as {candidate.field}, of which there is another column"
            confidence = min(_DOUBTED, candidate.confidence)
            ranked.append(Candidate(following.name, following.type, confidence, why))
    return ranked


def _early(index: int, column: str, count: int) -> ColumnMatch | None:
    """Return what becomes of a column that no field can be found for; None for the others."""
    name = trimmed(column)
    if not name:
        return ColumnMatch(index, column, Fate.UNNAMED, why="a column without a name is never sent")
    if count > 1:
        return ColumnMatch(
            index, column, Fate.REPEATED, why="its name stands there more than once: rename one"
        )
    if name in ROUTE_FIELDS:
        return ColumnMatch(
            index, column, Fate.UNMATCHED, why="a flow's or source's id: see `route` under [map]"
        )
    return None


def _match(
    index: int,
    column: str,
    found: Sequence[Candidate],
    taken: Mapping[str, int],
    *,
    is_whole: bool,
) -> ColumnMatch:
    name = trimmed(column)
    mine = next((one for one in found if taken.get(one.field) == index), None)
    if mine is not None:
        return ColumnMatch(index, column, Fate.MAPPED, mine.field, mine.confidence, mine.why)
    free = [one for one in found if taken.get(one.field, _NOBODYS) == _NOBODYS][:_CANDIDATES_MAX]
    if not is_whole and is_field_name(name) and not _has_named(found):
        why = "spelled like a field, perhaps one of the account's own"
        return ColumnMatch(index, column, Fate.OWN, name, _OWN, why, tuple(free))
    if free:
        why = "more than one column could feed it" if taken.get(free[0].field) == _NOBODYS else ""
        return ColumnMatch(index, column, Fate.UNCERTAIN, "", free[0].confidence, why, tuple(free))
    other = next((one for one in found if one.field in taken), None)
    why = "no field is like it" if other is None else f"another column feeds {other.field}"
    return ColumnMatch(index, column, Fate.UNMATCHED, why=why)


def _has_named(found: Sequence[Candidate]) -> bool:
    return any(one.confidence > _BY_VALUES for one in found)


def _marked(match: ColumnMatch, likeness: Likeness, targets: Targets) -> ColumnMatch:
    """Mark a column that holds social security numbers, by its name, its field or its values."""
    if is_ssn_name(match.header) or is_ssn_name(match.field):
        return replace(match, is_ssn=True, ssn_why="its name says so")
    target = targets.by_name.get(match.field)
    if target is not None and target.type is FieldType.SSN:
        return replace(match, is_ssn=True, ssn_why="the flow says so")
    if (likeness.share(FieldType.SSN) or 0.0) >= _SSN_MIN:
        return _suspected(match)
    is_sure = match.fate is Fate.MAPPED and match.confidence >= CERTAIN
    if likeness.bare_ssn_share >= _BARE_SSN_MIN and not is_sure:
        return _suspected(match)
    return match


def _suspected(match: ColumnMatch) -> ColumnMatch:
    why = "its values look like social security numbers"
    match = replace(match, is_ssn=True, ssn_why=why)
    if match.fate not in {Fate.MAPPED, Fate.OWN}:
        return match
    # Whatever its name says: not sent before somebody has looked.
    candidate = Candidate(match.field, FieldType.SSN, _DOUBTED, match.why)
    return replace(
        match, fate=Fate.UNCERTAIN, field="", confidence=_DOUBTED, why=why, candidates=(candidate,)
    )


_READABLE: Final[dict[FieldType, str]] = {
    FieldType.EMAIL: "e-mail addresses",
    FieldType.PHONE: "telephone numbers",
    FieldType.SSN: "social security numbers",
    FieldType.DATE: "dates",
    FieldType.DOB: "dates of birth",
    FieldType.POSTAL_CODE: "postal codes",
    FieldType.STATE: "states",
    FieldType.URL: "web addresses",
    FieldType.TRUSTEDFORM_URL: "TrustedForm certificates",
    FieldType.IP: "IP addresses",
    FieldType.GENDER: "genders",
    FieldType.STREET: "streets",
}

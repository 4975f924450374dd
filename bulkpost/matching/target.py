"""The fields that a column may feed, found by name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from bulkpost.fields import guess_type
from bulkpost.fields.field_type import FieldType
from bulkpost.matching.spelling import (
    STANDARD_FIELDS,
    SYNONYMS,
    Synonym,
    meaning,
    spelled,
    without_bywords,
    words,
)

EXACT: Final = 1.0
CERTAIN: Final = 0.8
_SPELLED: Final = 0.97
_MEANT: Final = 0.92
_WHOSE: Final = 0.85
_LAST_WORDS: Final = 0.82
_MODESTY: Final = 0.04
_PERHAPS: Final = 0.6
_LIKE_MIN: Final = 0.8  # similarity below which two names have nothing in common
_LIKE_CHARS_MIN: Final = 4
_LIKE_CHARS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column may feed.

    Attributes:
        name: As it is submitted.
        type: Its type.
        label: What people call it; empty if nobody said.
    """

    name: str
    type: FieldType
    label: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field that a column may be meant for.

    Attributes:
        field: Its name.
        type: Its type.
        confidence: From 0 to 1; ``CERTAIN`` and above needs no asking.
        why: A reason, without any text of a cell.
    """

    field: str
    type: FieldType
    confidence: float
    why: str


def standard_targets() -> tuple[Target, ...]:
    """Return the fields of LeadConduit's standard catalogue that lists commonly have."""
    return tuple(Target(name, guess_type(name) or FieldType.STRING) for name in STANDARD_FIELDS)


class Targets:
    """Fields, and the columns' names that lead to them."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self.by_name = {target.name: target for target in targets}
        self._spelled: dict[str, list[Target]] = defaultdict(list)
        self._meant: dict[str, list[Target]] = defaultdict(list)
        self._last_words: dict[tuple[str, ...], list[Target]] = defaultdict(list)
        for target in self.by_name.values():
            self._learn(target)
        self._keys = {key: found[0] for key, found in self._spelled.items()}
        for field, found in self._meant.items():
            for key in SYNONYMS[field]:
                self._keys.setdefault(key, found[0])

    def named(self, column: str) -> list[Candidate]:
        """Return the fields that a column's name leads to without guessing, the best first."""
        found: dict[str, Candidate] = {}
        for candidate in self._named(column):
            known = found.get(candidate.field)
            if known is None or known.confidence < candidate.confidence:
                found[candidate.field] = candidate
        return sorted(found.values(), key=lambda candidate: -candidate.confidence)

    def alike(self, column: str) -> list[Candidate]:
        """Return the fields whose names are like a column's, the best first. Slow."""
        key = spelled(column)
        if not _LIKE_CHARS_MIN <= len(key) <= _LIKE_CHARS_MAX:
            return []
        likest: dict[str, float] = {}
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(key)
        for other, target in self._keys.items():
            if not _LIKE_CHARS_MIN <= len(other) <= _LIKE_CHARS_MAX:
                continue
            matcher.set_seq1(other)
            if matcher.real_quick_ratio() < _LIKE_MIN or matcher.quick_ratio() < _LIKE_MIN:
                continue
            ratio = matcher.ratio()
            if ratio >= _LIKE_MIN:
                likest[target.name] = max(ratio, likest.get(target.name, 0.0))
        return [
            self._candidate(self.by_name[name], 0.4 + 0.38 * ratio, "the names are alike")
            for name, ratio in sorted(likest.items(), key=lambda item: -item[1])
        ]

    def of_type(self, field_type: FieldType) -> list[Target]:
        """Return the fields of a type, in the flow's order."""
        return [target for target in self.by_name.values() if target.type is field_type]

    def next_of(self, name: str) -> Target | None:
        """Return the field after ``phone_1``: ``phone_2``."""
        stem, _, number = name.rpartition("_")
        if not stem or not number.isdecimal() or len(number) > 2:
            return None
        return self.by_name.get(f"{stem}_{int(number) + 1}")

    def _learn(self, target: Target) -> None:
        keys = dict.fromkeys((spelled(target.name), spelled(target.label)))
        for key in filter(None, keys):
            self._spelled[key].append(target)
            meant = meaning(key)
            if meant is None or meant[1] is Synonym.DOUBTFUL:
                continue
            if target not in self._meant[meant[0]]:
                self._meant[meant[0]].append(target)
        parts = words(target.name)
        if "." in target.name:
            for count in range(2, len(parts)):
                self._last_words[parts[-count:]].append(target)

    def _named(self, column: str) -> Iterator[Candidate]:
        if column in self.by_name:
            yield self._candidate(self.by_name[column], EXACT, "it is the field's name")
        key = spelled(column)
        for target in self._spelled.get(key, ()):
            yield self._candidate(target, _SPELLED, "it is the field's name, but for its spelling")
        yield from self._meaning(key, _MEANT)
        bare = without_bywords(column)
        if bare != key:
            for target in self._spelled.get(bare, ()):
                yield self._candidate(target, _WHOSE, "the field's name stands in it")
            yield from self._meaning(bare, _WHOSE)
        ending = self._last_words.get(words(column), [])
        sure = _LAST_WORDS if len(ending) == 1 else _PERHAPS
        for target in ending:
            yield self._candidate(target, sure, "the field's name ends so")

    def _meaning(self, key: str, confidence: float) -> Iterator[Candidate]:
        meant = meaning(key)
        if meant is None:
            return
        for target in self._meant.get(meant[0], ()):
            if meant[1] is Synonym.DOUBTFUL:
                yield self._candidate(target, _PERHAPS, "the name may mean it, or something else")
            else:
                less = _MODESTY if meant[1] is Synonym.MODEST else 0.0
                yield self._candidate(target, confidence - less, "the name is another word for it")

    @staticmethod
    def _candidate(target: Target, confidence: float, why: str) -> Candidate:
        return Candidate(target.name, target.type, round(confidence, 2), why)

"""Rules that a lead must meet before the flow goes on: a field, an operator, a value.

The operators have LeadConduit's words and meaning: texts compare without case, a range counts with
its average, and a blank field meets nothing but ``is blank`` and the operators with ``not`` in
them. A field's component is written after a dot: ``dob.age``.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from bulkpost.fields.field_type import FieldType
from bulkpost.sandbox.flow.values import PARTS, FieldValue

Operator = Literal[
    "is blank",
    "is not blank",
    "is valid",
    "is not valid",
    "is equal to",
    "is not equal to",
    "is included in",
    "is not included in",
    "is less than",
    "is less than or equal to",
    "is greater than",
    "is greater than or equal to",
]
Single = str | bool | int | float
_NOT: Final = "is not "
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "is less than": operator.lt,
    "is less than or equal to": operator.le,
    "is greater than": operator.gt,
    "is greater than or equal to": operator.ge,
}
_UNARY: Final = frozenset({"is blank", "is not blank", "is valid", "is not valid"})
_LISTS: Final = frozenset({"is included in", "is not included in"})
_EQUAL: Final = frozenset({"is equal to", "is not equal to"})
_DECIMAL = re.compile(r"-?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})", re.ASCII)
_VALUES_MAX: Final = 10_000


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule; a lead that does not meet it gets the outcome.

    Attributes:
        field: A field of the flow, or a component of one: ``dob.age``.
        operator: What must be so.
        value: What it is compared with: a number for less and greater, a list for included, a
            text, number or boolean for equal, nothing for blank and valid.
        outcome: Of a lead that does not meet it.
        reason: In the answer; None makes one as LeadConduit does.
    """

    field: Annotated[str, msgspec.Meta(min_length=1)]
    operator: Operator
    value: Single | Annotated[tuple[Single, ...], msgspec.Meta(max_length=_VALUES_MAX)] | None = (
        None
    )
    outcome: Literal["failure", "error", "success"] = "failure"
    reason: str | None = None

    def __post_init__(self) -> None:
        if not _is_fitting(self.operator, self.value):
            raise ValueError(f"{self.operator} takes {_wanted(self.operator)}")

    @property
    def told(self) -> str:
        """The reason for a lead that does not meet it; it tells nothing of the lead."""
        if self.reason is not None:
            return self.reason
        must = self.operator.replace(_NOT, "must not be ").replace("is ", "must be ", 1)
        values = ", ".join(_as_text(value) for value in _listed(self.value))
        return f"lead.{self.field} {must} {values}".rstrip()


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a rule looks at; None for a text that is blank, for a number that there is not."""

    text: str | None
    valid: bool
    number: float | None


def field_and_part(subject: str, types: Mapping[str, FieldType]) -> tuple[str, str] | None:
    """Return the field that a rule is about, and its component or nothing; None if unknown."""
    if subject in types:
        return subject, ""
    name, _, part = subject.rpartition(".")
    is_part = name in types and part in PARTS.get(types[name], ())
    return (name, part) if is_part else None


def is_met(
    criterion: Criterion, values: Mapping[str, FieldValue], types: Mapping[str, FieldType]
) -> bool:
    """Whether a lead meets a rule."""
    subject = _subject(criterion.field, values, types)
    is_negative = criterion.operator.startswith(_NOT)
    return _holds(criterion, subject) is not is_negative


def _holds(criterion: Criterion, subject: _Subject) -> bool:
    """Whether the operator without its ``not`` holds."""
    match criterion.operator.replace(_NOT, "is "):
        case "is blank":
            return subject.text is None
        case "is valid":
            return subject.valid
        case "is equal to" | "is included in":
            return any(_is_equal(subject, value) for value in _listed(criterion.value))
        case comparison:
            limit = criterion.value
            assert isinstance(limit, int | float)
            return subject.number is not None and _COMPARE[comparison](subject.number, limit)


def _subject(
    name: str, values: Mapping[str, FieldValue], types: Mapping[str, FieldType]
) -> _Subject:
    found = field_and_part(name, types)
    assert found is not None, "the settings were checked"
    value = values.get(found[0])
    if value is None:
        return _Subject(None, valid=False, number=None)
    if part := found[1]:
        text = _as_text(value.parts.get(part, ""))
        number = _number(text)
    else:
        text = value.value
        number = _number(_as_text(value.parts.get("avg", "")))  # only a range has one
        number = _number(text) if number is None else number
    is_blank = not text.strip()
    return _Subject(None if is_blank else text, value.valid and not is_blank, number)


def _is_equal(subject: _Subject, value: Single) -> bool:
    if subject.text is None:
        return False
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and subject.number is not None
    ):
        return subject.number == value
    return subject.text.casefold() == _as_text(value).casefold()


def _number(text: str) -> float | None:
    return float(text) if _DECIMAL.fullmatch(text.strip()) else None


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _listed(value: Any) -> tuple[Single, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _is_fitting(operator: str, value: Any) -> bool:
    if operator in _UNARY:
        return value is None
    if operator in _LISTS:
        return isinstance(value, tuple) and len(value) > 0
    if operator in _EQUAL:
        return value is not None and not isinstance(value, tuple)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wanted(operator: str) -> str:
    if operator in _UNARY:
        return "no value"
    if operator in _LISTS:
        return "a list of values"
    return "one value" if operator in _EQUAL else "a number"

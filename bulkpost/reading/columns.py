"""The names of an input's columns, as its header writes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bulkpost.errors import InputError

# No eye sees these around a name: byte order mark, zero-width space, word joiner.
_UNSEEN = "\ufeff\u200b\u2060"


@dataclass(frozen=True, slots=True)
class UnusableColumn:
    """A column whose values have no text form.

    Attributes:
        name: The column's name.
        why: What it holds.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Column names in the order of the input; they may repeat or be empty.

    Attributes:
        names: Without outer white space.
        trimmed: The names as written of which something was trimmed.
        unusable: Columns whose cells are always empty because they cannot be text.
    """

    names: tuple[str, ...] = ()
    trimmed: tuple[str, ...] = ()
    unusable: tuple[UnusableColumn, ...] = ()


def columns_of(written: Sequence[str], columns_max: int, input_name: str) -> Columns:
    """Trim the names of a header.

    Raises:
        InputError: There are more than ``columns_max``.
    """
    if len(written) > columns_max:
        raise InputError(
            f"{input_name} has {len(written):,} columns; the limit is {columns_max:,}.",
            advice="Check the delimiter, remove columns, or raise columns_max.",
        )
    names = tuple(map(_trimmed, written))
    return Columns(names, tuple(old for old, new in zip(written, names, strict=True) if old != new))


def columns_by_place(count: int, columns_max: int, input_name: str) -> Columns:
    """Name the columns of an input without a header: ``column_1`` is the first.

    Raises:
        InputError: There are more than ``columns_max``.
    """
    names = [f"column_{number}" for number in range(1, count + 1)]
    return columns_of(names, columns_max, input_name)


def _trimmed(name: str) -> str:
    shorter = name.strip().strip(_UNSEEN)
    return shorter if shorter == name else _trimmed(shorter)

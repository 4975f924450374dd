"""The one text form of each Parquet type.

========================  ===========================================================
integer                   digits: ``78751``
float                     ``78751`` if it is an integer below 10^16, else the shortest digits that
                          give the same number: ``0.1``, ``1e+300``; NaN is an empty cell
decimal                   with its scale, never an exponent: ``1.10``
boolean                   ``true``, ``false``
date                      ``2024-01-05``
timestamp                 RFC 3339: ``2024-01-05T13:45:00``, fractions as needed, ``Z`` for UTC, the
                          zone's offset for another zone, nothing if there is no zone
time                      ``13:45:00``, fractions as needed
duration                  ISO 8601 in seconds: ``PT3723.5S``, ``-PT90S``
string, dictionary        verbatim, decoded
null                      an empty cell
list, struct, map, binary no text form: the column is unusable
========================  ===========================================================
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa

from bulkpost.errors import InputError

_EXACT_MAX = 1e16
_UTC_NAMES = frozenset({"UTC", "utc", "Etc/UTC", "GMT", "Z", "+00:00", "-00:00"})
_UNITS_PER_S: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_is = pa.types


def why_unusable(kind: Any) -> str | None:
    """Return what keeps a type from having a text form, or None if it has one."""
    return None if _form_of(_plain_type(kind)) is not None else f"it holds {_type_word(kind)}"


def texts_of(column: Any) -> list[str]:
    """Return the text of every value of an Arrow array whose type has a text form.

    Raises:
        UnicodeDecodeError: A string is not UTF-8.
        InputError: The time zone of a timestamp is not known to this machine.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return texts_of(column.storage)
    if _is.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    form = _form_of(kind)
    assert form is not None, kind
    return form(column)


def _plain_type(kind: Any) -> Any:
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    return _plain_type(kind.value_type) if _is.is_dictionary(kind) else kind


def _type_word(kind: Any) -> str:
    # Only the outermost word: names inside a struct may be many.
    return str(kind).partition("<")[0].partition("[")[0]


def _form_of(kind: Any) -> Callable[[Any], list[str]] | None:
    return next((form for is_kind, form in _FORMS if is_kind(kind)), None)


def _is_text(kind: Any) -> bool:
    return bool(_is.is_string(kind) or _is.is_large_string(kind) or _is.is_string_view(kind))


def _text(column: Any) -> list[str]:
    values = column.to_pylist()
    return [value or "" for value in values] if column.null_count else values


def _nothing(column: Any) -> list[str]:
    return [""] * len(column)


def _cast(column: Any) -> list[str]:
    return _text(column.cast(pa.string()))


def _date(column: Any) -> list[str]:
    return _cast(column.cast(pa.date32(), safe=False))


def _float(column: Any) -> list[str]:
    return [
        "" if value is None or value != value  # noqa: PLR0124  # NaN
        else str(int(value)) if abs(value) < _EXACT_MAX and value.is_integer()
        else repr(value)
        for value in column.to_pylist()
    ]  # fmt: skip


def _narrow_float(column: Any) -> list[str]:
    """Return shortest digits as a narrow float needs them: 0.1, not 0.10000000149011612."""
    texts = np.asarray(column.fill_null(float("nan"))).astype(str).tolist()
    return ["" if text == "nan" else text.removesuffix(".0") for text in texts]


def _decimal(column: Any) -> list[str]:
    values: Iterable[Decimal | None] = column.to_pylist()
    return ["" if value is None else f"{value:f}" for value in values]


def _time(column: Any) -> list[str]:
    return [_short(text) for text in _cast(column)]


def _duration(column: Any) -> list[str]:
    unit = _UNITS_PER_S[column.type.unit]
    return [
        "" if value is None else f"{'-' if value < 0 else ''}PT{_seconds(abs(value), unit)}S"
        for value in column.cast(pa.int64()).to_pylist()
    ]


def _seconds(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    return _short(f"{whole}.{part:0{len(str(unit)) - 1}d}") if unit > 1 else str(whole)


def _timestamp(column: Any) -> list[str]:
    unit, zone = column.type.unit, column.type.tz
    numbers = column.cast(pa.int64())
    if zone is not None and zone not in _UTC_NAMES:
        return _zoned(numbers.to_pylist(), _UNITS_PER_S[unit], _zone(zone))
    stamps = np.asarray(numbers.fill_null(0)).astype(f"datetime64[{unit}]")
    suffix = "" if zone is None else "Z"
    texts = [_short(text) + suffix for text in np.datetime_as_string(stamps).tolist()]
    if column.null_count:
        is_valid = column.is_valid().to_pylist()
        return [text if valid else "" for text, valid in zip(texts, is_valid, strict=True)]
    return texts


def _zoned(numbers: list[int | None], unit: int, zone: tzinfo) -> list[str]:
    texts = []
    for number in numbers:
        if number is None:
            texts.append("")
            continue
        whole, part = divmod(number, unit)
        local = (_EPOCH + timedelta(seconds=whole)).astimezone(zone).isoformat()
        fraction = _short(f".{part:0{len(str(unit)) - 1}d}") if part else ""
        texts.append(local[:19] + fraction + local[19:])
    return texts


@cache
def _zone(name: str) -> tzinfo:
    try:
        if name[:1] in "+-":
            offset = datetime.strptime(name, "%z").utcoffset()
            assert offset is not None, name
            return timezone(offset)
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        raise InputError(
            f"The time zone {name} of a timestamp column is not known to this machine.",
            advice="Install time zones (pip install tzdata), or convert the column to UTC.",
        ) from None


def _short(text: str) -> str:
    """Return a number or time without the zeros that end its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any], list[str]]], ...] = (
    (_is_text, _text),
    (_is.is_integer, _cast),
    (_is.is_boolean, _cast),
    (_is.is_float64, _float),
    (_is.is_floating, _narrow_float),
    (_is.is_decimal, _decimal),
    (_is.is_date, _date),
    (_is.is_timestamp, _timestamp),
    (_is.is_time, _time),
    (_is.is_duration, _duration),
    (_is.is_null, _nothing),
)

"""Form-encoded text becomes a nested lead, the way LeadConduit reads it.

Observed: a dot nests, a numeric or empty segment makes an array, a name that is also the prefix
of others wins over all of them in whatever order they come, and malformed percent signs stay.
"""

from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote_plus

# JavaScript would make gaps of any length; a real lead has no such index.
_INDEX_MAX: Final = 9_999
_INHERITED: Final = frozenset({"constructor", "hasOwnProperty", "toString", "valueOf"})


def parse_form(text: str) -> dict[str, Any]:
    """Read a form body: repeated names make arrays, dots nest."""
    lead: dict[str, Any] = {}
    for name, value in _collected(text).items():
        _place(lead, name, value)
    return lead


def parse_query(text: str) -> dict[str, Any]:
    """Read a query: repeated names make arrays, dots stay.

    An empty first value is overwritten by the second.
    """
    return {name: _without_empty_first(value) for name, value in _collected(text).items()}


def _collected(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition("=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _decoded(text: str) -> str:
    if "%" in text or "+" in text:
        return unquote_plus(text, encoding="utf-8", errors="replace")
    return text


def _without_empty_first(value: Any) -> Any:
    if isinstance(value, list) and value[0] == "":
        return value[1] if len(value) == 2 else value[1:]
    return value


def _place(lead: dict[str, Any], name: str, value: Any) -> None:
    if "." not in name:
        _set(lead, _segment(name), value)
        return
    segments = [_segment(text) for text in name.split(".")]
    if segments[0] in _INHERITED or "__proto__" in segments:
        return
    place: Any = lead
    for segment, following in pairwise(segments):
        inner = _get(place, segment)
        if inner is None:
            inner = [] if isinstance(following, int) else {}
            _set(place, segment, inner)
        if not isinstance(inner, dict | list):
            return
        place = inner
    _set(place, segments[-1], value)


def _segment(text: str) -> int | str:
    """Return an array index for digits and for nothing at all, else the text."""
    stripped = text.strip()
    if not stripped:
        return 0
    is_index = stripped.isascii() and stripped.isdecimal() and len(stripped) < 16
    return int(stripped) if is_index else text


def _get(place: dict[str, Any] | list[Any], segment: int | str) -> Any:
    if isinstance(place, dict):
        return place.get(str(segment))
    if isinstance(segment, int) and segment < len(place):
        return place[segment]
    return None


def _set(place: dict[str, Any] | list[Any], segment: int | str, value: Any) -> None:
    """Set a value; a name cannot be seen in an array and an absurd index is dropped."""
    if isinstance(place, dict):
        if segment != "__proto__":
            place[str(segment)] = value
    elif isinstance(segment, int) and segment <= _INDEX_MAX:
        place.extend([None] * (segment + 1 - len(place)))
        place[segment] = value

"""Which of LeadConduit's four media types a header asks for.

Observed: the closest match decides before the quality, the later type wins a tie, spelling in
capitals matches nothing, and ``Content-Type`` is read by the same rules as ``Accept``.
"""

from functools import lru_cache
from typing import Final

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
APPLICATION_XML: Final = "application/xml"
TEXT_XML: Final = "text/xml"
MEDIA_TYPES: Final = (FORM, JSON, APPLICATION_XML, TEXT_XML)  # in the order of ties, last first


@lru_cache(maxsize=256)
def media_type(header: str) -> str | None:
    """Return the media type that fits a header best, or None if none does.

    ``*/*`` alone means JSON.
    """
    if header == "*/*":
        return JSON
    ranges = [_range(text) for text in header.split(",")]
    best: tuple[int, float] = (0, 0.0)
    chosen = None
    for offered in MEDIA_TYPES:
        match = _match(offered, ranges)
        if match >= best:
            best, chosen = match, offered
    return chosen if best[1] > 0 else None


def _range(text: str) -> tuple[str, str, float]:
    """Return the type, subtype and quality of one media range."""
    name, *parameters = text.split(";")
    kind, _, subtype = ("*/*" if name.strip() == "*" else name).partition("/")
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            quality = _quality(value)
    return kind.strip(), subtype.strip(), quality


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 1.0
    return quality if 0 <= quality <= 1 else 1.0


def _match(offered: str, ranges: list[tuple[str, str, float]]) -> tuple[int, float]:
    """Return how closely the closest range matches, and its quality; (-1, 0) for no match."""
    kind, _, subtype = offered.partition("/")
    best = (-1, 0.0)
    for range_kind, range_subtype, quality in ranges:
        if range_kind not in {kind, "*"} or range_subtype not in {subtype, "*"}:
            continue
        fitness = 100 * (range_kind == kind) + 10 * (range_subtype == subtype)
        if fitness > best[0]:
            best = (fitness, quality)
    return best

"""Times and spans of time as people write them: ``15m``, ``36h``, ``7d``, ``2026-11-20``."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from bulkpost.errors import UsageError

_SPAN = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s*(ms|s|min|m|h|d)", re.ASCII)
_UNITS_S: Final = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_SPAN_S_MAX: Final = 100 * 366 * 86_400


def parse_span_ms(text: str, option: str) -> int:
    """Return a span of time in milliseconds.

    Raises:
        UsageError: The text is none.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    span_s = float(match[1]) * _UNITS_S[match[2]] if match else _SPAN_S_MAX
    if span_s >= _SPAN_S_MAX:
        raise UsageError(f"{option} is a number and a unit: 90s, 15m, 2h, 7d")
    return round(span_s * 1000)


def parse_moment_ms(text: str, option: str, now_at: datetime) -> int:
    """Return a time in milliseconds since 1970, from a date, a time, or a span back from now.

    Raises:
        UsageError: The text is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        if _SPAN.fullmatch(text.strip().lower()) is None:
            raise UsageError(
                f"{option} is a date, a time or a span: 2026-11-20, 2026-11-20T18:00Z, 36h, 7d"
            ) from None
        moment = now_at - timedelta(milliseconds=parse_span_ms(text, option))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)

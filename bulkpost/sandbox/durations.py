"""Durations as people write them: ``200ms``, ``1.5s``, ``2m``."""

import re
from typing import Final

DURATION_S_MAX: Final = 3600.0
_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)(ms|s|m)", re.ASCII)
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


def parse_duration_s(text: str) -> float:
    """Return the duration in seconds, at most an hour.

    Raises:
        ValueError: The text is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("a duration is a number and ms, s or m, for instance 200ms")
    duration_s = float(match[1]) * _UNIT_S[match[2]]
    if duration_s > DURATION_S_MAX:
        raise ValueError("a duration is at most 60m")
    return duration_s

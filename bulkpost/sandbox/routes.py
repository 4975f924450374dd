"""Which flow, source and kind of request a path names."""

import re
from dataclasses import dataclass
from sys import intern
from typing import Final

LEADS_PATH: Final = "/sandbox/leads"
REQUESTS_PATH: Final = "/sandbox/requests"
STATS_PATH: Final = "/sandbox/stats"
FEEDBACK_PATH: Final = "/feedback"
FEEDBACK_LIST_PATH: Final = "/sandbox/feedback"
_SUBMISSION = re.compile(
    r"/flows/([0-9a-fA-F]{24})/sources/([0-9a-fA-F]{24})/(submit|ping)", re.ASCII
)
_META = re.compile(r"/flows/([0-9a-fA-F]{24})/sources/([0-9a-fA-F]{24})/meta", re.ASCII)
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a lead was posted to.

    Attributes:
        flow_id: 24 hex digits, as written in the URL.
        source_id: 24 hex digits, as written in the URL.
        is_ping: Asked for a bid only; no lead is made.
    """

    flow_id: str
    source_id: str
    is_ping: bool = False


def target(path: str) -> Target | None:
    """Return what a path names, or None if it is not a submission's."""
    match = _SUBMISSION.fullmatch(path)
    if match is None:
        return None
    return Target(intern(match[1]), intern(match[2]), match[3] == "ping")


def meta_target(path: str) -> Target | None:
    """Return whose metadata a path names, or None if it names none."""
    match = _META.fullmatch(path)
    return None if match is None else Target(match[1], match[2])


def is_loopback_host(header: str) -> bool:
    """Whether a ``Host`` header names this machine's loopback; what DNS rebinding cannot fake."""
    return _LOOPBACK.fullmatch(header) is not None

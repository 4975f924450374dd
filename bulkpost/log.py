"""Structured logging that cannot carry lead data.

Events are fixed words in the past tense; what varies stands in named keys, and only the keys
listed here pass. Rows are named by number, never by content. Tracebacks show no local variables.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from bulkpost.redact import printable

# A key that is not here is dropped: adding one is a decision about personal data.
KEYS_ALLOWED: Final = frozenset(
    {
        "event", "level", "timestamp", "exception", "run", "row", "attempt", "attempts",
        "delay_s", "latency_s", "http_status", "outcome", "reason", "state", "rows", "count",
        "destination", "input", "format", "encoding", "delimiter", "ledger", "path", "commit_no",
        "concurrency", "rate", "duration_s", "error_type", "error", "why", "signal", "pid", "host",
        "version", "advice", "migration", "size_bytes", "free_bytes", "columns", "faults", "url",
    }
)  # fmt: skip

_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)


def configure(log_format: str, verbosity: int, stream: TextIO | None = None) -> None:
    """Set up structlog for the process.

    Args:
        log_format: "console" for people, "json" for machines.
        verbosity: -1 errors only; 0 what matters: for people warnings, since they are told the
            rest in words anyway, for machines every event; 1 every event; 2 and more debug too.
        stream: Where lines go; standard error by default.
    """
    target = stream if stream is not None else sys.stderr
    level = _LEVELS[min(max(verbosity + (log_format == "json"), 0), len(_LEVELS) - 1)]
    if verbosity < 0:
        level = logging.ERROR
    tracebacks: structlog.types.Processor
    renderer: structlog.types.Processor
    if log_format == "json":
        # show_locals is True by default and would print every cell of the row at hand.
        tracebacks = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        renderer = structlog.processors.JSONRenderer()
    else:
        tracebacks = structlog.processors.ExceptionRenderer()
        renderer = structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tracebacks,
            keep_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )


def get_logger() -> Any:
    """Return the logger of the process."""
    return structlog.get_logger()


def keep_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every key that is not allowed, and show control characters instead of obeying them."""
    return {key: _safe(key, value) for key, value in event.items() if key in KEYS_ALLOWED}


def _safe(key: str, value: Any) -> Any:
    return printable(value) if isinstance(value, str) and key != "exception" else value

"""Structured logging that cannot carry lead data.

Events are fixed words in the past tense; what varies stands in named keys, and only the keys
listed here pass. Rows are named by number, never by content. Of an exception its type and place are
told, never its message, which may quote a cell, and never a variable. What a library or a thread
has to say goes the same way.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog

from bulkpost.errors import place_of
from bulkpost.redact import printable

# A key that is not here is dropped: adding one is a decision about personal data.
KEYS_ALLOWED: Final = frozenset(
    {
        "event", "level", "timestamp", "run", "row", "attempt", "attempts",
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
    renderer: structlog.types.Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=target.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_exception,
            keep_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    _take_over()


def get_logger() -> Any:
    """Return the logger of the process."""
    return _SILENT if _silences else structlog.get_logger()


@contextmanager
def silenced() -> Iterator[None]:
    """Log nothing meanwhile: within another program, what is printed is that program's affair."""
    _silences.append(True)
    try:
        yield
    finally:
        _silences.pop()


class _Silent:
    """A logger that logs nothing."""

    def __getattr__(self, _level: str) -> Callable[..., None]:
        return self._ignore

    def _ignore(self, *_event: object, **_values: object) -> None:
        return


_SILENT: Final = _Silent()
_silences: list[bool] = []  # as many as there are programs that want silence


def name_exception(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put an exception's type and place in the place of the whole of it."""
    told = event.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
        event["why"] = place_of(error)
    return event


def keep_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every key that is not allowed, and show control characters instead of obeying them."""
    return {key: _safe(value) for key, value in event.items() if key in KEYS_ALLOWED}


def _safe(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float)) else printable(str(value))


class _Hearsay(logging.Handler):
    """Says which library spoke, how loud and where, but not what: it may quote a request."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record without its message."""
        error = record.exc_info[1] if record.exc_info else None
        log = get_logger()
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say(
            "library_spoke",
            path=f"{record.name} at {record.filename}:{record.lineno}",
            error_type=type(error).__name__ if error is not None else None,
            why=place_of(error) if error is not None else None,
        )


def _take_over() -> None:
    """Hear what would otherwise be printed whole: libraries, threads, finalizers.

    Where somebody listens already, such as a test runner, nothing is changed.
    """
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(_Hearsay(logging.WARNING))
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: _failed("thread_failed", told.exc_value)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: _failed("finalizer_failed", told.exc_value)


def _failed(event: str, error: BaseException | None) -> None:
    if error is not None:
        place = place_of(error)
        get_logger().error(event, error_type=type(error).__name__, why=place)

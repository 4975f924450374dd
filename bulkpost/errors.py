"""Every error bulkpost raises on purpose, as one tree, split by what may be done next.

    BulkpostError
    ├── UsageError               the caller must change something; exit status 2
    │   ├── ConfigError          a setting is missing, unknown or out of range
    │   ├── InputError           an input cannot be read as rows
    │   └── MappingError         the column map does not fit the input's columns
    ├── UnexpectedPlanError      the inputs hold more or less that is new than was expected; 4
    ├── AttemptError             one attempt got no reply
    │   ├── NotSentError         the server cannot have seen the request: safe to send again
    │   └── InDoubtError         the server may have seen it: never send again unasked
    ├── ApiError                 LeadConduit's API did not answer as it should; exit status 4
    └── LedgerError              the ledger may not be used; exit status 7
        ├── LedgerBusyError      another run holds it
        ├── LedgerDamagedError   it is not a sound bulkpost ledger
        ├── LedgerRolledBackError  it is older than what this machine wrote
        └── LedgerWriteError     a write failed (disk full, value refused); exit status 1
            └── LedgerDiskError  the disk fails: what it takes now may be lost as well

``assert`` is for our own mistakes, an error class for the world's. Bad rows and refused leads are
outcomes, not errors. A ``BulkpostError`` is caught once, in ``bulkpost.cli.main``.
"""

import traceback
from collections.abc import Iterator

_FRAMES_SHOWN = 3


class BulkpostError(Exception):
    """Something went wrong that a person can act on.

    Attributes:
        message: What happened, one sentence, no lead data.
        advice: What to do next, or empty.
        command: The exact command that does it, or empty.
    """

    exit_status = 1

    def __init__(self, message: str, *, advice: str = "", command: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.command = command


class UsageError(BulkpostError):
    """The caller must change something before anything is sent."""

    exit_status = 2


class ConfigError(UsageError):
    """A setting is missing, unknown or out of range."""


class InputError(UsageError):
    """An input cannot be read as rows."""


class MappingError(UsageError):
    """The column map does not fit the input's columns."""


class UnexpectedPlanError(BulkpostError):
    """The inputs hold more or less that is new than was expected; nothing was sent."""

    exit_status = 4


class AttemptError(BulkpostError):
    """One attempt got no reply."""


class NotSentError(AttemptError):
    """The server cannot have seen the request.

    Attributes:
        is_fatal: No later attempt can fare better (an untrusted certificate): the run stops.
    """

    def __init__(self, message: str, *, is_fatal: bool = False, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.is_fatal = is_fatal


class InDoubtError(AttemptError):
    """The server may have seen the request, and no usable answer came."""


class ApiError(BulkpostError):
    """LeadConduit's API did not answer, or not as it should; nothing was concluded from it."""

    exit_status = 4


class LedgerError(BulkpostError):
    """The ledger may not be used as it is."""

    exit_status = 7


class LedgerBusyError(LedgerError):
    """Another run holds the ledger."""


class LedgerDamagedError(LedgerError):
    """The file is not a sound bulkpost ledger."""


class LedgerRolledBackError(LedgerError):
    """The ledger is older than what this machine last wrote to it."""


class LedgerWriteError(LedgerError):
    """A write to the ledger failed; nothing is sent after it."""

    exit_status = 1


class LedgerDiskError(LedgerWriteError):
    """The disk under the ledger fails, or its files are gone: it is not written to again."""


def unwrapped(error: BaseException) -> BaseException:
    """Return the error that a task group wrapped: one of ours if there is one, else the first."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, BulkpostError)), leaves[0])


def place_of(error: BaseException) -> str:
    """Return where an error arose: ``feed.py:81 > sorter.py:40``, the innermost last.

    All that is ever shown of a traceback: its messages and its variables may quote a lead.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    return (
        " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames) or "?"
    )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error

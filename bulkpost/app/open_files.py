"""How many files this process may open, against how many a run needs.

A run that finds out on the way cannot connect and cannot tell why; one that finds out before its
first lead can say what to change.
"""

import resource
from pathlib import Path
from typing import Final

from bulkpost.errors import ConfigError

OWN_FILES: Final = 16  # ledger, its log and lock, names being looked up, and some to spare
# One per connection, and another while two addresses are tried, or for the embedded sandbox's end.
FILES_PER_REQUEST: Final = 2
_OPEN_AT_MOST: Final = 32  # where the kernel does not tell


def allow_open_files(concurrency: int, inputs: int) -> None:
    """Raise this process's own limit as far as a run needs.

    Args:
        concurrency: Requests in flight at once.
        inputs: Files that are read.

    Raises:
        ConfigError: The system's limit for this process is too low.
    """
    reserved = _open_now() + OWN_FILES + inputs
    needed = reserved + FILES_PER_REQUEST * concurrency
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard == resource.RLIM_INFINITY or needed <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return
    most = (hard - reserved) // FILES_PER_REQUEST
    lower = f"lower --concurrency to {most}, or " if most > 0 else ""
    advice = f"{lower}let it open {needed} files (ulimit -Hn, LimitNOFILE= of a systemd unit)."
    raise ConfigError(
        f"this process may open {hard} files, and concurrency {concurrency} needs {needed}; "
        "nothing was sent",
        advice=advice[0].upper() + advice[1:],
    )


def _open_now() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return _OPEN_AT_MOST

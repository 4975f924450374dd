"""Which ledger of this machine knows a live destination.

A mistyped ``--ledger``, a cron job that starts in another folder, a deleted file: each makes an
empty ledger, to which every row is new, and the whole list is paid again. So the first submission
to a live destination is noted in the user's state folder, one small file per destination, and a
ledger that has never seen that destination is refused as long as another one has.
"""

import hashlib
import os
from pathlib import Path

from bulkpost.errors import LedgerError
from bulkpost.ledger.paths import create_private

_PATH_BYTES_MAX = 4096


class Registry:
    """Notes of (destination, ledger), kept under ``$XDG_STATE_HOME/bulkpost/ledgers``."""

    def __init__(self, folder: Path | None = None) -> None:
        state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        self._folder = folder or Path(state) / "bulkpost" / "ledgers"

    def check(self, destination: str, ledger: Path) -> None:
        """Refuse a ledger that has not seen a destination, if another one has.

        Raises:
            LedgerError: With the path of the ledger that has.
        """
        known = self.ledger_of(destination)
        if known is None or known == ledger.resolve():
            return
        missing = "" if known.exists() else " (which is gone: restore it from a backup)"
        raise LedgerError(
            f"what was submitted to this destination is recorded in {known}{missing}; "
            f"{ledger} knows nothing of it and would submit it again",
            advice=f"Use --ledger {known}; or, if this list was never submitted from there, add "
            "--new-ledger.",
        )

    def ledger_of(self, destination: str) -> Path | None:
        """Return the ledger that submitted to a destination first, or None."""
        try:
            with self._note(destination).open("rb") as file:
                return Path(os.fsdecode(file.read(_PATH_BYTES_MAX)))
        except OSError:
            return None

    def remember(self, destination: str, ledger: Path) -> None:
        """Note a ledger, unless one is noted. A folder that cannot be written is no error."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = create_private(self._note(destination))
        except OSError:
            return
        try:
            os.write(descriptor, os.fsencode(ledger.resolve()))
        finally:
            os.close(descriptor)

    def _note(self, destination: str) -> Path:
        return self._folder / hashlib.sha256(destination.encode()).hexdigest()

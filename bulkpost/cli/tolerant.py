"""Output that nobody reads any more must not end a run.

`bulkpost submit ... | head`, a closed terminal, a full log disk: what was to be said is lost, what
was sent is in the ledger, and the run goes on.
"""

import io
from typing import TextIO


class Tolerant(io.TextIOBase):
    """A text stream that drops what its reader no longer takes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop it."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Flush, or give up."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = _nowhere()

    def isatty(self) -> bool:
        """Tell whether a terminal shows it."""
        return not self._stream.closed and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream beneath."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True: writing never fails."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here, as in every real stream
        """The encoding of the stream beneath."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # as above
        """How characters that cannot be encoded are written."""
        return self._stream.errors

    @property
    def buffer(self) -> io.BufferedIOBase:
        """The bytes beneath."""
        return self._stream.buffer  # type: ignore[return-value]  # BinaryIO in name only


def _nowhere() -> TextIO:
    return io.StringIO()

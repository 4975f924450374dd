"""SQLite's write-ahead log, frame by frame, for tests that stand for power loss.

Reference: sqlite.org/fileformat2.html, section 4.
"""

from dataclasses import dataclass
from pathlib import Path

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


@dataclass(frozen=True, slots=True)
class Wal:
    """A log: where its frames of the present generation begin, and which of them end a commit."""

    path: Path
    frame_bytes: int
    commits: tuple[int, ...]  # offsets just behind the frame of each commit mark
    end: int  # offset behind the last frame of this generation

    @classmethod
    def of(cls, database: Path) -> "Wal":
        path = database.with_name(database.name + "-wal")
        content = path.read_bytes()
        frame_bytes = int.from_bytes(content[8:12], "big") + _FRAME_HEADER_BYTES
        salts, commits, place = content[16:24], [], _HEADER_BYTES
        while place + frame_bytes <= len(content) and content[place + 8 : place + 16] == salts:
            is_commit = int.from_bytes(content[place + 4 : place + 8], "big") > 0
            place += frame_bytes
            if is_commit:
                commits.append(place)
        return cls(path, frame_bytes, tuple(commits), place)

    def cut(self, offset: int, garbage: bytes = b"") -> None:
        """Lose everything from an offset on."""
        content = self.path.read_bytes()[:offset] + garbage
        self.path.write_bytes(content)

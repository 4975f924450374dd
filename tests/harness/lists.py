"""Inputs whose rows can be found again at the server, full of canaries."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("reference", "email", "last_name", "ssn", "note")
# Text that may stand in the input and at the server, and nowhere else.
CANARIES = (b"canary.", b"Kanarienvogel", b"987-65-", b"9876500", b"zwitscher")


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its reference, and the text that an edit changes."""

    number: int
    note: str = ""

    @property
    def reference(self) -> str:
        return f"r{self.number:06d}"

    @property
    def cells(self) -> tuple[str, ...]:
        return (
            self.reference,
            f"canary.{self.number}@example.com",
            f"Kanarienvogel {self.number}",
            f"987-65-{self.number % 10_000:04d}",
            f"zwitscher {self.note or self.number}",
        )


def lines(first: int, last: int) -> list[Line]:
    return [Line(number) for number in range(first, last + 1)]


def write_list(
    path: Path,
    rows: Iterable[Line],
    extra: Sequence[tuple[str, str | Callable[[Line], str]]] = (),
    mode: str = "w",
) -> Path:
    """Write a CSV; ``extra`` are further columns, with one value for every row or one for each."""
    with path.open(mode, encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if mode == "w":
            writer.writerow([*COLUMNS, *(name for name, _ in extra)])
        writer.writerows(
            [*row.cells, *(of(row) if callable(of) else of for _, of in extra)] for row in rows
        )
    return path

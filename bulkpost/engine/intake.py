"""Taking an input in: who it is, whether the ledger knows it, and whether it can be read at all.

An input is known by its bytes. The same bytes resume at the low-water mark; a longer file whose old
part is unchanged is the same input, grown; anything else is new, and is read whole before its first
lead is sent. Its rows are then protected by their keys.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import anyio.to_thread

from bulkpost.errors import InputError
from bulkpost.ledger.reader import InputRecord, StoredMark
from bulkpost.reading.digest import ContentDigest
from bulkpost.reading.reader import Reader
from bulkpost.reading.survey import Mark, survey


class KnownInputs(Protocol):
    """What the ledger knows of inputs; ``LedgerReader`` is one."""

    async def find(self, kind: str, destination: str, digest: str) -> InputRecord | None:
        """Return the input with these bytes under this destination."""
        ...

    async def growth_candidates(self, kind: str, destination: str) -> list[InputRecord]:
        """Return the inputs of this destination, longest first."""
        ...


class NoLedger:
    """Knows nothing: what ``check`` asks where there is no ledger yet."""

    async def find(self, kind: str, destination: str, digest: str) -> InputRecord | None:  # noqa: ARG002
        """Return None."""
        return None

    async def growth_candidates(self, kind: str, destination: str) -> list[InputRecord]:  # noqa: ARG002
        """Return nothing."""
        return []


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides whether and as what a row is sent."""

    key_spec: str
    map_digest: str
    duplicates: str


@dataclass(frozen=True, slots=True)
class Intake:
    """An input that can be read to its end.

    Attributes:
        record: What the ledger is to hold of it; id 0 if it is new.
        known: What the ledger held before; None if it is new.
        marks: New places to resume from.
        bad_rows: Rows with a defect; None if it was not read again.
    """

    record: InputRecord
    known: InputRecord | None
    marks: tuple[StoredMark, ...]
    bad_rows: int | None

    @property
    def has_grown(self) -> bool:
        """Whether it is a known input with rows added at its end."""
        return self.known is not None and self.known.digest != self.record.digest

    @property
    def rules_changed(self) -> bool:
        """Whether rows that were refused before may fare differently now."""
        return self.known is not None and self.known.differs_in_rules(self.record)


async def take_in(
    reader: Reader,
    inputs: KnownInputs,
    blank: InputRecord,
    progress: Callable[[int], None] | None = None,
    *,
    claimed: Collection[int] = (),
) -> Intake:
    """Identify an input, and read it whole if the ledger does not know it.

    Args:
        reader: The input.
        inputs: What the ledger knows.
        blank: Destination, rules, path and format of the record to be made.
        progress: Called with the number of rows read so far.
        claimed: Inputs of the ledger that another input of the same command is already.

    Raises:
        InputError: It cannot be read to its end, or was read in another way before; nothing of it
            may be sent.
    """
    candidates = [
        candidate
        for candidate in await inputs.growth_candidates(blank.kind, blank.destination)
        if candidate.id not in claimed
    ]
    sizes = [candidate.size_bytes for candidate in candidates]
    found = await anyio.to_thread.run_sync(reader.digest, sizes)
    known = await inputs.find(blank.kind, blank.destination, found.digest)
    if known is not None and known.id in claimed:
        known = None  # an input before this one in the command has grown out of it
    if known is not None:
        _check_reading(reader, blank, known)
        record = replace(
            blank,
            id=known.id,
            digest=known.digest,
            size_bytes=known.size_bytes,
            rows=known.rows,
            low_water=known.low_water,
        )
        return Intake(record, known, (), None)
    grown_from = _grown_from(candidates, found)
    if grown_from is not None:
        _check_reading(reader, blank, grown_from)
    return await _survey(reader, blank, grown_from, progress)


def _check_reading(reader: Reader, blank: InputRecord, known: InputRecord) -> None:
    """Refuse to read known bytes as other rows: outcomes are recorded by row number."""
    if blank.format == known.format:
        return
    raise InputError(
        f"{reader.path.name} was read as {known.format} before, and is read as {blank.format} now: "
        "its rows would be other rows than those that are recorded",
        advice="Give the same --format, --encoding, --delimiter and --no-header as then; for "
        "feedback also the same --type and columns. If that was the mistake, save the list with "
        "one blank line more: it is then a new input, in which "
        "what was submitted is still recognised.",
    )


async def _survey(
    reader: Reader,
    blank: InputRecord,
    known: InputRecord | None,
    progress: Callable[[int], None] | None,
) -> Intake:
    seen = await anyio.to_thread.run_sync(survey, reader, progress)
    record = replace(
        blank,
        id=known.id if known else 0,
        digest=seen.digest,
        size_bytes=seen.size_bytes,
        rows=seen.rows,
        low_water=known.low_water if known else 0,
    )
    return Intake(record, known, tuple(_stored(mark) for mark in seen.marks), seen.bad_rows)


def _grown_from(candidates: Sequence[InputRecord], found: ContentDigest) -> InputRecord | None:
    for candidate in candidates:
        if found.prefixes.get(candidate.size_bytes) == candidate.digest:
            return candidate
    return None


def _stored(mark: Mark) -> StoredMark:
    return StoredMark(mark.position, mark.digest_before)

"""A row on its way through the engine, generic in what it sends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bulkpost.engine.waterline import Batch
from bulkpost.lead import Identity
from bulkpost.row import Row

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Words:
    """How people call an item that is the same as another.

    Attributes:
        item: As a whole: "same lead as another row".
        key: What makes it the same: "same key as another row".
        content: The rest of it: "other content".
    """

    item: str
    key: str
    content: str


LEAD_WORDS: Final = Words("lead", "key", "content")


@dataclass(frozen=True, slots=True)
class Prepared(Generic[ItemT]):
    """A row turned into something that can be sent.

    Attributes:
        item: What is sent.
        identity: Who it is, over all inputs and runs.
        destination: Name of where it goes.
        generated: (field name, text) pairs of ours that are sent with it.
        changed: Names of the fields that are sent otherwise than they stand in the row.
        found: (field name, code) of what was found in its values.
        words: How it is called.
    """

    item: ItemT = field(repr=False)
    identity: Identity
    destination: str
    generated: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()
    found: tuple[tuple[str, str], ...] = ()
    words: Words = LEAD_WORDS


# Turns a row into what it sends, or into the reason (fixed words) why it is not sent.
Prepare = Callable[[Row], Prepared[ItemT] | str]


@dataclass(slots=True)
class Job(Generic[ItemT]):
    """One row and how far it has come.

    Attributes:
        row_number: The row; the first is 1.
        row_id: The ledger's number for it.
        prepared: What it sends.
        attempt: Number of its latest attempt over all runs; 0 before the first.
        ambiguous: Attempts answered 502 or 504 so far, over all runs.
        refusals: Answers of 502, 503 or 504 in this run.
        unsent: Attempts in this run that never left.
        is_open: It has an intent in the ledger, in back-off.
        supersedes: It has an earlier ending in the ledger that gives way to its first intent.
        allow_duplicate: It is sent although its key was sent before.
        batch: The batch that counts it, if it lies above the low-water mark.
    """

    row_number: int
    row_id: int
    prepared: Prepared[ItemT] = field(repr=False)
    attempt: int = 0
    ambiguous: int = 0
    refusals: int = 0
    unsent: int = 0
    is_open: bool = False
    supersedes: bool = False
    allow_duplicate: bool = False
    batch: Batch | None = None

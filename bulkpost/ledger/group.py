"""What the writer puts into one transaction, in an order that no row can trip over.

Within one group a row's changes can only be: an ending, or a back-off followed by the next intent
or, when the run is stopping, by its ending. So back-offs are written first, then endings, then
refusals, then intents.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkpost.errors import LedgerWriteError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import Intent, Rearm, Refused, Settlement, Wait
from bulkpost.ledger.statements import sql
from bulkpost.ledger.states import ANSWERED, State

_REASONS_CACHED_MAX = 10_000
_MESSAGES_CACHED_MAX = 1_000  # up to some kB each


@dataclass(slots=True)
class Group:
    """Entries waiting for their COMMIT, each with its time in the run.

    Attributes:
        run_id: The run that makes them.
        refused: After the commit: rows whose intent the ledger did not take.
    """

    run_id: int
    settlements: list[tuple[Settlement, int]] = field(default_factory=list)
    waits: list[tuple[Wait, int]] = field(default_factory=list)
    refusals: list[tuple[Refused, int]] = field(default_factory=list)
    intents: list[tuple[Intent, int]] = field(default_factory=list)
    rearms: list[tuple[Rearm, int]] = field(default_factory=list)
    low_waters: dict[int, int] = field(default_factory=dict)
    refused: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(
            self.settlements
            or self.waits
            or self.refusals
            or self.intents
            or self.rearms
            or self.low_waters
        )

    def without_intents(self) -> "Group":
        """Return what must not be lost: everything but the intents to send."""
        return Group(self.run_id, self.settlements, self.waits, self.refusals)


class _Interned:
    """Texts and the numbers under which they are stored; numbers of a transaction on trial."""

    def __init__(self, cached_max: int) -> None:
        self._ids: dict[str, int] = {}
        self._fresh: dict[str, int] = {}
        self._cached_max = cached_max

    def get(self, text: str) -> int | None:
        """Return the number of a text that is known to be stored."""
        return self._ids.get(text) or self._fresh.get(text)

    def add(self, text: str, number: int) -> int:
        """Note the number of a text stored in this transaction, and return it."""
        self._fresh[text] = number
        return number

    def keep(self) -> None:
        """The transaction was committed: its numbers are real."""
        self._ids.update(self._fresh)
        self._fresh.clear()
        if len(self._ids) > self._cached_max:
            self._ids.clear()

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._fresh.clear()


class Texts:
    """What rows have in common: reasons, and the requests and replies of http_errors."""

    def __init__(self) -> None:
        self._reasons = _Interned(_REASONS_CACHED_MAX)
        self._messages = _Interned(_MESSAGES_CACHED_MAX)

    def reason_id(self, connection: sqlite3.Connection, text: str | None) -> int | None:
        """Return the number of a reason, storing it if it is new; each is stored once."""
        if text is None:
            return None
        known = self._reasons.get(text)
        if known is not None:
            return known
        connection.execute("INSERT OR IGNORE INTO reason (text) VALUES (?)", (text,))
        row = connection.execute("SELECT id FROM reason WHERE text = ?", (text,)).fetchone()
        return self._reasons.add(text, int(row[0]))

    def message_id(self, connection: sqlite3.Connection, text: str) -> int:
        """Return the number of a request or reply; stored once, as long as it is remembered."""
        known = self._messages.get(text)
        if known is not None:
            return known
        number = connection.execute(sql("message"), {"document": text}).lastrowid
        assert number is not None
        return self._messages.add(text, number)

    def keep(self) -> None:
        """The transaction was committed: its numbers are real."""
        self._reasons.keep()
        self._messages.keep()

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._reasons.forget()
        self._messages.forget()


def write(group: Group, texts: Texts, connection: sqlite3.Connection) -> None:
    """Write a group; part of a transaction that the caller commits."""

    def reason_id(text: str | None) -> int | None:
        return texts.reason_id(connection, text)

    _wait(connection, group, reason_id)
    _settle(connection, group, reason_id)
    _keep_evidence(connection, group, texts)
    _refuse(connection, group, reason_id)
    fault_point("commit.middle")
    _arm(connection, group)
    for input_id, low_water in group.low_waters.items():
        connection.execute(sql("low_water"), {"input_id": input_id, "low_water": low_water})


def _settle(
    connection: sqlite3.Connection, group: Group, reason_id: Callable[[str | None], int | None]
) -> None:
    if not group.settlements:
        return
    params = [
        {
            "row_id": entry.row_id,
            "state": State.of(entry.outcome.kind).value,
            "http_status": entry.outcome.http_status,
            "attempts": entry.attempts,
            "ambiguous": entry.ambiguous,
            "reason_id": reason_id(entry.outcome.reason),
            "lead_id": lead_id_bytes(entry.outcome.lead_id),
            "price_micros": entry.outcome.price_micros,
            "elapsed_ms": elapsed_ms,
            "latency_ms": entry.latency_ms,
        }
        for entry, elapsed_ms in group.settlements
    ]
    settled = _many(connection, "settle", params)
    _many(connection, "settle_intent", params)
    if settled < len(params):
        # Dropped without a word, an answer would leave its row to be sent again.
        raise LedgerWriteError("an ending came for a row that was not under way")
    odd = [
        {**row, "attempt": row["attempts"], "run_id": group.run_id}
        for row, (entry, _) in zip(params, group.settlements, strict=True)
        if State.of(entry.outcome.kind) not in ANSWERED
    ]
    _many(connection, "attempt", odd)
    for entry, _ in group.settlements:
        if entry.due_at_ms is not None:
            connection.execute(
                sql("settle_due"), {"row_id": entry.row_id, "due_at_ms": entry.due_at_ms}
            )


def _keep_evidence(connection: sqlite3.Connection, group: Group, texts: Texts) -> None:
    for entry, _ in group.settlements:
        if entry.evidence is None:
            continue
        request_id, reply_id = (texts.message_id(connection, half) for half in entry.evidence)
        connection.execute(
            sql("evidence"),
            {"row_id": entry.row_id, "request_id": request_id, "reply_id": reply_id},
        )


def _wait(
    connection: sqlite3.Connection, group: Group, reason_id: Callable[[str | None], int | None]
) -> None:
    params = [
        {
            "row_id": entry.row_id,
            "attempt": entry.attempt,
            "run_id": group.run_id,
            "state": State.DEFERRED.value,
            "http_status": entry.outcome.http_status,
            "reason_id": reason_id(entry.outcome.reason),
            "ambiguous": entry.ambiguous,
            "due_at_ms": entry.due_at_ms,
            "elapsed_ms": elapsed_ms,
            "latency_ms": entry.latency_ms,
        }
        for entry, elapsed_ms in group.waits
    ]
    _many(connection, "back_off", params)
    _many(connection, "attempt", params)


def _refuse(
    connection: sqlite3.Connection, group: Group, reason_id: Callable[[str | None], int | None]
) -> None:
    params = [
        {
            "row_id": entry.row_id,
            "run_id": group.run_id,
            "state": entry.state.value,
            "reason_id": reason_id(entry.reason),
            "elapsed_ms": elapsed_ms,
            "detail": entry.detail,
        }
        for entry, elapsed_ms in group.refusals
    ]
    _many(connection, "skip", params)
    _many(connection, "skip_due", params)


def _arm(connection: sqlite3.Connection, group: Group) -> None:
    intents: list[dict[str, Any]] = [
        {
            "row_id": entry.row_id,
            "run_id": group.run_id,
            "key": entry.key,
            "content": entry.content,
            "attempt": entry.attempt,
            "ambiguous": entry.ambiguous,
            "elapsed_ms": elapsed_ms,
            "duplicates": entry.allow_duplicate,
        }
        for entry, elapsed_ms in group.intents
    ]
    rearms: list[dict[str, Any]] = [
        {"row_id": entry.row_id, "attempt": entry.attempt, "elapsed_ms": elapsed_ms}
        for entry, elapsed_ms in group.rearms
    ]
    taken = _many(connection, "arm", intents)
    taken += _many(connection, "rearm", rearms)
    superseding = [{"row_id": entry.row_id} for entry, _ in group.intents if entry.supersedes]
    _many(connection, "arm_supersede", superseding)
    _many(connection, "arm_due", superseding)
    if taken < len(intents) + len(rearms):
        group.refused = _not_armed(
            connection, [row["row_id"] for row in intents] + [row["row_id"] for row in rearms]
        )


def _not_armed(connection: sqlite3.Connection, row_ids: Sequence[int]) -> frozenset[int]:
    armed = {
        row_id
        for row_id in row_ids
        if connection.execute(
            "SELECT 1 FROM intent WHERE row_id = ? AND phase = 0", (row_id,)
        ).fetchone()
    }
    return frozenset(row_ids) - armed


def _many(connection: sqlite3.Connection, name: str, params: Iterable[dict[str, Any]]) -> int:
    params = list(params)
    return connection.executemany(sql(name), params).rowcount if params else 0


def lead_id_bytes(lead_id: str | None) -> bytes | None:
    """Return the 12 bytes of a lead id."""
    return bytes.fromhex(lead_id) if lead_id is not None else None

"""The last resort when the database takes no more: outcomes as JSON lines beside it.

No lead data is in a line: row, state, status, lead id, price, scrubbed reason. The next start
imports the file and removes it.
"""

import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkpost.errors import LedgerDamagedError
from bulkpost.ledger.entries import Settlement, Wait
from bulkpost.ledger.group import Texts, lead_id_bytes
from bulkpost.ledger.paths import create_private
from bulkpost.ledger.states import State

_LINE_START = b'{"row_id"'
_FILE_BYTES_MAX = 256 * 1024 * 1024
_ADVICE = (
    "Nothing was sent or changed. It belongs to another ledger, or to a newer copy of this one: "
    "put that one back. Or move the .rescue file away, and keep it."
)


class RescuedRow(msgspec.Struct, frozen=True):
    """One line of a rescue file; ``ledger_id`` is that of its ledger, in hex."""

    row_id: int
    run_id: int
    ledger_id: str
    state: int
    attempts: int
    ambiguous: int
    elapsed_ms: int
    http_status: int | None = None
    reason: str | None = None
    lead_id: str | None = None
    price_micros: int | None = None
    latency_ms: int | None = None


def save(
    path: Path,
    ledger_id: bytes,
    run_id: int,
    settlements: Iterable[tuple[Settlement, int]],
    waits: Iterable[tuple[Wait, int]],
) -> bool:
    """Append outcomes and flush them to the disk.

    Lines that even this file cannot take go to standard error.

    Returns:
        Whether all of them are in the file.
    """
    ledger = ledger_id.hex()
    rows = [_of_settlement(ledger, run_id, entry, at_ms) for entry, at_ms in settlements]
    rows += [_of_wait(ledger, run_id, entry, at_ms) for entry, at_ms in waits]
    text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    try:
        with _opened(path) as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                # What a full disk has cut off must not swallow the next line.
                text = text if file.read(1) == b"\n" else b"\n" + text
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # closed: there is nobody left to tell
            sys.stderr.write(text.decode())
        return False
    return True


def _opened(path: Path) -> BinaryIO:
    """Open the file for reading and writing, or make it; a link is not followed."""
    try:
        descriptor = create_private(path)
    except FileExistsError:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb+")


def load(path: Path) -> list[RescuedRow]:
    """Read a rescue file; a line cut by a full disk ends it.

    Raises:
        LedgerDamagedError: A line in the middle is not one of ours.
    """
    if path.is_symlink():
        raise LedgerDamagedError(f"the rescue file is a symbolic link: {path}")
    if not path.exists():
        return []
    if path.stat().st_size > _FILE_BYTES_MAX:
        raise LedgerDamagedError(f"the rescue file is too large to be one: {path}")
    lines = path.read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(msgspec.json.decode(line, type=RescuedRow))
        except (msgspec.DecodeError, UnicodeDecodeError):
            is_ours = line.startswith(_LINE_START) or _LINE_START.startswith(line)
            if is_ours and not line.rstrip().endswith(b"}"):
                continue  # cut by the full disk: its row is in doubt, which is the truth
            raise LedgerDamagedError(
                f"line {number} of the rescue file is not an outcome: {path}",
                advice="Keep the file; remove that line, and run again.",
            ) from None
    return rows


def adopt(
    rows: Sequence[RescuedRow], connection: sqlite3.Connection, ledger_id: bytes, now_at_ms: int
) -> int:
    """Write rescued outcomes over the doubts that recovery made of them.

    Only rows in doubt are touched, so that adopting a file twice changes nothing.

    Args:
        rows: The lines.
        connection: The ledger, in a transaction.
        ledger_id: Its id.
        now_at_ms: Milliseconds since 1970.

    Returns:
        How many rows were adopted.

    Raises:
        LedgerDamagedError: The file belongs to another ledger, or the ledger has no place for an
            answer.
    """
    if any(row.ledger_id != ledger_id.hex() for row in rows):
        # Two ledgers number their rows alike: nothing else would tell whose answers these are.
        raise LedgerDamagedError("the rescue file holds answers of another ledger", advice=_ADVICE)
    texts = Texts()
    adopted = 0
    for row in rows:
        state = State(row.state)
        changed = connection.execute(
            "UPDATE outcome SET state = ?, http_status = ?, attempts = ?, ambiguous = ?,"
            " reason_id = ?, lead_id = ?, price_micros = ?, elapsed_ms = ?, latency_ms = ?"
            " WHERE row_id = ? AND run_id = ? AND state = 20",
            (
                state.value,
                row.http_status,
                row.attempts,
                row.ambiguous,
                texts.reason_id(connection, row.reason),
                lead_id_bytes(row.lead_id),
                row.price_micros,
                row.elapsed_ms,
                row.latency_ms,
                row.row_id,
                row.run_id,
            ),
        ).rowcount
        if changed:
            adopted += 1
            connection.execute(
                "INSERT INTO resolution (row_id, at_ms, how, who, state_before, state_after)"
                " VALUES (?, ?, 'rescue', 'bulkpost', 20, ?)",
                (row.row_id, now_at_ms, state.value),
            )
        elif not _is_known(row, connection):
            raise LedgerDamagedError(
                "the rescue file holds an answer to a row that was never sent from this ledger, "
                "or the only record of a lead id",
                advice=_ADVICE,
            )
    return adopted


def _is_known(row: RescuedRow, connection: sqlite3.Connection) -> bool:
    """Tell whether nothing is lost if a line is left out: it came twice, or too late."""
    found = connection.execute(
        "SELECT lead_id FROM outcome WHERE row_id = ?1"
        " UNION ALL SELECT lead_id FROM resolution WHERE row_id = ?1",
        (row.row_id,),
    ).fetchall()
    lead_id = lead_id_bytes(row.lead_id)
    return bool(found) and (lead_id is None or (lead_id,) in found)


def _of_settlement(ledger_id: str, run_id: int, entry: Settlement, elapsed_ms: int) -> RescuedRow:
    return RescuedRow(
        row_id=entry.row_id,
        run_id=run_id,
        ledger_id=ledger_id,
        state=State.of(entry.outcome.kind).value,
        attempts=entry.attempts,
        ambiguous=entry.ambiguous,
        elapsed_ms=elapsed_ms,
        http_status=entry.outcome.http_status,
        reason=entry.outcome.reason,
        lead_id=entry.outcome.lead_id,
        price_micros=entry.outcome.price_micros,
        latency_ms=entry.latency_ms,
    )


def _of_wait(ledger_id: str, run_id: int, entry: Wait, elapsed_ms: int) -> RescuedRow:
    return RescuedRow(
        row_id=entry.row_id,
        run_id=run_id,
        ledger_id=ledger_id,
        state=State.DEFERRED.value,
        attempts=entry.attempt,
        ambiguous=entry.ambiguous,
        elapsed_ms=elapsed_ms,
        http_status=entry.outcome.http_status,
        reason=entry.outcome.reason,
        latency_ms=entry.latency_ms,
    )

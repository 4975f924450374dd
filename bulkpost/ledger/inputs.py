"""Writing down an input: its digest, size and marks."""

import sqlite3
from collections.abc import Sequence

from bulkpost.faultpoint import fault_point
from bulkpost.ledger.reader import InputRecord, StoredMark


def store_input(
    raw: sqlite3.Connection, record: InputRecord, marks: Sequence[StoredMark], now_at_ms: int
) -> int:
    """Add an input, or write what has changed about one, with its marks; return its number."""
    raw.execute(
        "INSERT OR IGNORE INTO destination (kind, name, first_used_at_ms) VALUES (?, ?, ?)",
        (record.kind, record.destination, now_at_ms),
    )
    input_id = record.id or _insert(raw, record, now_at_ms)
    raw.execute(
        "UPDATE input SET digest = ?, size_bytes = ?, rows = ?, key_spec = ?,"
        " map_digest = ?, duplicates = ?, path = ?, format = ? WHERE id = ?",
        (
            bytes.fromhex(record.digest),
            record.size_bytes,
            record.rows,
            record.key_spec,
            record.map_digest,
            record.duplicates,
            record.path,
            record.format,
            input_id,
        ),
    )
    fault_point("input.marks")
    raw.executemany(
        "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)",
        [
            (
                input_id,
                mark.position.row_number,
                mark.position.offset_bytes,
                mark.position.line_number,
                bytes.fromhex(mark.digest),
            )
            for mark in marks
        ],
    )
    return input_id


def _insert(raw: sqlite3.Connection, record: InputRecord, now_at_ms: int) -> int:
    cursor = raw.execute(
        "INSERT INTO input (destination_id, digest, size_bytes, rows, key_spec, map_digest,"
        " duplicates, path, format, first_seen_at_ms)"
        " SELECT id, ?, 0, 0, '', '', '', '', '', ? FROM destination WHERE kind = ? AND name = ?",
        (bytes.fromhex(record.digest), now_at_ms, record.kind, record.destination),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid

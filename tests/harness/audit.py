"""The invariants I1 to I5 over millions of rows, in bounded memory.

``rules`` keeps every row in memory, which is right for hundreds. Here the server's log goes line by
line into a scratch database on disk, and SQL joins it with a copy of the ledger.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bulkpost.ledger.entries import row_id_of
from bulkpost.ledger.states import ANSWERED, REFUSED, State
from harness.snapshot import copied

_EXAMPLES = 3
_CACHE_KIB = 32 * 1024
_ROW_ZERO = row_id_of(1, 1) - 1
_ANSWERED = ", ".join(str(state.value) for state in ANSWERED)
_SENT_NEVER = ", ".join(str(state.value) for state in REFUSED)
# A deferred row, or one in back-off, was surely not taken by its last attempt.
_NOT_TAKEN = ", ".join(str(state.value) for state in (State.DEFERRED, State.BACK_OFF))

# LeadConduit's documentation asks for a retry after 502, 503 and 504, so a row may be at the server
# once more for each; the ledger counts those after 502 and 504 as ambiguous.
_TABLES = f"""
CREATE TABLE entry (row_id INTEGER, state INTEGER, ambiguous INTEGER, lead_id BLOB);
INSERT INTO entry SELECT row_id, state, ambiguous, lead_id FROM ledger.outcome;
INSERT INTO entry SELECT row_id, phase, ambiguous, NULL FROM ledger.intent;
CREATE INDEX entry_row ON entry (row_id);
CREATE INDEX taken_row ON taken (row_id, lead_id);
CREATE TABLE asked (row_id INTEGER PRIMARY KEY, unclear INTEGER, refused INTEGER);
INSERT INTO asked
SELECT row_id, sum(http_status IN (502, 504)), sum(http_status = 503)
FROM ledger.attempt WHERE http_status IN (502, 503, 504) GROUP BY row_id;
CREATE TABLE may (row_id INTEGER, times INTEGER);
INSERT INTO may
SELECT row_id, ifnull(unclear + refused, 0) + (state NOT IN ({_NOT_TAKEN}))
FROM entry LEFT JOIN asked USING (row_id);
CREATE INDEX may_row ON may (row_id);
"""  # noqa: S608  # numbers of ours
_TWICE = """
SELECT row_id, count(*) || ' times at the server, and may be there ' || times || ' times'
FROM taken JOIN may USING (row_id) GROUP BY row_id HAVING count(*) > times
"""
_MISCOUNTED = """
SELECT row_id, ambiguous || ' ambiguous retries, and ' || ifnull(unclear, 0) || ' answers for them'
FROM entry LEFT JOIN asked USING (row_id) WHERE ambiguous != ifnull(unclear, 0)
"""
_FORGOTTEN = f"""
SELECT DISTINCT row_id, 'at the server, and its row is unsent'
FROM taken LEFT JOIN entry USING (row_id) WHERE state IS NULL OR state IN ({_SENT_NEVER})
"""  # noqa: S608  # numbers of ours
_OTHER_ID = f"""
SELECT row_id, 'its lead id is not the server''s'
FROM entry WHERE (state IN ({_ANSWERED}) OR lead_id IS NOT NULL) AND NOT EXISTS (
    SELECT 1 FROM taken WHERE taken.row_id = entry.row_id AND taken.lead_id = entry.lead_id
)
"""  # noqa: S608  # numbers of ours
_TWOFOLD = "SELECT row_id, 'has two states' FROM entry GROUP BY row_id HAVING count(*) > 1"
_STRANGE = """
SELECT row_id, 'is no row of the list' FROM entry WHERE row_id NOT BETWEEN :first AND :last
"""
_RULES = (
    ("I1", _TWICE),
    ("I1", _MISCOUNTED),
    ("I2", _FORGOTTEN),
    ("I3", _OTHER_ID),
    ("I5", _TWOFOLD),
    ("I5", _STRANGE),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What an audit found.

    Attributes:
        wrong: One line for each broken invariant, with examples; empty if all hold.
        counts: Rows by state, the pending ones included.
        leads: Leads at the server.
        repeats: Leads there that are not the first of their row.
    """

    wrong: tuple[str, ...]
    counts: dict[State, int]
    leads: int
    repeats: int


class _Fields(msgspec.Struct):
    email: str


class _Taken(msgspec.Struct):
    id: str
    fields: _Fields


def audit(ledger: Path, log: Path, rows: int, armed_max: int) -> Found:
    """Hold the server's log against the ledger of one list; neither is touched.

    Args:
        ledger: Its first input is a list of ``benchmarks.lists``.
        log: The sandbox's.
        rows: Of the list.
        armed_max: Rows that may be under way: the concurrency after a crash, else 0.
    """
    with copied(ledger) as copy, _scratch(ledger.parent) as scratch:
        scratch.execute("BEGIN")
        scratch.executemany("INSERT INTO taken VALUES (?, ?)", _leads(log))
        scratch.execute("COMMIT")
        scratch.execute("ATTACH ? AS ledger", (str(copy),))
        scratch.executescript(_TABLES)
        return _found(scratch, rows, armed_max)


@contextmanager
def _scratch(place: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that lives as long as a block, on disk, with a bounded cache."""
    with (
        TemporaryDirectory(dir=place) as folder,
        closing(sqlite3.connect(Path(folder, "scratch.db"), isolation_level=None)) as scratch,
    ):
        scratch.execute("PRAGMA journal_mode = OFF")
        scratch.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        scratch.execute("PRAGMA temp_store = FILE")
        scratch.execute("CREATE TABLE taken (row_id INTEGER, lead_id BLOB)")
        yield scratch


def _found(scratch: sqlite3.Connection, rows: int, armed_max: int) -> Found:
    wrong = [line for rule, select in _RULES for line in _broken(scratch, rule, select, rows)]
    counts = {
        State(number): count
        for number, count in scratch.execute("SELECT state, count(*) FROM entry GROUP BY state")
    }
    armed = counts.get(State.ARMED, 0)
    if armed > armed_max:
        wrong.append(f"I4: {armed} rows are armed, and {armed_max} may be")
    pending = rows - sum(counts.values())
    if pending < 0 or (not armed_max and State.BACK_OFF in counts):
        wrong.append(f"I5: the states do not add up to the {rows:,} rows: {counts}")
    leads, taken_rows = scratch.execute(
        "SELECT count(*), count(DISTINCT row_id) FROM taken"
    ).fetchone()
    return Found(tuple(wrong), counts | {State.PENDING: pending}, leads, leads - taken_rows)


def _broken(scratch: sqlite3.Connection, rule: str, select: str, rows: int) -> Iterator[str]:
    values = {"first": row_id_of(1, 1), "last": row_id_of(1, rows)} if ":first" in select else {}
    (count,) = scratch.execute(f"SELECT count(*) FROM ({select})", values).fetchone()  # noqa: S608  # ours
    if count:
        examples = scratch.execute(f"{select} LIMIT {_EXAMPLES}", values)
        words = "; ".join(f"row {row_id - _ROW_ZERO}: {text}" for row_id, text in examples)
        yield f"{rule}: {count:,} rows, the first: {words}"


def _leads(log: Path) -> Iterator[tuple[int, bytes]]:
    """Return row and lead id of each lead on the log; a line that is being written is left out."""
    decode: Callable[[bytes], _Taken] = msgspec.json.Decoder(_Taken).decode
    number = re.compile(r"ada\.(\d+)@example\.com").fullmatch
    with log.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                taken = decode(line)
                match = number(taken.fields.email)
                yield _ROW_ZERO + (int(match[1]) if match else 0), bytes.fromhex(taken.id)

"""Is a ledger whole, and is every row of every input accounted for?"""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bulkpost.ledger import schema
from bulkpost.ledger.lock import is_held, witnessed_commits
from bulkpost.ledger.paths import LedgerPaths
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.reporting.row_reference import reference_text
from bulkpost.reporting.wording import counted

FINDINGS_MAX: Final = 20
LEAD_IDS_MAX: Final = 10


class Grade(StrEnum):
    """How a finding counts."""

    OK = "ok"
    NOTE = "note"  # worth knowing, nothing wrong with the ledger
    BAD = "bad"  # the ledger is not sound


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the verdict.

    Attributes:
        check: What was looked at.
        grade: How it counts.
        words: What was found, without lead data.
    """

    check: str
    grade: Grade
    words: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON values."""
        return {"check": self.check, "grade": self.grade.value, "found": self.words}


@dataclass(frozen=True, slots=True)
class Soundness:
    """The verdict over a ledger."""

    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(finding.grade is not Grade.BAD for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "is_sound": self.is_sound,
            "findings": [finding.to_dict() for finding in self.findings],
        }


async def examine(reader: LedgerReader, paths: LedgerPaths) -> Soundness:
    """Look at everything; a ledger that cannot even be read stops at what it could not.

    A run may go on meanwhile: each check sees one moment.
    """
    witnessed = witnessed_commits(paths.lock)  # before the ledger's own: never ahead of it
    findings: list[Finding] = []
    checks: list[Callable[[LedgerReader, LedgerPaths], Awaitable[list[Finding]]]] = [
        _pages,
        _rows,
        _strays,
        _keys,
        _repeats,
        _lead_ids,
        _leftovers,
    ]
    try:
        # First of all: a view in the place of a table would run whatever somebody put into it.
        findings.append(await _tables(reader))
        if findings[0].grade is Grade.BAD:
            return Soundness(tuple(findings))
        findings.append(await _commits(reader, witnessed))
        for check in checks:
            findings += await check(reader, paths)
            if check is _pages and findings[-1].grade is Grade.BAD:
                break  # what follows would stumble over it
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        findings.append(Finding("pages", Grade.BAD, f"the ledger cannot be read ({name})"))
    return Soundness(tuple(findings))


async def _commits(reader: LedgerReader, witnessed: int) -> Finding:
    rows = await reader.fetch("SELECT number FROM commit_count")
    number = int(rows[0][0]) if rows else 0
    if witnessed > number:
        return Finding(
            "commits",
            Grade.BAD,
            f"{witnessed - number:,} of {witnessed:,} commits are missing: it was restored from "
            "an older copy, or the disk lost what it had acknowledged",
        )
    return Finding("commits", Grade.OK, f"{number:,} commits, none missing")


async def _pages(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    rows = [str(row[0]) for row in await reader.fetch(f"PRAGMA integrity_check({FINDINGS_MAX})")]
    if rows == ["ok"]:
        return [Finding("pages", Grade.OK, "SQLite's integrity check passed")]
    return [Finding("pages", Grade.BAD, row.replace("\n", " ")) for row in rows]


async def _tables(reader: LedgerReader) -> Finding:
    if schema.is_ours(row[0] for row in await reader.fetch(schema.STATEMENTS)):
        return Finding("tables", Grade.OK, "as bulkpost makes them")
    return Finding("tables", Grade.BAD, "another program has changed tables, indexes or views")


async def _rows(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    findings = [_input_finding(row) for row in await reader.fetch(sql("verify_inputs"))]
    return findings or [Finding("rows", Grade.OK, "no input yet")]


def _input_finding(row: tuple[Any, ...]) -> Finding:
    input_id, path, rows, low_water, ended, armed, below, last_row = row
    name = f"input {input_id} ({path})"
    pending = rows - ended - armed
    if last_row > rows or pending < 0:
        words = f"{ended + armed:,} rows up to row {last_row:,}, but the input has {rows:,}"
    elif below != min(low_water, rows) or low_water > rows:
        lost = counted(low_water - below, "row")
        words = f"{lost} below the low-water mark {low_water:,} without a state"
    else:
        words = f"{rows:,} rows = {ended:,} ended + {armed:,} under way + {pending:,} pending"
        return Finding("rows", Grade.OK, f"{name}: {words}")
    return Finding("rows", Grade.BAD, f"{name}: {words}")


async def _strays(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    homeless, twofold, unknown = (await reader.fetch(sql("verify_strays")))[0]
    found = [
        (homeless, "rows belong to no input"),
        (twofold, "rows have an ending and are under way at once"),
        (unknown, "rows are in a state that bulkpost does not know"),
    ]
    bad = [Finding("states", Grade.BAD, f"{count:,} {words}") for count, words in found if count]
    return bad or [Finding("states", Grade.OK, "every row has exactly one known state")]


async def _keys(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    keys, rows, first = (await reader.fetch(sql("verify_keys")))[0]
    unkeyed = (await reader.fetch(sql("verify_unkeyed")))[0][0]
    if unkeyed:
        words = f"{counted(unkeyed, 'row')} sent of which no key is kept"
        return [Finding("keys", Grade.BAD, words)]
    if not keys:
        return [Finding("keys", Grade.OK, "no key was sent under two rows")]
    words = f"{keys:,} keys were sent under {rows:,} rows, the first is row {reference_text(first)}"
    return [Finding("keys", Grade.BAD, words)]


async def _repeats(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    rows, retries, released = (await reader.fetch(sql("verify_repeats")))[0]
    findings = []
    if rows:
        times = counted(retries, "time")
        words = f"{counted(rows, 'row')} sent again after an ambiguous answer, {times} in all"
        findings.append(Finding("repeats", Grade.NOTE, words))
    if released:
        words = f"{counted(released, 'row')} released by a person to be sent again"
        findings.append(Finding("repeats", Grade.NOTE, words))
    return findings


async def _lead_ids(reader: LedgerReader, _paths: LedgerPaths) -> list[Finding]:
    found = await reader.fetch(sql("verify_lead_ids"), {"ids_max": LEAD_IDS_MAX})
    return [
        Finding("lead ids", Grade.NOTE, f"lead id {lead_id} was answered for {count:,} rows")
        for lead_id, count in found
    ] or [Finding("lead ids", Grade.OK, "none appears twice")]


async def _leftovers(reader: LedgerReader, paths: LedgerPaths) -> list[Finding]:
    findings = []
    count = (await reader.fetch("SELECT count(*) FROM intent"))[0][0]
    if count and is_held(paths.lock):
        findings.append(
            Finding("run", Grade.NOTE, f"a run is going on: {counted(count, 'row')} under way")
        )
    elif count:
        words = (
            f"a run died with {counted(count, 'row')} under way; the next command that writes "
            "puts what was armed in doubt"
        )
        findings.append(Finding("run", Grade.NOTE, words))
    if paths.rescue.exists():
        words = f"{paths.rescue} holds outcomes; the next command that writes imports them"
        findings.append(Finding("rescue file", Grade.NOTE, words))
    return findings

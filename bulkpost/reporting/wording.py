"""How results are put into words: prices, times, durations, places, file names. Pure."""

import re
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final
from urllib.parse import urlsplit

from bulkpost.outcome import MICROS_PER_UNIT, OutcomeKind

_ID = re.compile(r"[0-9a-f]{24}")
_ODD_CHARS = re.compile(r"[^A-Za-z0-9._-]+")
_INPUT_SUFFIXES: Final = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet"}
    | {".gz", ".bz2", ".xz", ".zst"}
)
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def price_text(price_micros: int) -> str:
    """Return a price as decimal text: at least two decimals, no more than it has."""
    units, micros = divmod(abs(price_micros), MICROS_PER_UNIT)
    decimals = f"{micros:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if price_micros < 0 else ''}{units}.{decimals}"


def time_at(at_ms: int) -> datetime:
    """Return milliseconds since 1970 as a time, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def iso_text(at_ms: int | None) -> str | None:
    """Return a time in RFC 3339 with milliseconds, or None."""
    return None if at_ms is None else utc_text(time_at(at_ms))


def utc_text(at: datetime) -> str:
    """Return a time of UTC in RFC 3339 with milliseconds."""
    return at.isoformat("T", "milliseconds").replace("+00:00", "Z")


def time_text(at_ms: int | None) -> str:
    """Return a time for people, UTC, to the second; a dash if there is none."""
    return "-" if at_ms is None else f"{time_at(at_ms):%Y-%m-%d %H:%M:%SZ}"


def duration_text(duration_s: float | None) -> str:
    """Return a duration for people: ``0.4 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if duration_s is None:
        return "-"
    if duration_s < _MINUTE_S:
        return f"{duration_s:.1f} s"
    whole_s = round(duration_s)
    if whole_s < _HOUR_S:
        return f"{whole_s // _MINUTE_S} min {whole_s % _MINUTE_S:02d} s"
    return f"{whole_s // _HOUR_S:,} h {whole_s % _HOUR_S // _MINUTE_S:02d} min"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 row``, ``2,000 rows``, ``3 retries``."""
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {plural}"


def outcome_words(kind: OutcomeKind) -> str:
    """Return an outcome in words: ``in doubt``."""
    return kind.value.replace("_", " ")


def share_text(part: int, whole: int) -> str:
    """Return a share for people: ``46.1 %``; nothing of nothing is empty."""
    return f"{100 * part / whole:.1f} %" if part and whole else ""


def masked_destination(name: str) -> str:
    """Return the host of a destination and its ids without their middle.

    The ids are all that it takes to submit, so a table that may be shown around has no whole one.
    """
    ids = " / ".join(f"{found[:4]}…{found[-4:]}" for found in _ID.findall(name))
    return f"{urlsplit(name).netloc} {ids}".strip()


def results_stem(input_path: str) -> str:
    """Return what the names of an input's results begin with: ``leads.csv.gz`` -> ``leads``."""
    path = PurePath(input_path)
    while path.suffix.lower() in _INPUT_SUFFIXES and path.stem:
        path = path.with_suffix("")
    return _ODD_CHARS.sub("_", path.name).strip("._-") or "input"

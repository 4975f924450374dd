"""What a check found, read back from the file that it wrote, and counted.

Of the file, only names of inputs, columns and fields are taken, and types and codes that bulkpost
knows; the sentences are its own. So a file made by somebody else can add nothing but names.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkpost.errors import UsageError
from bulkpost.fields.catalogue import FINDINGS
from bulkpost.fields.field_type import FieldType
from bulkpost.redact import scrub, scrub_path
from bulkpost.reporting.findings_file import COLUMNS

_WANTED: Final = ("input", "column", "field", "type", "code")
_KINDS_MAX: Final = 10_000  # columns times codes; what goes beyond is no file of a check
_NAME_CHARS_MAX: Final = 200
_TYPES: Final = frozenset(field_type.value for field_type in FieldType)


@dataclass(frozen=True, slots=True)
class FoundCount:
    """How often something was found in a column.

    Attributes:
        input: What the list was called.
        column: The column, and the field that it feeds where that has another name.
        type: The field's type.
        code: What was found.
        message: The same as a sentence.
        advice: What to do about it.
        values: In how many values.
    """

    input: str
    column: str
    type: str
    code: str
    message: str
    advice: str
    values: int


def found_counts(path: Path) -> tuple[FoundCount, ...]:
    """Return what a file of ``check --findings`` holds, the most frequent first.

    Raises:
        UsageError: It is not there, cannot be read, or is no such file.
    """
    rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    counts: Counter[tuple[str, ...]] = Counter()
    try:
        for row in rows:
            counts[tuple(row)] += 1
            if len(counts) > _KINDS_MAX or row[-1] not in FINDINGS or row[-2] not in _TYPES:
                raise _refused(path)
    except OSError as error:
        raise UsageError(f"the findings cannot be read: {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise _refused(path) from None
    return tuple(_count(kind, values) for kind, values in counts.most_common())


def _count(kind: tuple[str, ...], values: int) -> FoundCount:
    name, column, field, type_name, code = kind
    finding = FINDINGS[code]
    # A header that was a lead names a person.
    column, field = (scrub(text, chars_max=_NAME_CHARS_MAX) for text in (column, field))
    return FoundCount(
        input=scrub_path(name[:_NAME_CHARS_MAX]),
        column=column if column == field else f"{column} → {field}",
        type=type_name,
        code=code,
        message=finding.message,
        advice=finding.advice,
        values=values,
    )


def _csv(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        if tuple(next(reader, ())) != COLUMNS:
            raise _refused(path)
        places = [COLUMNS.index(name) for name in _WANTED]
        for row in reader:
            if len(row) != len(COLUMNS):
                raise _refused(path)
            yield [row[place] for place in places]


def _parquet(path: Path) -> Iterator[list[str]]:
    import pyarrow as pa  # noqa: PLC0415  # slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if tuple(schema.names) != COLUMNS or any(
                not pa.types.is_string(schema.field(name).type) for name in _WANTED
            ):
                raise _refused(path)
            for batch in file.iter_batches(columns=list(_WANTED)):
                columns: list[list[Any]] = [batch.column(name).to_pylist() for name in _WANTED]
                for row in zip(*columns, strict=True):
                    yield list(map(str, row))
    except pa.ArrowException:
        raise _refused(path) from None


def _refused(path: Path) -> UsageError:
    return UsageError(
        f"this is no file of findings: {path}",
        advice="Give what `check` wrote, unchanged.",
        command="bulkpost check leads.csv --findings findings.csv",
    )

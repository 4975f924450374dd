"""How the values of a whole list will be read, counted. Memory does not grow with the list.

No text of a cell is kept: what is found is a code, a sentence and where it was found.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from bulkpost.checking.column_types import TypedColumn, typed_columns
from bulkpost.checking.normal import normal_text
from bulkpost.fields import Parsed, parse
from bulkpost.fields.field_type import FieldType
from bulkpost.finding import Finding
from bulkpost.mapping.column_map import ColumnMap
from bulkpost.row import Row

EXAMPLES_MAX: Final = 3


class Found(NamedTuple):
    """One finding about one cell; the row's cells are personal data, so it is not kept."""

    row: Row
    column: TypedColumn
    finding: Finding


@dataclass(slots=True)
class FindingCount:
    """How often something was found in a column.

    Attributes:
        finding: What.
        values: In how many cells.
        examples: (row, line) of the first of them.
    """

    finding: Finding
    values: int = 0
    examples: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class ColumnReport:
    """The values of one column, counted.

    Attributes:
        column: The column.
        empty: Cells that hold nothing; they are not sent.
        understood: Values that LeadConduit reads, and about which nothing else is to be said.
        doubtful: Values that it reads, and about which something is to be said.
        not_understood: Values that it calls invalid.
        changed: Values in whose place its own reading is sent (``normalise``).
    """

    column: TypedColumn
    empty: int = 0
    understood: int = 0
    doubtful: int = 0
    not_understood: int = 0
    changed: int = 0
    _found: dict[str, FindingCount] = field(default_factory=dict)

    @property
    def findings(self) -> list[FindingCount]:
        """What was found, the commonest first."""
        return sorted(self._found.values(), key=lambda count: -count.values)

    def add(self, findings: Iterable[Finding], row: Row) -> None:
        """Count what was found in one cell."""
        for finding in findings:
            count = self._found.get(finding.code)
            if count is None:
                count = self._found[finding.code] = FindingCount(finding)
            count.values += 1
            if len(count.examples) < EXAMPLES_MAX:
                count.examples.append((row.number, row.line_number))


@dataclass(slots=True)
class ValueReport:
    """The values of one input, counted.

    Attributes:
        columns: Column by column, in the order of the input.
        rows: Rows that were looked at.
        rows_unread: Of them, rows whose cells cannot be told apart; they are invalid anyway.
        rows_doubtful: Rows with a doubtful value and none that is not understood.
        rows_not_understood: Rows with a value that is not understood.
        normalise: Whether LeadConduit's own reading is sent.
    """

    columns: tuple[ColumnReport, ...]
    normalise: bool
    rows: int = 0
    rows_unread: int = 0
    rows_doubtful: int = 0
    rows_not_understood: int = 0


class Examination:
    """Reads the values of one input as LeadConduit will.

    Attributes:
        report: The counts so far.
    """

    def __init__(
        self,
        column_map: ColumnMap,
        types: Mapping[str, FieldType],
        as_of: datetime,
        *,
        normalise: bool = False,
    ) -> None:
        """Prepare to count.

        Args:
            column_map: Which columns are sent.
            types: Field name to type, as the config has it.
            as_of: Now; dates without a year and ages depend on it.
            normalise: Count the values in whose place LeadConduit's own reading is sent.
        """
        columns = typed_columns(column_map, types)
        self.report = ValueReport(tuple(map(ColumnReport, columns)), normalise)
        self._column_map = column_map
        self._as_of = as_of

    def add(self, row: Row) -> list[Found]:
        """Count one row and return what was found in it."""
        report = self.report
        report.rows += 1
        cells = self._column_map.cells(row)
        if row.defect is not None or len(cells) != len(self._column_map.columns):
            report.rows_unread += 1
            return []
        found: list[Found] = []
        is_understood = True
        for entry in report.columns:
            column = entry.column
            text = cells[column.index]
            if not text:
                entry.empty += 1
                continue
            parsed = self._count(entry, text)
            is_understood = is_understood and parsed.valid
            if parsed.warnings:
                entry.add(parsed.warnings, row)
                found += [Found(row, column, finding) for finding in parsed.warnings]
        report.rows_not_understood += not is_understood
        report.rows_doubtful += is_understood and bool(found)
        return found

    def _count(self, entry: ColumnReport, text: str) -> Parsed:
        field_type = entry.column.type
        parsed = parse(field_type, text, as_of=self._as_of)
        if not parsed.valid:
            entry.not_understood += 1
        elif parsed.warnings:
            entry.doubtful += 1
        else:
            entry.understood += 1
            if self.report.normalise:
                entry.changed += normal_text(field_type, text, parsed, self._as_of) != text
        return parsed

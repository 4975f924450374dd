"""Results as an Excel workbook of one sheet, whose cells stay the text that they were.

No cell is a formula, a link or a number but those of the verdict. What Excel cannot hold refuses
the export instead of being cut.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from bulkpost.errors import UsageError
from bulkpost.reporting.private_file import Draft
from bulkpost.reporting.results_layout import Layout, ResultsRow, plain
from bulkpost.reporting.verdicts import VerdictValue
from bulkpost.spreadsheet import harmless

try:
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError
    from xlsxwriter.worksheet import Worksheet
except ImportError:
    raise UsageError(
        "Excel files need XlsxWriter, which is not installed",
        advice="Install it, or choose --format csv.",
        command="pip install 'bulkpost[excel]'",
    ) from None

# Microsoft, "Excel specifications and limits".
ROWS_MAX: Final = 1_048_576
CELL_CHARS_MAX: Final = 32_767
_COLUMNS_MAX: Final = 16_384


class _Sheet(Worksheet):  # type: ignore[misc]  # XlsxWriter ships no types
    """A sheet on which a text is a text: the original takes ``<r>...</r>`` for markup."""

    def _xml_rich_inline_string(self, string: str, attributes: list[Any]) -> None:
        self._xml_inline_string(string, True, attributes)  # noqa: FBT003  # its signature

    def abandon(self) -> None:
        """Let go of the rows that were written so far."""
        self.row_data_fh.close()


@contextmanager
def excel_writer(draft: Draft, layout: Layout) -> Iterator["ExcelWriter"]:
    """Open a writer; rows wait on the disk beside the draft, so memory does not grow with them.

    Raises:
        UsageError: There are more columns than a sheet has.
    """
    columns = (*layout.columns, *layout.verdicts)
    if len(columns) > _COLUMNS_MAX:
        raise _too_much(f"a sheet has {_COLUMNS_MAX:,} columns, and these are {len(columns):,}")
    prefix = f"{draft.path.name}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=draft.path.parent) as scratch:
        workbook = Workbook(draft.file, {"constant_memory": True, "tmpdir": scratch})
        workbook.use_zip64()
        sheet = workbook.add_worksheet("results", _Sheet)
        try:
            writer = ExcelWriter(sheet, layout)
            yield writer
        except BaseException:
            sheet.abandon()
            raise
        try:
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None  # what the disk said


class ExcelWriter:
    """Writes a row after the other."""

    def __init__(self, sheet: Any, layout: Layout) -> None:
        self._sheet = sheet
        self._row_number = 0
        self._is_raw = layout.is_raw
        sheet.freeze_panes(1, 0)
        # A postal code is text on purpose: no green corners.
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{ROWS_MAX}"})
        self._write_row((*layout.columns, *layout.verdicts))

    def write(self, rows: Iterable[ResultsRow]) -> None:
        """Write rows.

        Raises:
            UsageError: There are more than a sheet has, or a cell is longer than Excel allows.
        """
        for cells, verdict in rows:
            if self._row_number == ROWS_MAX:
                raise _too_much(f"a sheet has {ROWS_MAX:,} rows, and there are more")
            self._write_row((*cells, *verdict))

    def _write_row(self, values: Iterable[VerdictValue]) -> None:
        for place, value in enumerate(values):
            if isinstance(value, (int, Decimal)):
                self._sheet.write_number(self._row_number, place, float(value))
            elif text := plain(value):
                self._write_text(place, str(text))
        self._row_number += 1

    def _write_text(self, place: int, text: str) -> None:
        text = text if self._is_raw else harmless(text)
        if self._sheet.write_string(self._row_number, place, text):
            raise _too_much(
                f"a cell of a sheet holds {CELL_CHARS_MAX:,} characters, and one has more"
            )


def _too_much(why: str) -> UsageError:
    return UsageError(
        f"Excel cannot hold these results: {why}; nothing was written",
        advice="Choose --format csv or parquet.",
    )

"""``bulkpost export``: what became of each row, beside its original columns."""

import os
from pathlib import Path
from typing import Any

import click

from bulkpost.cli.options import Output, ledger_option, output_options
from bulkpost.errors import UsageError

_FORMATS = ["csv", "jsonl"]
_EPILOG = """\b
Examples:
  bulkpost export .
  bulkpost export 3 results/
  bulkpost export 3 results.csv --input /archive/leads.csv --force

\b
Exit status:
  0  written
  1  the disk refused
  2  no such run, another input than the run's, or a file that must not be written
  7  there is no ledger, or it cannot be read
"""


@click.command(epilog=_EPILOG)
@click.argument("words", nargs=-1, required=True, metavar="[RUN] DIR|FILE")
@click.option(
    "--input",
    "input_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the run's input lies now.  [default: where it lay]",
)
@click.option(
    "--without-input", is_flag=True, help="Write row numbers and verdicts only, no lead data."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="Format of the file.  [default: by its name, else csv]",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Leave cells as they are. Without it, a cell of a CSV that begins with = + - @ or a "
    "control character, "
    "a telephone number like +1512... too, gets an apostrophe before it, so that no spreadsheet "
    "takes it for a formula.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option(
    "--include",
    multiple=True,
    metavar="COLUMN",
    help="Keep this column although it holds social security numbers. May be repeated.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="BULKPOST_CONFIG",
    help="Config file that the run had: how its input is read.  [default: bulkpost.toml, if there]",
)
@click.option("--encoding", metavar="NAME", help="Encoding of the input, as the run had it.")
@click.option("--delimiter", metavar="CHAR", help="Delimiter of the input, as the run had it.")
@click.option("--no-header", is_flag=True, help="The input has no header, as the run had it.")
@ledger_option
@output_options
def export(*, words: tuple[str, ...], ledger_path: Path, output: Output, **given: Any) -> None:
    """Write a results file: the original columns in order, then what became of each row.

    Into a folder it is named after the input: leads-results.csv. Every row of the input has one
    line; a row that was not submitted yet says "pending". The columns that follow the original
    ones: bulkpost_row, bulkpost_outcome, bulkpost_reason, bulkpost_lead_id, bulkpost_price,
    bulkpost_http_status, bulkpost_attempts, bulkpost_at.

    The file holds personal data and is readable by you only. Columns whose names say social
    security number are left out.
    """
    run_id, place = _run_and_place(words)
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.config import changed, load  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.export import (  # noqa: PLC0415
        Exported,
        ExportOptions,
        export_results,
        open_original,
    )
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.private_file import check_not_needed, check_target  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    names = {"input.encoding": given["encoding"], "input.delimiter": given["delimiter"]}
    changes: dict[str, Any] = {name: it for name, it in names.items() if it}
    if given["no_header"]:
        changes["input.header"] = False
    settings = changed(load(given["config"]), changes)
    file_format = given["format_name"] or _format_of(place)

    async def question(reader: LedgerReader) -> Exported:
        record = await run_record(reader, run_id)
        options = ExportOptions(
            target=_target(place, record.input_path, file_format),
            format=file_format,
            is_raw=given["raw"],
            is_forced=given["force"],
            include=frozenset(given["include"]),
            is_busy=await is_run_going_on(reader, LedgerPaths(ledger_path).lock),
            column_map=settings.map,
        )
        path = given["input_path"] or Path(record.input_path)
        check_not_needed(options.target, ledger_path, path)
        check_target(options.target, is_forced=options.is_forced)
        if given["without_input"]:
            return await export_results(reader, record, None, options)
        with open_original(record, path, settings.input) as source:
            return await export_results(reader, record, source, options)

    _tell(observe(ledger_path, question), output, has_cells=not given["without_input"])


def _tell(exported: Any, output: Output, *, has_cells: bool) -> None:
    if output.is_json:
        document = {"path": str(exported.path), "rows": exported.rows}
        left_out = list(exported.left_out)
        output.document({"message_type": "export", **document, "columns_left_out": left_out})
        return
    from bulkpost.redact import printable  # noqa: PLC0415  # as above

    if exported.left_out:
        names = ", ".join(printable(name) for name in exported.left_out)
        output.say(f"Left out (social security numbers; --include keeps one): {names}")
    output.say(f"{exported.rows:,} rows{'; the file holds personal data' if has_cells else ''}.")
    click.echo(printable(str(exported.path)))


def _run_and_place(words: tuple[str, ...]) -> tuple[int | None, str]:
    if len(words) == 1:
        if words[0].isdecimal() and not Path(words[0]).exists():
            raise UsageError(
                f"where to? {words[0]} is taken for a run",
                command=f"bulkpost export {words[0]} .",
            )
        return None, words[0]
    if len(words) > 2 or not words[0].isdecimal():
        raise UsageError(
            "export takes a run number and a folder or file",
            command="bulkpost export 1 .",
        )
    return int(words[0]), words[1]


def _format_of(place: str) -> str:
    suffix = Path(place).suffix.lower().removeprefix(".")
    return suffix if suffix in _FORMATS else _FORMATS[0]


def _target(place: str, input_path: str, file_format: str) -> Path:
    from bulkpost.reporting.wording import results_name  # noqa: PLC0415  # as above

    path = Path(place)
    if path.is_dir() or place.endswith(os.sep):
        return path / results_name(input_path, file_format)
    return path

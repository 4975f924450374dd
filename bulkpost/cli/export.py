"""``bulkpost export``: what became of each row, beside its original columns."""

from pathlib import Path
from typing import Any

import click

from bulkpost.cli.options import Output, ledger_option, output_options
from bulkpost.errors import UsageError

_FORMATS = ["csv", "jsonl", "parquet", "excel"]
_SUFFIXES = frozenset({".csv", ".jsonl", ".parquet", ".xlsx"})
_EPILOG = """\b
Examples:
  bulkpost export results/
  bulkpost export 3 results/ --format excel
  bulkpost export 3 . --input /archive/leads.csv --force
  bulkpost submit results/leads-failure.csv    (after mending rows in it)

\b
Exit status:
  0  written
  1  the disk refused; nothing was written
  2  no such run, another input than the run's, or a file that must not be written
  7  there is no ledger, or it cannot be read
"""


@click.command(epilog=_EPILOG)
@click.argument("words", nargs=-1, required=True, metavar="[RUN] DIR")
@click.option(
    "--join/--no-join",
    "is_joined",
    default=None,
    help="Read the run's input for the original columns; its content is checked. Without it the "
    "files hold row numbers and verdicts only.  [default: where the input still lies where it lay]",
)
@click.option(
    "--input",
    "input_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the run's input lies now.  [default: where it lay]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    default=_FORMATS[0],
    show_default=True,
    help="Format of the files.",
)
@click.option(
    "--raw",
    is_flag=True,
    help="Leave cells as they are. Without it, a cell of a CSV or Excel file that begins with "
    "= + - @ or a control character, "
    "a telephone number like +1512... too, gets an apostrophe before it, so that no spreadsheet "
    "takes it for a formula. `submit` takes it off again.",
)
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option(
    "--include-ssn",
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
    """Write what became of every row of a run's input into five files in DIR.

    \b
    NAME-success   LeadConduit accepted the lead
    NAME-failure   it did not; the reason says why. Mend rows, submit the file
    NAME-error     error and http_error: answered, but not for the lead's values
    NAME-in-doubt  nobody knows whether the lead was taken: `bulkpost doubt`
    NAME-unsent    invalid, duplicate, conflict, deferred, pending. Submit the file

    NAME is the input's. Every row of the input stands in exactly one file, in its order; a file
    without rows has its header. The original columns come first, as they were, then bulkpost_row,
    bulkpost_outcome, bulkpost_reason, bulkpost_lead_id, bulkpost_price, bulkpost_http_status,
    bulkpost_attempts, bulkpost_at. `submit` knows the CSV, JSON Lines and Parquet files again, and
    sends none of these. Rows that were submitted and are unchanged are not sent again.

    The files hold personal data and are readable by you only. Columns of social security numbers
    are left out.
    """  # noqa: D301  # click's mark for lines that stay apart is a backspace
    run_id, folder = _run_and_folder(words)
    # Imported late: the help needs none of it.
    from bulkpost.app.kept_flow import path_beside, with_secrets_of_flow  # noqa: PLC0415
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.config import CONFIG_DEFAULT, changed, load  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.export import (  # noqa: PLC0415
        Exported,
        ExportOptions,
        check_targets,
        export_results,
        open_original,
        targets_in,
    )
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.private_file import check_not_needed, private_folder  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    names = {"input.encoding": given["encoding"], "input.delimiter": given["delimiter"]}
    changes: dict[str, Any] = {name: it for name, it in names.items() if it}
    if given["no_header"]:
        changes["input.header"] = False
    settings = changed(load(given["config"]), changes)
    flow_path = path_beside(given["config"] or CONFIG_DEFAULT)

    async def question(reader: LedgerReader) -> tuple[Exported, bool]:
        record = await run_record(reader, run_id)
        options = ExportOptions(
            targets=targets_in(folder, record.input_path, given["format_name"]),
            format=given["format_name"],
            is_raw=given["raw"],
            is_forced=given["force"],
            include=frozenset(given["include_ssn"]),
            is_busy=await is_run_going_on(reader, LedgerPaths(ledger_path).lock),
            column_map=with_secrets_of_flow(settings.map, flow_path),
        )
        path = given["input_path"] or Path(record.input_path)
        for target in options.targets.values():
            check_not_needed(target, ledger_path, path)
        is_joined = given["is_joined"]
        if is_joined is None:
            is_joined = given["input_path"] is not None or path.exists()
        with private_folder(folder):
            check_targets(options)
            if not is_joined:
                return await export_results(reader, record, None, options), False
            with open_original(record, path, settings.input) as source:
                return await export_results(reader, record, source, options), True

    _tell(*observe(ledger_path, question), output, is_asked=given["is_joined"] is not None)


def _tell(exported: Any, is_joined: bool, output: Output, *, is_asked: bool) -> None:  # noqa: FBT001  # one place calls it
    files = [
        {"part": part.value, "path": str(path), "rows": exported.rows[part]}
        for part, path in exported.paths.items()
    ]
    rows = sum(exported.rows.values())
    if output.is_json:
        document = {"message_type": "export", "rows": rows, "files": files, "is_joined": is_joined}
        output.document({**document, "columns_left_out": list(exported.left_out)})
        return
    from bulkpost.redact import printable  # noqa: PLC0415  # as above

    if not is_joined and not is_asked:
        output.say(
            "The input is not where it lay: the files hold row numbers and verdicts only. --input "
            "PATH names its place."
        )
    if exported.left_out:
        names = ", ".join(printable(name) for name in exported.left_out)
        output.say(
            f"Left out (social security numbers): {names}. Leads that are submitted from these "
            "files go without; --include-ssn COLUMN keeps one."
        )
    width = len(f"{rows:,}")
    for entry in files:
        click.echo(f"{entry['rows']:>{width},}  {printable(entry['path'])}")
    output.say(f"{rows:,} rows{'; the files hold personal data' if is_joined else ''}.")


def _run_and_folder(words: tuple[str, ...]) -> tuple[int | None, Path]:
    run_word, folder = (None, words[0]) if len(words) == 1 else words[:2]
    if len(words) > 2 or (run_word is not None and not run_word.isdecimal()):
        raise UsageError(
            "export takes a run number and a folder", command="bulkpost export 1 results/"
        )
    path = Path(folder)
    if run_word is None and folder.isdecimal() and not path.exists():
        raise UsageError(
            f"where to? {folder} is taken for a run", command=f"bulkpost export {folder} results/"
        )
    if not path.is_dir() and (path.exists() or path.suffix.lower() in _SUFFIXES):
        raise UsageError(
            f"this is no folder: {path}",
            advice="Results are five files. Name the folder for them, and their format with "
            "--format.",
        )
    return None if run_word is None else int(run_word), path

"""``bulkpost report``: what became of the rows, as a page."""

from pathlib import Path
from typing import Any

import click

from bulkpost.cli.options import Output, ledger_option, output_options
from bulkpost.errors import UsageError

_RUNS_MAX = 20
_SUFFIXES = {".html", ".htm"}
_EPILOG = """\b
Examples:
  bulkpost report report.html
  bulkpost report 3 4 nights.html --force
  bulkpost report report.html --findings findings.csv

\b
Exit status:
  0  written
  1  the disk refused
  2  no such run, no run yet, a file that must not be written, or the extra `report` is missing
  7  there is no ledger, or it cannot be read
"""


@click.command(epilog=_EPILOG)
@click.argument("words", nargs=-1, required=True, metavar="[RUN...] FILE.html")
@click.option(
    "--findings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Add what `check --findings FILE` found: columns, findings, counts and advice.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@ledger_option
@output_options
def report(
    *,
    words: tuple[str, ...],
    findings: Path | None,
    force: bool,
    ledger_path: Path,
    output: Output,
) -> None:
    """Write one page about a run, the latest if none is named, or about up to 20 runs.

    What was sent where and when; outcomes, reasons and prices; rate, latency, retries and answers
    5xx over time; rows in doubt and what to do; earlier runs to the same destination. The page
    needs nothing beside it, loads nothing and runs no script: it opens from an e-mail. No lead data
    is in it, and of the ids of flow and source only the ends.

    Charts and page are made by an extra: pip install 'bulkpost[report]'.
    """
    runs, target = _runs_and_target(words)
    # Imported late: the help needs none of it.
    from bulkpost import __version__  # noqa: PLC0415
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.clock import SystemClock  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.ledger.reader import LedgerReader  # noqa: PLC0415
    from bulkpost.reporting.history import is_run_going_on  # noqa: PLC0415
    from bulkpost.reporting.page.findings import found_counts  # noqa: PLC0415
    from bulkpost.reporting.private_file import (  # noqa: PLC0415
        check_not_needed,
        check_target,
        private_file,
    )
    from bulkpost.reporting.run_report import RunReport, run_report  # noqa: PLC0415
    from bulkpost.reporting.summary import run_record  # noqa: PLC0415

    page = _page()
    found = None if findings is None else found_counts(findings)

    async def question(reader: LedgerReader) -> list[RunReport]:
        is_busy = await is_run_going_on(reader, LedgerPaths(ledger_path).lock)
        wanted: list[int | None] = [*runs] or [None]
        records = [await run_record(reader, run) for run in wanted]
        for record in records:
            check_not_needed(target, ledger_path, Path(record.input_path))
        check_target(target, is_forced=force)
        return [await run_report(reader, record.run, is_busy=is_busy) for record in records]

    reports = observe(ledger_path, question)
    made_at_ms = int(SystemClock().now_at().timestamp() * 1_000)
    content = page.PageContent(reports, found, ledger_path, made_at_ms, __version__)
    text = page.page_text(content)
    with private_file(target, is_forced=force) as file:
        file.write(text)
    _tell(target, [entry.record.run for entry in reports], output)


def _page() -> Any:
    try:
        from bulkpost.reporting.page import page  # noqa: PLC0415  # heavy, and an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "bulkpost":
            raise
        raise UsageError(
            f"a report needs {error.name}, which is not installed",
            advice="Charts and page are made by the extra `report`; in a clone write '.[report]'.",
            command="pip install 'bulkpost[report]'",
        ) from None
    return page


def _runs_and_target(words: tuple[str, ...]) -> tuple[list[int], Path]:
    *runs, place = words
    target = Path(place)
    if target.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"the name of a report ends in .html: {place}",
            command=f"bulkpost report {' '.join([*runs, target.with_suffix('').name])}.html",
        )
    for word in runs:
        if not word.isdecimal() or int(word) < 1:
            raise UsageError(
                f"this is no run: {word}",
                advice="Name runs by their numbers, then one file; `bulkpost runs` lists them.",
            )
    numbers = list(dict.fromkeys(int(word) for word in runs))
    if len(numbers) > _RUNS_MAX:
        raise UsageError(
            f"a page has {_RUNS_MAX} runs at most, not {len(numbers)}",
            advice="Each of them names the ten runs before it anyway. Make several pages.",
        )
    return numbers, target


def _tell(target: Path, runs: list[int], output: Output) -> None:
    if output.is_json:
        output.document({"message_type": "report", "path": str(target), "runs": runs})
        return
    from bulkpost.redact import printable  # noqa: PLC0415  # a help needs none

    click.echo(printable(str(target)))

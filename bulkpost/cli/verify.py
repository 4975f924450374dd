"""``bulkpost verify``: is the ledger whole, and is every row accounted for?"""

from pathlib import Path

import click

from bulkpost.cli.options import Output, ledger_option, output_options

_EPILOG = """\b
Exit status:
  0  sound; notes may stand beside it
  2  an option is wrong
  7  not sound, or there is no ledger
"""


@click.command(epilog=_EPILOG)
@ledger_option
@output_options
def verify(*, ledger_path: Path, output: Output) -> int:
    """Prove that every row of every input is accounted for.

    Reads only, and beside a run that is going on, too: pages, tables, commits, states, row counts
    against the inputs, keys sent twice, what a dead run left behind. With a ledger of a million
    rows it takes some seconds.
    """
    # Imported late: the help needs none of it.
    from bulkpost.cli.observe import observe  # noqa: PLC0415
    from bulkpost.ledger.paths import LedgerPaths  # noqa: PLC0415
    from bulkpost.redact import printable  # noqa: PLC0415
    from bulkpost.reporting.soundness import Grade, examine  # noqa: PLC0415

    verdict = observe(
        ledger_path,
        lambda reader: examine(reader, LedgerPaths(ledger_path)),
        is_examined=True,
    )
    exit_status = 0 if verdict.is_sound else 7
    if output.is_json:
        output.document(
            {"message_type": "verify", "ledger": str(ledger_path), **verdict.to_dict()}
            | {"exit_status": exit_status}
        )
        return exit_status
    marks = {Grade.OK: "ok  ", Grade.NOTE: "note", Grade.BAD: "BAD "}
    for finding in verdict.findings:
        click.echo(f"{marks[finding.grade]}  {finding.check}: {printable(finding.words)}")
    click.echo("The ledger is sound." if verdict.is_sound else "The ledger is NOT sound.")
    if not verdict.is_sound:
        output.say("Submit nothing with it: restore the newest backup, then verify that.")
    return exit_status

"""The command ``bulkpost``: finds the subcommand, and catches every error once.

Subcommands are imported when they are called, so that ``--version`` and ``--help`` are quick.
"""

import importlib
import json
import sys
from typing import Any, Final

import click
from click.core import ParameterSource

from bulkpost import __version__
from bulkpost.cli.failure import failure_of
from bulkpost.cli.tolerant import Tolerant

# name -> (module, one line for the overview)
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "init": ("bulkpost.cli.init", "Write a config for a list: which column feeds which field."),
    "submit": ("bulkpost.cli.submit", "Submit each row of a list as a lead, once."),
    "check": ("bulkpost.cli.check", "Send nothing: show what a submission would do."),
    "feedback": ("bulkpost.cli.feedback", "Send returns and conversions, once."),
    "runs": ("bulkpost.cli.runs", "List the runs of a ledger."),
    "show": ("bulkpost.cli.show", "Show one run, or one row, in full."),
    "report": ("bulkpost.cli.report", "Write a page with charts about a run."),
    "export": ("bulkpost.cli.export", "Write what became of each row beside its original columns."),
    "doubt": ("bulkpost.cli.doubt", "List and decide rows whose fate is unknown."),
    "retry": ("bulkpost.cli.retry", "Submit again the rows of the outcomes you name."),
    "verify": ("bulkpost.cli.verify", "Prove that every row is accounted for."),
    "prune": ("bulkpost.cli.prune", "Make the ledger smaller: let go of old details."),
    "sandbox": ("bulkpost.cli.sandbox", "Run an imitation of LeadConduit on this machine."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order of a first day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import a command."""
        known = COMMANDS.get(cmd_name)
        if known is None:
            return None
        command: click.Command = getattr(importlib.import_module(known[0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog="Exit statuses: 0 done, 1 internal error, 2 usage or config, 3 some rows invalid or in "
    "error, 4 stopped early, 5 rows in doubt, 6 stopped at a limit, 7 ledger, 130/143 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="bulkpost")
def bulkpost() -> None:
    """Submit a list of leads into a LeadConduit flow, once each, and know what became of every row.

    Start with `bulkpost init leads.csv --url URL`, then `bulkpost check leads.csv`, then
    `bulkpost submit leads.csv`.
    Stop it whenever you like; the same command goes on where it stood.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    words = sys.argv[1:] if arguments is None else arguments
    sys.stdout, sys.stderr = Tolerant(sys.stdout), Tolerant(sys.stderr)
    try:
        status = bulkpost.main(args=words, prog_name="bulkpost", standalone_mode=False)
        code = status if isinstance(status, int) else 0
    except click.ClickException as error:
        code = 2
        _report_usage(words, error)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # no traceback shows a row
        code, message, advice, command = failure_of(error)
        _report(words, message, code, advice=advice, command=command)
    sys.exit(code)


def _report_usage(words: list[str], error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    command = f"{context.command_path} --help" if context is not None else "bulkpost --help"
    if isinstance(error, click.BadParameter):
        error.param_hint = _variable(error) or error.param_hint
    _report(words, " ".join(error.format_message().split()), 2, command=command)


def _variable(error: click.BadParameter) -> str | None:
    """Return the environment variable that a bad value stands in; None if a flag gave it."""
    if error.param is None or error.ctx is None or error.param.name is None:
        return None
    is_from_environment = (
        error.ctx.get_parameter_source(error.param.name) is ParameterSource.ENVIRONMENT
    )
    return str(error.param.envvar) if is_from_environment else None


def _report(
    words: list[str], message: str, exit_status: int, *, advice: str = "", command: str = ""
) -> None:
    if "--json" in words:
        document: dict[str, Any] = {
            "message_type": "error",
            "error": message,
            "advice": advice or None,
            "command": command or None,
            "exit_status": exit_status,
        }
        click.echo(json.dumps(document))
        return
    from bulkpost.redact import printable  # noqa: PLC0415  # only a failing command needs it

    click.echo(f"bulkpost: {printable(message)}", err=True)
    if advice:
        click.echo(f"  {printable(advice)}", err=True)
    if command:
        click.echo(f"  $ {printable(command)}", err=True)

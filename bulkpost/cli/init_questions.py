"""What a person is asked about columns that are uncertain. Enter leaves a column out."""

from typing import Final

import click

from bulkpost.app.initial import Proposal
from bulkpost.cli.options import Output
from bulkpost.mapping.assignment import shown
from bulkpost.matching.match import ColumnMatch, Fate, decided
from bulkpost.matching.settling import SENT
from bulkpost.redact import printable

_TRIES_MAX: Final = 3


def asked(proposal: Proposal, output: Output) -> list[ColumnMatch]:
    """Ask about each uncertain column, and return the matches as they were decided."""
    matches = list(proposal.matches)
    fed = {match.field for match in matches if match.fate in SENT}
    for place, match in enumerate(matches):
        if match.fate is Fate.UNCERTAIN:
            field = _answer(match, proposal.fields, fed, output)
            matches[place] = decided(match, field)
            fed.add(field)
    return matches


def _answer(match: ColumnMatch, fields: tuple[str, ...], fed: set[str], output: Output) -> str:
    output.say(f"Column {match.index + 1}, '{printable(match.header)}': {_uncertainty(match)}")
    if match.is_ssn:
        output.say(f"  SOCIAL SECURITY NUMBERS: {match.ssn_why}")
    choices = {str(number): one for number, one in enumerate(match.candidates, 1)}
    for number, one in choices.items():
        output.say(f"  {number}  {shown(one.field)}  ({one.confidence:.0%}: {one.why})")
    for _ in range(_TRIES_MAX):
        told: str = click.prompt(
            "  Number or name of the field; Enter leaves the column out",
            default="",
            show_default=False,
            err=True,
        )
        told = told.strip()
        field = choices[told].field if told in choices else told
        if not field:
            return ""
        if field in fed:
            output.say(f"  Another column feeds {field}.")
        elif field in fields:
            return field
        else:
            output.say(f"  There is no field {field}.")
    output.say("  The column is left out.")
    return ""


def _uncertainty(match: ColumnMatch) -> str:
    return match.why or "which field does it feed?"

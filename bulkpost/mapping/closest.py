"""Did you mean ...?"""

from collections.abc import Iterable
from difflib import get_close_matches

from bulkpost.redact import printable

_CHOICES_MAX = 2_000


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the choice nearest to a name, or an empty text."""
    spelled = {choice.strip().casefold(): choice for choice in list(choices)[:_CHOICES_MAX]}
    found = get_close_matches(name.strip().casefold(), spelled, n=1)
    return f" (did you mean '{printable(spelled[found[0]])}'?)" if found else ""

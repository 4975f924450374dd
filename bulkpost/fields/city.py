"""city: any text is valid and stays as it is."""

import re
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

DIGITS: Final = Finding(
    "city_digits",
    "the city holds digits, as if a postal code or a street stood in it",
    "Put the postal code and the street into their own fields.",
)
WITH_STATE: Final = Finding(
    "city_with_state",
    "the city seems to be followed by its state",
    "Put the state into its own field: rules that compare the city will fail.",
)

_DIGIT = re.compile(r"\d")
_WITH_STATE = re.compile(r",\s?[A-Za-z]{2}\.?\s?\Z")


def parse_city(text: str) -> Parsed:
    """Pass a city on unchanged."""
    if text.isalpha():
        return Parsed(valid=True, value=text)
    if _DIGIT.search(text):
        return Parsed(valid=True, value=text, warnings=(DIGITS,))
    warnings = (WITH_STATE,) if _WITH_STATE.search(text[-6:]) else NO_FINDINGS
    return Parsed(valid=True, value=text, warnings=warnings)

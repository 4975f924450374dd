"""first_name: any text is valid and stays as it is."""

from bulkpost.fields.parsed import Parsed
from bulkpost.fields.person_name import name_doubts


def parse_first_name(text: str) -> Parsed:
    """Pass a first name on unchanged."""
    return Parsed(valid=True, value=text, warnings=name_doubts(text))

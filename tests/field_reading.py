"""Reading one text as of the day on which LeadConduit was observed."""

from datetime import UTC, datetime

from bulkpost.fields import Parsed, parse

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(field_type: str, text: str) -> Parsed:
    return parse(field_type, text, as_of=AS_OF)


def codes(field_type: str, text: str) -> list[str]:
    """Return the codes of what is said about a text."""
    return [finding.code for finding in read(field_type, text).warnings]

"""Columns that hold social security numbers, and so stay out of results. Pure."""

from bulkpost.fields.field_type import FieldType
from bulkpost.fields.ssn import is_ssn_name
from bulkpost.mapping.assignment import trimmed
from bulkpost.mapping.settings import MapSettings


def is_private(column: str, settings: MapSettings) -> bool:
    """Tell whether a column holds social security numbers: by its name, or by what it feeds."""
    header = trimmed(column)
    target = settings.columns.get(column, settings.columns.get(header))
    field = target if isinstance(target, str) and target else header
    known = settings.types.get(field)
    if known is not None:
        return known is FieldType.SSN
    if settings.types.get(header) is FieldType.SSN:
        return True
    return is_ssn_name(column) or is_ssn_name(field)

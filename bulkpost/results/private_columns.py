"""Columns that hold social security numbers, and so stay out of results. Pure."""

from bulkpost.fields.field_type import FieldType
from bulkpost.fields.ssn import is_ssn_name
from bulkpost.mapping.settings import MapSettings


def is_private(column: str, settings: MapSettings) -> bool:
    """Tell whether a column holds social security numbers: by its name, or by what it feeds."""
    target = settings.columns.get(column)
    field = target if isinstance(target, str) and target else column
    known = settings.types.get(field)
    if known is not None:
        return known is FieldType.SSN
    return is_ssn_name(column) or is_ssn_name(field)

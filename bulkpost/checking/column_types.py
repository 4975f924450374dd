"""Which of LeadConduit's types each column has, and who says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bulkpost.fields import guess_type
from bulkpost.fields.field_type import FieldType
from bulkpost.mapping.assignment import kept
from bulkpost.mapping.column_map import ColumnMap


class TypeOrigin(StrEnum):
    """Where a type comes from."""

    CONFIG = "config"  # it stands under [map.types]
    FLOW = "flow"  # the flow's own metadata says it
    NAME = "name"  # the field's name, or the column's, is that of a known field
    DEFAULT = "default"  # nothing says it: text


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column that is sent.

    Attributes:
        index: Its place in a row; the first is 0.
        header: Its name in the input.
        field: The field that it feeds.
        type: The field's type.
        origin: Where that comes from.
    """

    index: int
    header: str
    field: str
    type: FieldType
    origin: TypeOrigin

    @property
    def label(self) -> str:
        """Its number and field, for a reason."""
        return f"column {self.index + 1} ({kept(self.field)})"


def typed_columns(column_map: ColumnMap, types: Mapping[str, FieldType]) -> tuple[TypedColumn, ...]:
    """Return the columns that a map sends, in their order, each with its type.

    Args:
        column_map: The map.
        types: Field name to type, as the config has it; it wins over any guess.
    """
    return tuple(
        TypedColumn(
            index,
            column_map.columns[index],
            name,
            *_type(name, types, column_map.flow_types, is_ssn=index in column_map.ssn_columns),
        )
        for index, name in column_map.fields
    )


def fixed_type(
    name: str, types: Mapping[str, FieldType], flow_types: Mapping[str, FieldType]
) -> FieldType:
    """Return the type of a field that no column feeds."""
    return _type(name, types, flow_types, is_ssn=False)[0]


def _type(
    name: str,
    types: Mapping[str, FieldType],
    flow_types: Mapping[str, FieldType],
    *,
    is_ssn: bool,
) -> tuple[FieldType, TypeOrigin]:
    if name in types:
        return types[name], TypeOrigin.CONFIG
    if name in flow_types:
        return flow_types[name], TypeOrigin.FLOW
    guess = FieldType.SSN if is_ssn else guess_type(name)
    if guess is None:
        return FieldType.STRING, TypeOrigin.DEFAULT
    return guess, TypeOrigin.NAME

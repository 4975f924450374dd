"""The settings of the maps: the TOML tables ``[map]`` for leads and ``[feedback]``."""

from typing import Literal

import msgspec

from bulkpost.fields.field_type import FieldType


class MapSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How columns become fields. A column that is not named here keeps its header as field name.

    Attributes:
        columns: Header to field name; ``false`` or ``""`` drops the column, ``true`` keeps it under
            its own name. The header ``""`` stands for columns without a name.
        constants: Field name to the text that every lead carries.
        types: Field name to LeadConduit type. ``ssn`` keeps a field out of every digest; any other
            type says that a field whose name contains "ssn" or "social" holds no such number.
        route: Each row names its own flow and source in the fields ``flow_id`` and ``source_id``,
            which are then not sent.
        strip: Take spaces, no-break spaces and invisible characters off both ends of every cell.
        reference: Field that receives the generated reference of each lead; empty for none.
    """

    columns: dict[str, str | bool] = msgspec.field(default_factory=dict)
    constants: dict[str, str] = msgspec.field(default_factory=dict)
    types: dict[str, FieldType] = msgspec.field(default_factory=dict)
    route: bool = False
    strip: bool = False
    reference: str = ""


class FeedbackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where feedback goes, and which columns of a list make it.

    Apart from ``[map]``, so that one config serves the lists of leads and those of feedback.

    Attributes:
        url: Where it is posted to; empty for ``/feedback`` of ``host``.
        type: What every row says that does not say it itself; a row that says something else is
            refused. Empty: each row must say it.
        event_id_column: Header of the column with the recipient event's id; empty for ``event_id``.
        type_column: Header of the column with the type; empty for ``type``, if there is one.
        reason_column: Header of the column with the reason; empty for ``reason``, if there is one.
    """

    url: str = ""
    type: Literal["", "return", "conversion"] = ""
    event_id_column: str = ""
    type_column: str = ""
    reason_column: str = ""

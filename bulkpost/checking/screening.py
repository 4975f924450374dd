"""What the settings make of a lead's values: a refusal, another text, a count, or nothing.

Only leads are changed, never rows: a row's key is that of the text as it stands in the list, so a
list that was sent without ``normalise`` is recognised with it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bulkpost.checking.column_types import fixed_type, typed_columns
from bulkpost.checking.normal import NORMALISED, normal_text
from bulkpost.checking.settings import DOUBTFUL, INVALID, CheckSettings
from bulkpost.errors import ConfigError
from bulkpost.fields import Parsed, parse
from bulkpost.fields.field_type import FieldType
from bulkpost.finding import Finding
from bulkpost.lead import Lead
from bulkpost.mapping.assignment import kept, shown
from bulkpost.mapping.column_map import ColumnMap
from bulkpost.mapping.refusal import Refusal

FieldFinding = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Screened:
    """A lead that may be sent.

    Attributes:
        lead: What is sent.
        changed: Names of the fields in which LeadConduit's own reading is sent.
        found: (field name, code) of what was found in the values.
    """

    lead: Lead
    changed: tuple[str, ...] = ()
    found: tuple[FieldFinding, ...] = ()


class Screening:
    """Refuses leads by what is found in their values, or counts it; sends LeadConduit's reading."""

    def __init__(
        self,
        column_map: ColumnMap,
        types: Mapping[str, FieldType],
        settings: CheckSettings,
        as_of: datetime,
    ) -> None:
        """Prepare to screen.

        Args:
            column_map: Which columns are sent, and what every lead carries beside them.
            types: Field name to type, as the config has it.
            settings: What to refuse and whether to change.
            as_of: Now; dates without a year and ages depend on it.

        Raises:
            ConfigError: What every lead carries would be refused.
        """
        self._settings = settings
        self._as_of = as_of
        self._refused = frozenset(settings.refuse)
        self._columns = {
            column.field: column
            for column in typed_columns(column_map, types)
            if settings.refuse or settings.count or column.type in NORMALISED
        }
        self._names = {name: kept(name) for name in self._columns}
        self._check_fixed(column_map, types)

    def screen(self, lead: Lead) -> Screened | Refusal:
        """Return what is sent of a lead, or why it is not sent.

        The reason is a sentence about a column, the same for every row: no text of a cell.
        """
        changed: dict[str, str] = {}
        found: list[FieldFinding] = []
        for name, text in lead.fields:
            column = self._columns.get(name)
            if column is None:
                continue
            parsed = parse(column.type, text, as_of=self._as_of)
            refused = self._refusal(parsed)
            if refused is not None:
                return Refusal(f"{column.label}: {refused.message}")
            if parsed.warnings and self._settings.count:
                found += [(self._names[name], finding.code) for finding in parsed.warnings]
            if self._settings.normalise:
                sent = normal_text(column.type, text, parsed, self._as_of)
                if sent != text:
                    changed[name] = sent
        if not changed:
            return Screened(lead, found=tuple(found))
        fields = tuple((name, changed.get(name, text)) for name, text in lead.fields)
        return Screened(replace(lead, fields=fields), tuple(changed), tuple(found))

    def _refusal(self, parsed: Parsed) -> Finding | None:
        """Return the finding for which a value is refused; None if it is not."""
        found, refused = parsed.warnings, self._refused
        if not found or not refused:
            return None
        # What is wrong with any text is told first, why the type's rules cannot read it last.
        if not parsed.valid and refused & {INVALID, DOUBTFUL}:
            return found[-1]
        if DOUBTFUL in refused:
            return found[0]
        return next((finding for finding in found if finding.code in refused), None)

    def _check_fixed(self, column_map: ColumnMap, types: Mapping[str, FieldType]) -> None:
        for name, text in (*column_map.constants, *column_map.destination.query):
            if not text:
                continue
            refused = self._refusal(
                parse(fixed_type(name, types, column_map.flow_types), text, as_of=self._as_of)
            )
            if refused is not None:
                raise ConfigError(
                    f"every lead carries {shown(name)}, and its value would be refused: "
                    f"{refused.message}",
                    advice=refused.advice,
                )


def refusal_digest(
    column_map: ColumnMap, types: Mapping[str, FieldType], settings: CheckSettings
) -> str:
    """Return what decides which values are refused, as a digest; empty if none are.

    What ``normalise`` changes is no part of it: a row that is refused is refused with it, too.
    """
    if not settings.refuse:
        return ""
    by_field = {column.field: column.type for column in typed_columns(column_map, types)}
    spelled = json.dumps([sorted(set(settings.refuse)), sorted(by_field.items())])
    return hashlib.sha256(spelled.encode()).hexdigest()

"""Runs leads through a flow: hours, rules, caps and the duplicate check, in that order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bulkpost.sandbox.flow import caps, hours
from bulkpost.sandbox.flow.criteria import is_met
from bulkpost.sandbox.flow.settings import FlowSettings
from bulkpost.sandbox.flow.values import FieldValue, masked_fields, masked_values, read_values
from bulkpost.sandbox.identity import REFERENCE, Sightings, identity
from bulkpost.sandbox.verdict import DUPLICATE, Verdict

DISABLED: Final = "Flow is disabled"


class Flow:
    """A flow at work: it remembers the leads that it accepted, and nothing of the others.

    Args:
        settings: As its owner wrote it down.
        keep_max: Accepted leads that the duplicate check remembers.
        checks_duplicates: Whether there is a duplicate check.
    """

    def __init__(self, settings: FlowSettings, keep_max: int, *, checks_duplicates: bool) -> None:
        self.settings = settings
        self._zone = hours.zone_of(settings.time_zone)
        self._caps = caps.Caps(settings.caps)
        self._accepted = Sightings(keep_max)
        self._checks_duplicates = checks_duplicates
        self._compared = tuple(name for name in settings.types if name != REFERENCE)

    def read(self, fields: Any, now_at: datetime) -> dict[str, FieldValue]:
        """Return what the flow sees of a lead as parsed."""
        return read_values(fields, self.settings.types, now_at)

    def shown(self, fields: Any) -> Any:
        """Return a lead as parsed, without its secrets."""
        return masked_fields(fields, self.settings.types)

    def shown_values(self, values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """Return what the flow saw of a lead, without its secrets."""
        return masked_values(values, self.settings.types)

    def refusal(
        self, flow_id: str, values: Mapping[str, FieldValue], now_at: datetime
    ) -> Verdict | None:
        """Return why a lead is not accepted, or None."""
        local_at = now_at.astimezone(self._zone)
        if not self.settings.enabled:
            return Verdict("error", DISABLED)
        if not hours.is_open(self.settings.hours, local_at):
            return Verdict("failure", hours.CLOSED)
        for rule in self.settings.rules:
            if not is_met(rule, values, self.settings.types):
                return Verdict(rule.outcome, rule.told, is_stopped=True)
        if self._caps.is_reached(local_at):
            return Verdict("failure", caps.REACHED)
        key = self._key(flow_id, values)
        if self._checks_duplicates and key is not None and self._accepted.was_taken(key):
            return DUPLICATE
        return None

    def accept(self, flow_id: str, values: Mapping[str, FieldValue], now_at: datetime) -> None:
        """Remember an accepted lead for caps and duplicates."""
        self._caps.count(now_at.astimezone(self._zone))
        key = self._key(flow_id, values)
        if key is not None:
            self._accepted.saw(key)
            self._accepted.took(key)

    def _key(self, flow_id: str, values: Mapping[str, FieldValue]) -> bytes | None:
        """Return what duplicates have in common; a lead without any of it has no duplicate."""
        names = self.settings.duplicate_fields or self._compared
        compared = [(name, values[name].value.casefold()) for name in names if name in values]
        if not any(value.strip() for _, value in compared):
            return None
        return identity(flow_id, compared)

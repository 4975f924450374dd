"""Whether the header is one: a list without a header has its first row there.

That row would be lost, and every other would be sent, and billed, in fields that LeadConduit does
not know. A column that the config names is a column, whatever it is called.
"""

import re
from collections.abc import Iterator

from bulkpost.mapping.assignment import Assignment, looks_like_data, trimmed

CERT_ALIAS = "xxtrustedformcerturl"  # LeadConduit renames it whatever its case
# The standard fields and those of an account are spelled like this; dots nest.
_FIELD = re.compile(r"[a-z][a-z0-9_.]*")
_SHOWN_MAX = 10
_NO_HEADER = "If the first row is a lead, give --no-header"


def data_for_names(plan: Assignment) -> Iterator[str]:
    """Find headers that nobody gives to a column: an address, a number, a date."""
    odd = [
        i for i, column in enumerate(plan.columns) if looks_like_data(column) and _is_own(plan, i)
    ]
    if odd:
        yield (
            f"the header looks like data, not like names: {_some(plan, odd)}. {_NO_HEADER}; else"
            " name these columns under [map.columns]"
        )


def no_field_at_all(plan: Assignment) -> Iterator[str]:
    """Find a header of which LeadConduit could know no name."""
    sent = [(i, name) for i, name in plan.fields if not plan.is_routing(name)]
    if any(_is_known(name) or not _is_own(plan, i) for i, name in sent):
        return
    if sent:
        yield (
            "no header is spelled like a field of LeadConduit (lower case, no spaces), and one that"
            f" it does not know is ignored without an error: {_some(plan, [i for i, _ in sent])}."
            f" {_NO_HEADER}; else check the delimiter, or say under [map.columns] which field a"
            " column feeds"
        )


def places_for_names(plan: Assignment) -> Iterator[str]:
    """Find columns that have only a place: ``column_3`` is no field."""
    bare = [i for i, _ in plan.fields if plan.columns[i] == f"column_{i + 1}" and _is_own(plan, i)]
    if bare:
        yield (
            f"{_some(plan, bare)}: a place is no name; say under [map.columns] which field the"
            " column feeds, or that it is not sent (false)"
        )


def feedback_for_leads(plan: Assignment) -> Iterator[str]:
    """Find the columns of a list of feedback: each of its rows would be billed as a lead."""
    own = {name: i for i, name in plan.fields if _is_own(plan, i)}
    said = [own[name] for name in ("type", "reason") if name in own]
    if "event_id" in own and said:
        yield (
            f"{_some(plan, [own['event_id'], *said])}: a list of returns or conversions is sent"
            " with `bulkpost feedback`. If these are leads, name the fields under [map.columns]"
        )


def is_field_name(name: str) -> bool:
    """Tell whether a name is spelled like a field of LeadConduit's: lower case, no spaces."""
    return _FIELD.fullmatch(name) is not None


def _is_own(plan: Assignment, index: int) -> bool:
    """Tell whether a column has its name from the header alone."""
    column = plan.columns[index]
    return not {column, trimmed(column)} & plan.settings.columns.keys()


def _is_known(name: str) -> bool:
    return is_field_name(name) or name.lower() == CERT_ALIAS


def _some(plan: Assignment, indexes: list[int]) -> str:
    more = len(indexes) - _SHOWN_MAX
    return plan.labels(indexes[:_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")

"""What makes a column map unusable: each rule returns one sentence per problem.

Most of them are things that LeadConduit answers with 201 and a lead that lacks data.

Reference: "Generic POST Instructions for LeadConduit"; behaviour of the form parser as observed
(dotted names nest, a name that is also a prefix of others hides them, the query wins).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from bulkpost.errors import MappingError
from bulkpost.mapping.assignment import ROUTE_FIELDS, Assignment, shown, trimmed
from bulkpost.mapping.closest import did_you_mean
from bulkpost.mapping.header import (
    CERT_ALIAS,
    data_for_names,
    feedback_for_leads,
    no_field_at_all,
    places_for_names,
)

CERT_FIELD = "trustedform_cert_url"
DROPPED_SEGMENTS = frozenset({"__proto__", "constructor", "prototype"})


def refuse_conflicts(
    plan: Assignment, unusable_columns: Iterable[tuple[str, str]], others: Iterable[str] = ()
) -> None:
    """Raise one error that names every column and field that stands in the way.

    Args:
        plan: The settings applied to the header.
        unusable_columns: (header, why) of columns that the reader cannot turn into text.
        others: Problems that were found elsewhere, one sentence each.

    Raises:
        MappingError: There is at least one conflict.
    """
    # What else is wrong with a header that is no header helps nobody, and would quote somebody.
    problems = list(data_for_names(plan)) or [
        *(problem for rule in _RULES for problem in rule(plan)),
        *_unusable(plan, tuple(unusable_columns)),
        *others,
    ]
    if problems:
        raise MappingError(
            "the columns cannot be sent as they are: " + "; ".join(problems),
            advice="Rename, map or drop the columns under [map.columns] in the config:"
            ' "header" = "field", or "header" = false to drop one.',
        )


def folded(name: str) -> str:
    """Return what two names have in common that people would read as the same name."""
    return unicodedata.normalize("NFC", trimmed(name)).casefold()


def _same_names(plan: Assignment) -> Iterator[str]:
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, where in _all_names(plan):
        groups[folded(name)].append((name, where))
    for name, group in groups.items():
        if len(group) > 1:
            yield _sameness(plan, name, group)


def _sameness(plan: Assignment, name: str, group: Sequence[tuple[str, str]]) -> str:
    places = ", ".join(where for _, where in group)
    if any(where == _QUERY for _, where in group):
        return f"{places} set the same field, '{shown(group[0][0])}', and the URL would win"
    headers = [plan.columns[index] for index, sent in plan.fields if folded(sent) == name]
    only_columns = len(headers) == len(group)
    if only_columns and len(set(headers)) == 1:
        return f"{places}: the header stands there more than once"
    is_one_header = only_columns and len({folded(header) for header in headers}) == 1
    if is_one_header or len({sent for sent, _ in group}) > 1:
        return f"{places}: the names differ only in case or outer spaces"
    return f"{places} would all feed the field '{shown(group[0][0])}'"


def _hidden_by_a_prefix(plan: Assignment) -> Iterator[str]:
    named = _all_names(plan)
    where_of = dict(named)
    for name, where in named:
        segments = name.split(".")
        prefixes = (".".join(segments[:count]) for count in range(1, len(segments)))
        for prefix in prefixes:
            if prefix in where_of:
                yield (
                    f"{where_of[prefix]} sets '{shown(prefix)}' and {where} sets '{shown(name)}':"
                    f" LeadConduit would silently drop everything under '{shown(prefix)}.'"
                )


def _bad_segments(plan: Assignment) -> Iterator[str]:
    for name, where in plan.sent():
        segments = name.split(".")
        if "" in segments:
            yield f"{where}: the field name '{shown(name)}' has an empty part between dots"
        if not DROPPED_SEGMENTS.isdisjoint(segments):
            yield f"{where}: LeadConduit silently drops a field named '{shown(name)}'"
        if not _is_encodable(name):
            yield f"{where}: the field name is not valid Unicode text"


def _two_certificates(plan: Assignment) -> Iterator[str]:
    certificates = [(n, w) for n, w in _all_names(plan) if folded(n) in {CERT_FIELD, CERT_ALIAS}]
    if len({folded(name) for name, _ in certificates}) > 1:
        places = ", ".join(where for _, where in certificates)
        yield f"{places} both carry the TrustedForm certificate, and one would overwrite the other"


def _unknown_columns(plan: Assignment) -> Iterator[str]:
    known = {name for column in plan.columns for name in (column, trimmed(column))}
    for name in plan.settings.columns:
        if name and name not in known:
            yield (
                f"the config maps the column '{shown(name)}', which the input does not have"
                f"{did_you_mean(name, plan.names)}"
            )


def _unknown_types(plan: Assignment) -> Iterator[str]:
    known = {name for name, _ in _all_names(plan)} | {trimmed(name) for name in plan.columns}
    for name in plan.settings.types:
        if name not in known:
            yield (
                f"the config gives a type to the field '{shown(name)}', which is not sent"
                f"{did_you_mean(name, known if plan.names else ())}"
            )


def _empty_constants(plan: Assignment) -> Iterator[str]:
    for name, value in plan.settings.constants.items():
        if not value or not _is_encodable(value):
            yield f"the constant '{shown(name)}' is empty or not valid Unicode text"


def _routing(plan: Assignment) -> Iterator[str]:
    is_routed = plan.destination.is_routed
    if is_routed and not plan.settings.route:
        yield "neither the URL nor the config names a flow and a source"
    if not plan.settings.route:
        return
    if not is_routed:
        yield "each row is to name its own flow and source, but the URL names them already"
    present = {name for _, name in plan.fields}
    for name in ROUTE_FIELDS:
        if name not in present:
            yield (
                f"each row is to name its own flow and source, but no column feeds '{name}'"
                f"{did_you_mean(name, plan.names)}"
            )


def _nothing_mapped(plan: Assignment) -> Iterator[str]:
    if all(plan.is_routing(name) for _, name in plan.fields):
        yield "no column would be sent"


def _unusable(plan: Assignment, unusable_columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    dropped = {plan.columns[index] for index in plan.dropped}
    for name, why in unusable_columns:
        if name not in dropped:
            yield f"the column '{shown(name)}' cannot be sent: {why}"


def _all_names(plan: Assignment) -> list[tuple[str, str]]:
    routing = [(name, plan.label(i)) for i, name in plan.fields if plan.is_routing(name)]
    # A name that the URL repeats is the URL's own affair: it is one name here.
    query = [(name, _QUERY) for name in dict(plan.destination.query)]
    return routing + plan.sent() + query


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_QUERY = "the URL's query"
_RULES: tuple[Callable[[Assignment], Iterator[str]], ...] = (
    places_for_names,
    no_field_at_all,
    feedback_for_leads,
    _same_names,
    _hidden_by_a_prefix,
    _bad_segments,
    _two_certificates,
    _unknown_columns,
    _unknown_types,
    _empty_constants,
    _routing,
    _nothing_mapped,
)

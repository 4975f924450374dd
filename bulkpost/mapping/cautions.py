"""What is odd about a column map and still sent: each rule returns a finding or nothing."""

from collections.abc import Callable

from bulkpost.finding import Finding
from bulkpost.mapping.assignment import ROUTE_FIELDS, Assignment
from bulkpost.mapping.conflicts import folded
from bulkpost.mapping.header import CERT_ALIAS

_PING_FIELDS = frozenset({"trustedform_ping_url", "xxtrustedformpingurl"})


def cautions(plan: Assignment) -> tuple[Finding, ...]:
    """Return what a person should know before these columns are sent."""
    found = (rule(plan) for rule in _RULES)
    return tuple(finding for finding in found if finding is not None)


def _unnamed(plan: Assignment) -> Finding | None:
    if not plan.unnamed:
        return None
    return Finding(
        "unnamed_column",
        f"{plan.labels(plan.unnamed)}: no name, so never sent;"
        " a row with text there is refused as invalid",
        'Name the column, or drop it with "" = false under [map.columns].',
    )


def _upper_case(plan: Assignment) -> Finding | None:
    return _about_names(
        plan,
        # The alias is renamed by LeadConduit whatever its case.
        lambda name: name != name.lower() and name.lower() != CERT_ALIAS,
        "upper_case",
        "upper case in the field name: LeadConduit's names are lower case, and one that it does"
        " not know is ignored without an error",
        "Map the column to the lower-case name, unless the source's own mapping expects this one.",
    )


def _spaces(plan: Assignment) -> Finding | None:
    return _about_names(
        plan,
        lambda name: any(char.isspace() or not char.isprintable() for char in name),
        "spaces",
        "a space or an invisible character in the field name: LeadConduit's names have none, and"
        " one that it does not know is ignored without an error",
        "Map the column to the field's name.",
    )


def _redirect(plan: Assignment) -> Finding | None:
    return _about_names(
        plan,
        lambda name: folded(name) == "redir_url",
        "redir_url",
        "redir_url in the body is an ordinary field and redirects nobody",
        "Drop it unless the flow has a field of that name.",
    )


def _ping_url(plan: Assignment) -> Finding | None:
    return _about_names(
        plan,
        lambda name: folded(name) in _PING_FIELDS,
        "trustedform_ping_url",
        "LeadConduit deletes the TrustedForm ping URL from a submitted lead",
        "Send trustedform_cert_url instead, or drop the column.",
    )


def _routing_sent(plan: Assignment) -> Finding | None:
    if plan.settings.route:
        return None
    return _about_names(
        plan,
        lambda name: name in ROUTE_FIELDS,
        "route_columns_sent",
        "flow_id and source_id are sent as ordinary fields and route nothing",
        "Set route = true under [map] to let each row name its flow and source, or drop them.",
    )


def _about_names(
    plan: Assignment, is_odd: Callable[[str], bool], code: str, what: str, advice: str
) -> Finding | None:
    places = [where for name, where in plan.sent() if is_odd(name)]
    return Finding(code, f"{', '.join(places)}: {what}", advice) if places else None


_RULES: tuple[Callable[[Assignment], Finding | None], ...] = (
    _unnamed,
    _upper_case,
    _spaces,
    _redirect,
    _ping_url,
    _routing_sent,
)

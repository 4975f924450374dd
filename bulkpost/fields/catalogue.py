"""Every finding that a type's rules can have about a text, by its code."""

from typing import Final

from bulkpost.fields import (
    boolean,
    city,
    date,
    dob,
    email,
    email_domains,
    gender,
    ip,
    looks,
    number,
    person_name,
    phone,
    postal_code,
    range,  # noqa: A004  # a type's name, used nowhere else here
    ssn,
    state,
    street,
    time,
    url,
)
from bulkpost.finding import Finding

_RULES = (
    looks, boolean, city, date, dob, email, email_domains, gender, ip, number, person_name, phone,
    postal_code, range, ssn, state, street, time, url,
)  # fmt: skip

FINDINGS: Final[dict[str, Finding]] = {
    finding.code: finding
    for rules in _RULES
    for finding in vars(rules).values()
    if isinstance(finding, Finding)
}

"""One door for all field types."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bulkpost.fields.boolean import parse_boolean
from bulkpost.fields.city import parse_city
from bulkpost.fields.credential import parse_credential
from bulkpost.fields.date import parse_date
from bulkpost.fields.dob import parse_dob
from bulkpost.fields.email import parse_email
from bulkpost.fields.field_type import FieldType
from bulkpost.fields.first_name import parse_first_name
from bulkpost.fields.gender import parse_gender
from bulkpost.fields.ip import parse_ip
from bulkpost.fields.last_name import parse_last_name
from bulkpost.fields.looks import looks
from bulkpost.fields.number import parse_number
from bulkpost.fields.parsed import Parsed
from bulkpost.fields.phone import parse_phone
from bulkpost.fields.postal_code import parse_postal_code
from bulkpost.fields.range import parse_range
from bulkpost.fields.ssn import parse_ssn
from bulkpost.fields.state import parse_state
from bulkpost.fields.street import parse_street
from bulkpost.fields.string import parse_string
from bulkpost.fields.time import parse_time
from bulkpost.fields.url import parse_url

_RULES: Final[dict[str, Callable[[str], Parsed]]] = {
    FieldType.BOOLEAN: parse_boolean,
    FieldType.CITY: parse_city,
    FieldType.CREDENTIAL: parse_credential,
    FieldType.EMAIL: parse_email,
    FieldType.FIRST_NAME: parse_first_name,
    FieldType.GENDER: parse_gender,
    FieldType.IP: parse_ip,
    FieldType.LAST_NAME: parse_last_name,
    FieldType.NUMBER: parse_number,
    FieldType.PHONE: parse_phone,
    FieldType.POSTAL_CODE: parse_postal_code,
    FieldType.RANGE: parse_range,
    FieldType.SSN: parse_ssn,
    FieldType.STATE: parse_state,
    FieldType.STREET: parse_street,
    FieldType.STRING: parse_string,
    FieldType.TIME: parse_time,
    # Its rules need LeadConduit's private key: nothing can be said of it here.
    FieldType.TRUSTEDFORM_URL: parse_string,
    FieldType.URL: parse_url,
}
_RULES_OF_THE_DAY: Final[dict[str, Callable[[str, datetime], Parsed]]] = {
    FieldType.DATE: parse_date,
    FieldType.DOB: parse_dob,
}
_UNSPOKEN: Final = frozenset({FieldType.CREDENTIAL})  # nothing is said of such a text


def parse(field_type: str, text: str, *, as_of: datetime) -> Parsed:
    """Read a text as LeadConduit reads a field of this type.

    Never fails on a text, takes time in proportion to its length, and keeps none of it.

    Args:
        field_type: A type of LeadConduit's, see ``FieldType``.
        text: What stands in the cell.
        as_of: Now; dates without a year and ages depend on it. A naive time is taken to be UTC.

    Raises:
        ValueError: LeadConduit has no such type.
    """
    if rule := _RULES.get(field_type):
        parsed = rule(text)
    elif rule_of_the_day := _RULES_OF_THE_DAY.get(field_type):
        parsed = rule_of_the_day(text, as_of)
    else:
        raise ValueError(f"unknown field type: {field_type}")
    seen = () if field_type in _UNSPOKEN else looks(text)
    if not seen:
        return parsed
    return Parsed(parsed.valid, parsed.value, parsed.parts, seen + parsed.warnings)

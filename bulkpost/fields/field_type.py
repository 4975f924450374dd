"""The names of LeadConduit's field types."""

from enum import StrEnum


class FieldType(StrEnum):
    """The closed list of types a field of a flow can have.

    Reference: the ``type`` enumeration of LeadConduit's OpenAPI file, with ``dob`` and ``ip``.
    """

    BOOLEAN = "boolean"
    CITY = "city"
    CREDENTIAL = "credential"
    DATE = "date"
    DOB = "dob"
    EMAIL = "email"
    FIRST_NAME = "first_name"
    GENDER = "gender"
    IP = "ip"
    LAST_NAME = "last_name"
    NUMBER = "number"
    PHONE = "phone"
    POSTAL_CODE = "postal_code"
    RANGE = "range"
    SSN = "ssn"  # transient: never stored, logged or hashed
    STATE = "state"
    STREET = "street"
    STRING = "string"
    TIME = "time"
    TRUSTEDFORM_URL = "trustedform_url"
    URL = "url"

"""Which type a field has, by its name: the standard catalogue's habits.

A name is a path with dots; its last part tells the type, without a number at its end. What the
catalogue keeps as text, and what it does not know, has no guess.
"""

import re
from typing import Final

from bulkpost.fields.field_type import FieldType
from bulkpost.fields.ssn import is_ssn_name

_NUMBERED = re.compile(r"_?[0-9]{1,3}\Z")
_WHOLE: Final = {
    "dob": FieldType.DOB,
    "date_of_birth": FieldType.DOB,
    "birth_date": FieldType.DOB,
    "birthdate": FieldType.DOB,
    "email": FieldType.EMAIL,
    "email_address": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "telephone": FieldType.PHONE,
    "mobile": FieldType.PHONE,
    "cell": FieldType.PHONE,
    "fax": FieldType.PHONE,
    "first_name": FieldType.FIRST_NAME,
    "last_name": FieldType.LAST_NAME,
    "city": FieldType.CITY,
    "state": FieldType.STATE,
    "province": FieldType.STATE,
    "postal_code": FieldType.POSTAL_CODE,
    "zip": FieldType.POSTAL_CODE,
    "zip_code": FieldType.POSTAL_CODE,
    "zipcode": FieldType.POSTAL_CODE,
    "address": FieldType.STREET,
    "street": FieldType.STREET,
    "gender": FieldType.GENDER,
    "sex": FieldType.GENDER,
    "ip": FieldType.IP,
    "ip_address": FieldType.IP,
    "age": FieldType.RANGE,
    "credit_score": FieldType.RANGE,
    "url": FieldType.URL,
    "website": FieldType.URL,
    "is_test": FieldType.BOOLEAN,
    "trustedform_cert_url": FieldType.TRUSTEDFORM_URL,
    "xxtrustedformcerturl": FieldType.TRUSTEDFORM_URL,
    "password": FieldType.CREDENTIAL,
    "date": FieldType.DATE,
    "timestamp": FieldType.TIME,
    "amount": FieldType.NUMBER,
    "price": FieldType.NUMBER,
    "down_payment": FieldType.NUMBER,
}
_LAST_WORDS: Final = {
    "dob": FieldType.DOB,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "city": FieldType.CITY,
    "state": FieldType.STATE,
    "zip": FieldType.POSTAL_CODE,
    "ip": FieldType.IP,
    "url": FieldType.URL,
    "date": FieldType.DATE,
    "gender": FieldType.GENDER,
    "amount": FieldType.NUMBER,
    "password": FieldType.CREDENTIAL,
}
_LAST_PAIRS: Final = {
    "first_name": FieldType.FIRST_NAME,
    "last_name": FieldType.LAST_NAME,
    "postal_code": FieldType.POSTAL_CODE,
    "zip_code": FieldType.POSTAL_CODE,
}
_SECOND_LINE: Final = frozenset({"address_2", "address2", "street_2", "address_3"})
_NAME_CHARS_MAX = 300


def guess_type(field_name: str) -> FieldType | None:
    """Return the type that a field of this name has in LeadConduit's catalogue, or None."""
    if len(field_name) > _NAME_CHARS_MAX:
        return None
    if is_ssn_name(field_name):
        return FieldType.SSN
    last = field_name.lower().rpartition(".")[2]
    if last in _SECOND_LINE:  # a flat's number or nothing: text in the catalogue
        return None
    name = _NUMBERED.sub("", last)
    words = name.split("_")
    if name in _WHOLE:
        return _WHOLE[name]
    if words[0] in {"is", "has"} and len(words) > 1:
        return FieldType.BOOLEAN
    return _LAST_PAIRS.get("_".join(words[-2:])) or _LAST_WORDS.get(words[-1])

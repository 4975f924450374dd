"""What is left of a column's name when spelling is taken away, and which names mean the same."""

import re
import unicodedata
from enum import Enum, auto
from functools import lru_cache
from typing import Final

_NAME_CHARS_MAX: Final = 120
_WORD = re.compile(r"[^\W\d_]+|\d+")
# firstName, ZIPCode: a capital begins a word, unless it is one of several.
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Synonym(Enum):
    """How surely another word for a field means it."""

    PLAIN = auto()
    MODEST = auto()  # unless another column is called more plainly
    DOUBTFUL = auto()  # or something else


_SIGNS: Final = {"~": Synonym.MODEST, "?": Synonym.DOUBTFUL}
_LETTERS: Final = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"})
# Whose data it is, is not which field it is.
_BYWORDS: Final = frozenset({
    "lead", "leads", "customer", "client", "contact", "consumer", "applicant", "borrower", "person",
    "user", "prospect", "member", "your", "the", "primary", "main", "value", "field",
})  # fmt: skip

# LeadConduit's own name, then what lists call the same. A question mark follows a name that means
# something else as well, a tilde one that steps back where a plainer one stands beside it.
_SAME: Final = """\
first_name: fname, first?, given name, forename, firstnm, vorname, rufname, nombre, prenom
last_name: lname, last?, surname, family name, lastnm, nachname, familienname, apellido
last_name: apellidos, nom de famille
email: e mail, email address, e mail address, mail?, mail address, emailid, email id, correo
email: correo electronico, courriel, emailadresse, e mail adresse, mailadresse
phone_1: phone, phone number, phone no, phone nr, phone num, telephone, telephone number, tel
phone_1: tel no, cell~, cell phone~, cell number~, cellphone~, mobile~
phone_1: mobile phone~, mobile number~
phone_1: mobile no~, home phone~, day phone~, daytime phone~, contact number~, telefon
phone_1: telefonnummer, rufnummer, handy~, handynummer~, mobil~, mobilnummer~, telefono, numero de
phone_1: telefono, celular~, movil~
phone_2: second phone, secondary phone, alternate phone, alt phone, other phone, work phone
phone_2: evening phone, business phone?
phone_3: third phone
fax: fax number, fax no
address_1: address, street, street address, address line 1, addr, addr 1, street 1, mailing
address_1: address, home address?, strasse, strasse hausnummer, anschrift, adresse, direccion
address_1: calle
address_2: address line 2, addr 2, street 2, apt, apartment, suite?, unit?
city: town, city name, ort, stadt, wohnort, ciudad, ville, locality?
state: st, state code, state province, province, prov, us state, state abbreviation, estado
state: bundesland, region?
postal_code: zip, zip code, zipcode, postcode, post code, postal, zip 5, zip postal code, zip or
postal_code: postal code, plz, postleitzahl, codigo postal, code postal
county: county name
country: country code, land?, pais, pays
dob: date of birth, birth date, birthdate, birthday, birth dt, d o b, geburtsdatum, geburtstag
dob: fecha de nacimiento, date de naissance
age: age range, alter, edad
gender: sex, geschlecht, genero, sexo, sexe
ssn: social, social security, social security number, social security no, soc sec no, ss number
ssn: ssn number
ip_address: ip, client ip, user ip, remote addr, remote ip, ip adresse
comments: comment, notes?, note?, remarks?, remark?, message?, bemerkung?, kommentar?
credit_score: fico, fico score, credit rating?
reference: reference number?, external id?, external lead id
company.name: company name, company?, business name, organization?, organisation?, firma?
trustedform_cert_url: trusted form cert url, trustedform url, trusted form url, trustedform
trustedform_cert_url: certificate, trusted form certificate, trustedform, trusted form
trustedform_cert_url: xxtrustedformcerturl, certificate url?, cert url
universal_leadid: universal lead id, leadid token, lead id token, jornaya, jornaya id, jornaya
universal_leadid: leadid
is_test: test lead?, test flag?
campaign_id: campaign?
loan.amount: loan amount
loan.purpose: loan purpose
mortgage.loan.amount: mortgage amount
mortgage.loan.purpose: mortgage purpose
mortgage.loan.down_payment: down payment
mortgage.property.state: property state
mortgage.property.postal_code: property zip, property zip code, property postal code
mortgage.property.type: property type
mortgage.property.use: property use?
vehicle.year: vehicle year, car year
vehicle.make: vehicle make, car make
vehicle.model: vehicle model, car model
"""


@lru_cache(maxsize=8_192)
def words(name: str) -> tuple[str, ...]:
    """Return a name's words: lower case, without accents, signs and the case of camels."""
    text = unicodedata.normalize("NFKC", name[:_NAME_CHARS_MAX])
    text = _CAPITAL.sub(" ", text).lower().translate(_LETTERS)
    plain = "".join(
        char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char)
    )
    return tuple(_WORD.findall(plain))


def spelled(name: str) -> str:
    """Return what two spellings of one name have in common; empty if it has no letter or digit."""
    return "".join(words(name))


def without_bywords(name: str) -> str:
    """Return a name as ``spelled`` does, without the words that say whose it is."""
    return "".join(word for word in words(name) if word not in _BYWORDS)


def meaning(key: str) -> tuple[str, Synonym] | None:
    """Return the standard field that a spelled name means, and how surely; None if none does."""
    return _MEANINGS.get(key)


def _meanings() -> dict[str, tuple[str, Synonym]]:
    found: dict[str, tuple[str, Synonym]] = {}
    for line in _SAME.splitlines():
        field, _, names = line.partition(": ")
        found[spelled(field)] = (field, Synonym.PLAIN)
        for name in names.split(", "):
            meant = (field, _SIGNS.get(name[-1:], Synonym.PLAIN))
            known = found.setdefault(spelled(name), meant)
            assert known == meant, name
    return found


_MEANINGS: Final = _meanings()
STANDARD_FIELDS: Final = tuple(dict.fromkeys(field for field, _ in _MEANINGS.values()))
# The sure ones, spelled.
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    field: tuple(
        key
        for key, meant in _MEANINGS.items()
        if meant[0] == field and meant[1] is not Synonym.DOUBTFUL
    )
    for field in STANDARD_FIELDS
}

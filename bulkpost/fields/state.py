"""state: a code or a full name of the United States and Canada becomes a code.

Rule 1: nothing is invalid; what is not known is passed on unchanged.
Rule 2: outer white space is not trimmed, so it hides the state.
Rule 3: a full name is looked up with a capital at the start of every word and small letters
elsewhere. Names that are not written so are therefore never found.
"""

from typing import Final

from bulkpost.fields.javascript import trimmed
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

UNKNOWN: Final = Finding(
    "state_unknown",
    "LeadConduit does not know this state and passes it on unchanged",
    "Write the two-letter code of a state of the USA or a province of Canada.",
)
PADDED: Final = Finding(
    "state_padded",
    "white space around the state keeps LeadConduit from knowing it",
    "Take the white space away.",
)
NAME_NOT_FOUND: Final = Finding(
    "state_name_not_mapped",
    "LeadConduit does not turn this full name into its code",
    "Write the two-letter code.",
)
NAME_ODD: Final = Finding(
    "state_name_odd",
    "the full name that LeadConduit makes of this code ends in the code once more",
    "Nothing is wrong with the lead; make sure that nobody relies on the full name.",
)
MILITARY: Final = Finding(
    "state_military",
    "LeadConduit does not know the codes of armed forces' addresses and passes them on unchanged",
    "Make sure that the flow accepts them.",
)

_NAMES: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "AS": "American Samoa", "GU": "Guam", "MH": "Marshall Islands",
    "MP": "Northern Mariana Islands", "PW": "Palau", "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands", "FM": "Federated States of Micronesia FM",
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "ON": "Ontario",
    "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan",
    "NT": "Northwest Territories NT", "NU": "Nunavut NU", "YT": "Yukon YT",
}  # fmt: skip
_CODES: Final = {
    name.lower(): code
    for code, name in _NAMES.items()
    if all(word[0].isupper() and word[1:].islower() for word in name.split(" "))
}
_NEVER_FOUND: Final = frozenset(
    name.removesuffix(f" {code}").lower()
    for code, name in _NAMES.items()
    if name.lower() not in _CODES
) | {"micronesia", "virgin islands", "washington dc", "washington, d.c.", "washington d.c."}
_MILITARY: Final = frozenset({"AA", "AE", "AP"})
_CHARS_MAX = max(map(len, _NAMES.values()))


def parse_state(text: str) -> Parsed:
    """Read a text as a state or province; ``name`` is its full name, or the text if unknown."""
    code = _code(text)
    if code is not None:
        name = _NAMES[code]
        odd = (NAME_ODD,) if name.endswith(f" {code}") else NO_FINDINGS
        return Parsed(valid=True, value=code, parts={"name": name}, warnings=odd)
    found = (_doubt(text),) if text else ()
    return Parsed(valid=True, value=text, parts={"name": text}, warnings=found)


def _code(text: str) -> str | None:
    if len(text) > _CHARS_MAX:
        return None
    upper = text.upper()
    return upper if upper in _NAMES else _CODES.get(text.lower())


def _doubt(text: str) -> Finding:
    bare = trimmed(text)
    if bare != text and _code(bare) is not None:
        return PADDED
    if len(bare) <= _CHARS_MAX and bare.lower() in _NEVER_FOUND:
        return NAME_NOT_FOUND
    return MILITARY if bare.upper() in _MILITARY else UNKNOWN

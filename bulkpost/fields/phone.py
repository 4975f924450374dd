"""phone: a number as libphonenumber reads it in the United States, with a letter for its kind.

Rule 1: a last letter h, w, c or m, alone or in parentheses, tells the kind and is taken away.
Rule 2: a number with an asterisk in it is masked, and always valid.
Rule 3: else libphonenumber decides. What it can read but does not call valid keeps its digits.

A number of the usual American shape is read without libphonenumber, which is slow: whether it is
valid depends on its first six digits only, and the answers for those are kept. They are nobody's
number.
"""

import re
from functools import lru_cache
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed, Part
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "phone_not_understood",
    "LeadConduit cannot read the text as a telephone number",
    "Write ten digits; put +, the country code and the number for other countries.",
)
INVALID: Final = Finding(
    "phone_invalid",
    "no telephone has this number, as its length or its area code tells",
    "Write ten digits; put +, the country code and the number for other countries.",
)
DECIMALS: Final = Finding(
    "phone_decimals",
    "the telephone number was written as a decimal number, so LeadConduit cannot read it",
    "Keep the column as text when the list is exported.",
)
MASKED: Final = Finding(
    "phone_masked",
    "the telephone number holds an asterisk, and LeadConduit calls it valid for that reason",
    "Send the whole number or leave the cell empty.",
)
FICTITIOUS: Final = Finding(
    "phone_fictitious",
    "the telephone number is reserved for films and examples, though LeadConduit calls it valid",
    "Leave the cell empty where no number is known.",
)
PREMIUM: Final = Finding(
    "phone_premium",
    "the telephone number is a premium-rate one, no consumer's",
    "Compare the number with where it came from.",
)
TOLL_FREE: Final = Finding(
    "phone_toll_free",
    "the telephone number is toll-free, hardly a consumer's",
    "Compare the number with where it came from.",
)
OTHER_COUNTRY: Final = Finding(
    "phone_other_country",
    "the telephone number is from Canada or the Caribbean, though LeadConduit takes it for the USA",
    "Make sure that the flow takes it.",
)
FOREIGN: Final = Finding(
    "phone_foreign",
    "the telephone number is not from North America, so it has neither exchange nor line",
    "Make sure that the flow takes it.",
)
LETTERS: Final = Finding(
    "phone_letters",
    "letters in the telephone number are read as the digits of their keys",
    "Write the digits.",
)
HINT_IGNORED: Final = Finding(
    "phone_hint_ignored",
    "the letter for the telephone's kind is not understood: it must be small and stand last",
    "Put h, w, c or m directly at the end.",
)

_KINDS: Final = {"h": "home", "w": "work", "c": "mobile", "m": "mobile"}
_AMERICAN = re.compile(
    r"(?:\+?1[ .\-]{0,2})?(?:\(([2-9][0-9]{2})\)|([2-9][0-9]{2}))[ .\-]{0,2}"
    r"([0-9]{3})[ .\-]{0,2}([0-9]{4})"
)
_TEN_DIGITS = re.compile(r"([2-9*][0-9*]{2})([0-9*]{3})([0-9*]{4})")
_MASK_DROPPED = re.compile(r"[^0-9*]+")
_IGNORED_HINT = re.compile(r"[0-9]\s?\(?[HWCMhwcm]\)?\s?\Z")
_DECIMALS = re.compile(r"[0-9]{10,11}\.0+|[0-9]\.[0-9]+[eE]\+[0-9]+")
_LETTERS = re.compile(r"[A-Za-z]{3}")
_EXTENSION = re.compile(r"\b(?:ext|extension|x)\b", re.IGNORECASE)
_TOLL_FREE: Final = frozenset({"800", "844", "855", "866", "877", "888"})  # LeadConduit's list
_TOLL_FREE_TOO: Final = frozenset({"833"})
_UNKNOWN_AREA = "***"
_AMERICAN_CODE = 1
_CHARS_MAX = 250  # libphonenumber's own limit
_PREFIXES_MAX = 65_536


def parse_phone(text: str) -> Parsed:
    """Read a text as a telephone number.

    The value is the national number, with ``x`` and the extension if there is one. Parts: ``area``,
    ``exchange``, ``line``, ``number``, ``extension``, ``country_code``, ``country_calling_code``,
    ``is_tollfree`` and ``type`` (home, work or mobile); none if the text cannot be read.
    """
    if len(text) > _CHARS_MAX:
        return Parsed(valid=False, value=text, warnings=(NOT_UNDERSTOOD,))
    bare, kind = _without_hint(text)
    if match := _AMERICAN.fullmatch(bare):
        area, exchange, line = match[1] or match[2], match[3], match[4]
        if _region(area + exchange):
            return _american(area + exchange + line, "", kind, NO_FINDINGS)
    if "*" in bare:
        return _masked(bare, kind)
    return _by_library(text, bare, kind)


def _without_hint(text: str) -> tuple[str, str | None]:
    bare = text.removesuffix(")")
    kind = _KINDS.get(bare[-1:])
    if kind is None:
        return text, None
    bare = bare[:-1]
    if len(bare) + 1 < len(text):
        bare = bare.removesuffix("(")
    return bare.rstrip(), kind


@lru_cache(maxsize=_PREFIXES_MAX)
def _region(six_digits: str) -> str | None:
    """Return the country of numbers with these first six digits, or None if none is valid.

    The last four digits do not matter.
    """
    import phonenumbers  # noqa: PLC0415  # slow to load

    number = phonenumbers.PhoneNumber(_AMERICAN_CODE, int(six_digits) * 10_000)
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.region_code_for_number(number)


def _american(
    digits: str, extension: str, kind: str | None, found: tuple[Finding, ...], *, valid: bool = True
) -> Parsed:
    if match := _TEN_DIGITS.fullmatch(digits):
        area, exchange, line = match.groups()
    else:
        area, exchange, line = _UNKNOWN_AREA, digits[:3], digits[3:7]
    parts = _parts(area, exchange + line, extension, kind)
    parts.update(exchange=exchange, line=line)
    if valid:
        found += _american_doubts(area, exchange, line)
    return Parsed(valid=valid, value=_value(digits, extension), parts=parts, warnings=found)


def _american_doubts(area: str, exchange: str, line: str) -> tuple[Finding, ...]:
    if area in _TOLL_FREE or area in _TOLL_FREE_TOO:
        return (TOLL_FREE,)
    if area == "900":
        return (PREMIUM,)
    if exchange == "555" and (line[:2] == "01" or line == "1212"):
        return (FICTITIOUS,)
    is_masked = not (area + exchange).isdecimal()
    return NO_FINDINGS if is_masked or _region(area + exchange) == "US" else (OTHER_COUNTRY,)


def _masked(bare: str, kind: str | None) -> Parsed:
    main, _, extension = bare.partition("x")
    digits = _MASK_DROPPED.sub("", main)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    extension = _MASK_DROPPED.sub("", extension)
    return _american(digits, extension, kind, (MASKED,))


def _by_library(text: str, bare: str, kind: str | None) -> Parsed:
    import phonenumbers  # noqa: PLC0415  # slow to load

    try:
        number = phonenumbers.parse(bare, "US")
    except phonenumbers.NumberParseException:
        return Parsed(valid=False, value=text, warnings=(_why_not(text),) if text else NO_FINDINGS)
    valid = phonenumbers.is_valid_number(number)
    found = tuple(_doubts(text, kind)) if valid else (_why_invalid(text),)
    digits = phonenumbers.national_significant_number(number)
    code = number.country_code or _AMERICAN_CODE
    if code == _AMERICAN_CODE:
        return _american(digits, number.extension or "", kind, found, valid=valid)
    area_length = phonenumbers.length_of_national_destination_code(number)
    extension = number.extension or ""
    parts = _parts(digits[:area_length], digits[area_length:], extension, kind)
    region = phonenumbers.region_code_for_country_code(code)
    parts.update(country_code=region, country_calling_code=code)
    found += (FOREIGN,) if valid else NO_FINDINGS
    return Parsed(valid=valid, value=_value(digits, extension), parts=parts, warnings=found)


def _parts(area: str, number: str, extension: str, kind: str | None) -> dict[str, Part]:
    return {
        "area": area,
        "exchange": None,
        "line": None,
        "number": number,
        "extension": extension or None,
        "country_code": "US",
        "country_calling_code": _AMERICAN_CODE,
        "is_tollfree": area in _TOLL_FREE,
        "type": kind,
    }


def _value(digits: str, extension: str) -> str:
    return f"{digits}x{extension}" if extension else digits


def _why_not(text: str) -> Finding:
    return DECIMALS if _DECIMALS.fullmatch(text.strip()) else NOT_UNDERSTOOD


def _why_invalid(text: str) -> Finding:
    return DECIMALS if _DECIMALS.fullmatch(text.strip()) else INVALID


def _doubts(text: str, kind: str | None) -> list[Finding]:
    found = []
    if kind is None and _IGNORED_HINT.search(text):
        found.append(HINT_IGNORED)
    if _LETTERS.search(text) and not _EXTENSION.search(text) and not text.startswith("tel:"):
        found.append(LETTERS)
    return found

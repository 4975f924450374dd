"""What the values of a column look like: counted over a bounded sample, and forgotten."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bulkpost.fields import parse
from bulkpost.fields.field_type import FieldType
from bulkpost.row import Row

ROWS_MAX: Final = 1_000
VALUES_MIN: Final = 3  # fewer tell nothing
_CELL_CHARS_MAX: Final = 200
_SSN = re.compile(r"\d{3}([- ])\d{2}\1\d{4}")
_SSN_BARE = re.compile(r"\d{9}")
_MASKED_SSN = re.compile(r"[*xX\u2022]{3}[- ]?[*xX\u2022]{2}[- ]?\d{4}")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}\.? [^\W\d_]{3,9}\.? \d{4}")
_PHONE = re.compile(r"[+(]?[\d(][\d ().\-/x]{8,24}")
_STREET = re.compile(r"\d+[\w/-]* [^\W\d_].*|[^\W\d_].* \d+[a-zA-Z]?")
_ADULT_YEARS: Final = 16
_ZIP = re.compile(r"\d{5}(-\d{4})?")


@dataclass(slots=True)
class Likeness:
    """How many values of a column look like each type.

    Attributes:
        values: Values that were looked at; empty cells are none.
        counts: By type; a value may look like several.
        bare_ssn: Values that are nine digits and nothing else, as a number without hyphens is.
    """

    values: int = 0
    counts: dict[FieldType, int] = field(default_factory=dict)
    bare_ssn: int = 0

    def share(self, field_type: FieldType) -> float | None:
        """Return the share of values that look like a type; None if too few were seen."""
        if self.values < VALUES_MIN or field_type not in _RULES:
            return None
        return self.counts.get(field_type, 0) / self.values

    @property
    def bare_ssn_share(self) -> float:
        """The share of values that may be a social security number without hyphens."""
        return self.bare_ssn / self.values if self.values >= VALUES_MIN else 0.0


class Sample:
    """Rows spread evenly over an input: every row at first, every nth of a long one.

    At most ``ROWS_MAX`` rows are held at once, as personal data, until ``likenesses`` is asked.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []
        self._stride = 1
        self._seen = 0

    def add(self, batch: Iterable[Row]) -> None:
        """Take what is due of a batch; rows with a defect are none."""
        for row in batch:
            if row.defect is not None:
                continue
            if self._seen % self._stride == 0:
                self._rows.append(tuple(cell[:_CELL_CHARS_MAX] for cell in row.cells))
            self._seen += 1
            if len(self._rows) > ROWS_MAX:
                self._rows = self._rows[::2]
                self._stride *= 2

    def likenesses(self, columns: int, as_of: datetime) -> tuple[Likeness, ...]:
        """Return what the values of each column look like."""
        return tuple(
            likeness_of([row[index] for row in self._rows if index < len(row)], as_of)
            for index in range(columns)
        )


def likeness_of(cells: Sequence[str], as_of: datetime) -> Likeness:
    """Count what the values of one column look like."""
    found = Likeness()
    for cell in cells:
        text = cell.strip()
        if not text:
            continue
        found.values += 1
        if _SSN_BARE.fullmatch(text) and not _ssn_doubts(text, as_of):
            found.bare_ssn += 1
        for field_type, rule in _RULES.items():
            if rule(text, as_of):
                found.counts[field_type] = found.counts.get(field_type, 0) + 1
    return found


def _is_email(text: str, as_of: datetime) -> bool:
    return "@" in text and parse(FieldType.EMAIL, text, as_of=as_of).valid


def _is_phone(text: str, as_of: datetime) -> bool:
    return (
        _PHONE.fullmatch(text) is not None
        and _DATE.fullmatch(text) is None
        and parse(FieldType.PHONE, text, as_of=as_of).valid
    )


def _is_ssn(text: str, _as_of: datetime) -> bool:
    return (_SSN.fullmatch(text) or _MASKED_SSN.fullmatch(text)) is not None


def _ssn_doubts(text: str, as_of: datetime) -> bool:
    return bool(parse(FieldType.SSN, text, as_of=as_of).warnings)


def _is_date(text: str, _as_of: datetime) -> bool:
    return _DATE.fullmatch(text) is not None


def _is_dob(text: str, as_of: datetime) -> bool:
    if not _is_date(text, as_of):
        return False
    year = max((int(digits) for digits in re.findall(r"\d{4}", text[:20])), default=as_of.year)
    return 1900 <= year <= as_of.year - _ADULT_YEARS


def _is_postal_code(text: str, as_of: datetime) -> bool:
    # A lost zero is common, but four digits are anything.
    if text.isdecimal() and _ZIP.fullmatch(text) is None:
        return False
    parsed = parse(FieldType.POSTAL_CODE, text, as_of=as_of)
    return parsed.valid and not parsed.warnings


def _is_state(text: str, as_of: datetime) -> bool:
    return not parse(FieldType.STATE, text, as_of=as_of).warnings


def _is_url(text: str, as_of: datetime) -> bool:
    return "://" in text and parse(FieldType.URL, text, as_of=as_of).valid


def _is_certificate(text: str, _as_of: datetime) -> bool:
    return text.lower().startswith(
        ("https://cert.trustedform.com/", "https://ping.trustedform.com/")
    )


def _is_ip(text: str, as_of: datetime) -> bool:
    return text.count(".") + text.count(":") >= 2 and parse(FieldType.IP, text, as_of=as_of).valid


def _is_gender(text: str, as_of: datetime) -> bool:
    return parse(FieldType.GENDER, text, as_of=as_of).valid


def _is_street(text: str, _as_of: datetime) -> bool:
    return _DATE.fullmatch(text) is None and _STREET.fullmatch(text) is not None


# Only types that a value can look like: any text is a name or a city.
_RULES: Final[dict[FieldType, Callable[[str, datetime], bool]]] = {
    FieldType.EMAIL: _is_email,
    FieldType.PHONE: _is_phone,
    FieldType.SSN: _is_ssn,
    FieldType.DATE: _is_date,
    FieldType.DOB: _is_dob,
    FieldType.POSTAL_CODE: _is_postal_code,
    FieldType.STATE: _is_state,
    FieldType.URL: _is_url,
    FieldType.TRUSTEDFORM_URL: _is_certificate,
    FieldType.IP: _is_ip,
    FieldType.GENDER: _is_gender,
    FieldType.STREET: _is_street,
}

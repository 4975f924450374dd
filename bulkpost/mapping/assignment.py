"""Which column feeds which field, as the settings say, before anything is judged."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bulkpost.destination import Destination
from bulkpost.mapping.settings import MapSettings
from bulkpost.redact import printable, scrub

ROUTE_FIELDS = ("flow_id", "source_id")
_NAME_CHARS_MAX = 60
# What nobody calls a column: an e-mail address, a telephone number, a date, a web address.
_DATA = re.compile(r"\S+@\S+\.\S+|[+(]?\d[\d ().,:/\-]*|https?://\S+")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_OUTER = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + _INVISIBLE


@dataclass(frozen=True, slots=True)
class Assignment:
    """The settings applied to one input's header.

    Attributes:
        columns: The header as read.
        destination: Where the leads go; its query sets fields too.
        settings: The settings applied.
        fields: (column index, field name) of the columns that are kept, the routing ones too.
        dropped: Indexes of the columns that the settings drop.
        unnamed: Indexes of the columns without a name that nobody dropped or mapped.
    """

    columns: tuple[str, ...]
    destination: Destination
    settings: MapSettings
    fields: tuple[tuple[int, str], ...]
    dropped: tuple[int, ...]
    unnamed: tuple[int, ...]
    _labels: tuple[str, ...] = field(repr=False)

    def label(self, index: int) -> str:
        """Return a column's number and name for a message; the number alone if it may be data."""
        return self._labels[index]

    def labels(self, indexes: Iterable[int]) -> str:
        """Return the labels of several columns, for a message."""
        return ", ".join(self._labels[index] for index in indexes)

    @property
    def names(self) -> tuple[str, ...]:
        """The header for a message; nothing of it if it may be somebody's data."""
        return () if any(map(looks_like_data, self.columns)) else self.columns

    def is_routing(self, name: str) -> bool:
        """Tell whether a field routes the row instead of being sent."""
        return self.settings.route and name in ROUTE_FIELDS

    def sent(self) -> list[tuple[str, str]]:
        """Return (field name, where it comes from) of all that a lead carries."""
        named = [(name, self.label(i)) for i, name in self.fields if not self.is_routing(name)]
        named += [(name, f"the constant '{shown(name)}'") for name in self.settings.constants]
        if self.settings.reference:
            named.append((self.settings.reference, "the reference field"))
        return named


def assign(columns: Sequence[str], settings: MapSettings, destination: Destination) -> Assignment:
    """Apply the settings to a header."""
    fields: list[tuple[int, str]] = []
    dropped: list[int] = []
    unnamed: list[int] = []
    for index, column in enumerate(columns):
        name = _field_name(column, settings)
        if name:
            fields.append((index, name))
        elif name is None:
            dropped.append(index)
        else:
            unnamed.append(index)
    # Beside an address there may be a name: then the header is a person's row.
    has_data = any(map(looks_like_data, columns))
    labels = tuple(
        _label(number, "" if has_data else column) for number, column in enumerate(columns, 1)
    )
    return Assignment(
        tuple(columns), destination, settings, tuple(fields), tuple(dropped), tuple(unnamed), labels
    )


def trimmed(text: str) -> str:
    """Return a text without outer spaces and invisible characters: LeadConduit trims nothing."""
    return text.strip(_OUTER)


def shown(name: str) -> str:
    """Return a name fit for a message."""
    return printable(name if len(name) <= _NAME_CHARS_MAX else name[:_NAME_CHARS_MAX] + "…")


def kept(name: str) -> str:
    """Return a name fit for the ledger: a header that was a lead holds somebody's data."""
    return scrub(name, chars_max=_NAME_CHARS_MAX)


def looks_like_data(header: str) -> bool:
    """Tell whether a header looks like a cell of somebody's data."""
    return _DATA.fullmatch(header.strip()) is not None


def _field_name(column: str, settings: MapSettings) -> str | None:
    own_name = trimmed(column)
    wanted = settings.columns.get(column, settings.columns.get(own_name, True))
    if wanted is True:
        return own_name
    return wanted or None


def _label(number: int, column: str) -> str:
    name = trimmed(column)
    if not name:
        return f"column {number}"
    return f"column {number} '{shown(name)}'"

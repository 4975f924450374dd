"""Who a row is, over all inputs and runs of one destination.

Rule 1: a digest is keyed with the ledger's salt; without the salt nobody can test a guess.
Rule 2: a field that holds a social security number enters no digest. Two rows that differ only
there are the same row.
Rule 3: each name and value is written with its length before it, so no two different rows spell
the same text.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Sequence

from bulkpost.errors import ConfigError
from bulkpost.lead import CONTENT_BYTES, KEY_BYTES, Identity, Lead
from bulkpost.mapping.assignment import shown, trimmed
from bulkpost.mapping.closest import did_you_mean
from bulkpost.mapping.column_map import ColumnMap
from bulkpost.mapping.refusal import Refusal
from bulkpost.row import Row

REFERENCE_LEDGER_BYTES = 5
REFERENCE_KEY_BYTES = 10
_SALT_BYTES_MIN = 16
_KEY_PERSON = b"bulkpost key 1"
_CONTENT_PERSON = b"bulkpost data 1"


class Identifier:
    """Gives each row its identity.

    By default the key covers every (field, value) pair that is sent, the URL's own included, but
    no generated value. With key columns it covers their cells, and the content digest the rest.
    """

    def __init__(
        self, salt: bytes, column_map: ColumnMap, key_columns: tuple[str, ...] = ()
    ) -> None:
        """Prepare the digests.

        Args:
            salt: The ledger's key, 16 to 64 bytes.
            column_map: How the rows become leads.
            key_columns: Headers of the columns that tell rows apart; they need not be sent.

        Raises:
            ConfigError: A key column is unknown, ambiguous, or holds a social security number.
        """
        assert len(salt) >= _SALT_BYTES_MIN, len(salt)
        self._column_map = column_map
        self._slots = _slots(column_map)
        self._key_columns = _key_columns(column_map, key_columns)
        self._key = hashlib.blake2b(key=salt, digest_size=KEY_BYTES, person=_KEY_PERSON)
        self._content = hashlib.blake2b(key=salt, digest_size=CONTENT_BYTES, person=_CONTENT_PERSON)

    def identify(self, row: Row, lead: Lead) -> Identity | Refusal:
        """Return a row's identity, or why it has none: a key cell is empty.

        Args:
            row: The row as read.
            lead: What the column map made of it.
        """
        head = prefixed(lead.destination.name)
        pairs = self._pairs(dict(lead.fields))
        if not self._key_columns:
            return Identity(digest_of(self._key, f"{head}content;{pairs}"))
        parts = [head, "columns;"]
        cells = self._column_map.cells(row)
        for index, prefix in self._key_columns:
            cell = cells[index]
            if not trimmed(cell):
                return Refusal(f"the key column is empty: column {index + 1}")
            parts += (prefix, prefixed(cell))
        return Identity(digest_of(self._key, "".join(parts)), digest_of(self._content, pairs))

    def _pairs(self, values: dict[str, str]) -> str:
        parts = []
        for name, text in self._slots:
            if not name:  # a fixed pair, spelled beforehand
                parts.append(text)
            elif value := values.get(name):
                if not value.isascii():
                    value = unicodedata.normalize("NFC", value)
                parts.append(f"{text}{len(value)}:{value}")
        return "".join(parts)


def reference_of(ledger_id: bytes, identity_key: bytes) -> str:
    """Return a lead's reference: 24 characters, unique, stable over retries, no personal data.

    Args:
        ledger_id: At least 5 bytes; the first 5 count.
        identity_key: The key of the row's identity; its first 10 bytes count.
    """
    assert len(ledger_id) >= REFERENCE_LEDGER_BYTES, len(ledger_id)
    assert len(identity_key) == KEY_BYTES, len(identity_key)
    spelled = ledger_id[:REFERENCE_LEDGER_BYTES] + identity_key[:REFERENCE_KEY_BYTES]
    return base64.b32encode(spelled).decode("ascii").lower()


def key_of_place(identity_key: bytes, input_id: int, row_number: int) -> bytes:
    """Return what stands for a row's key in its reference where equal rows are leads of their own.

    A reference names one lead, and the key alone would name all that are equal.
    """
    place = f"{input_id}:{row_number}".encode()
    return hashlib.blake2b(place, key=identity_key, digest_size=KEY_BYTES).digest()


def _slots(column_map: ColumnMap) -> tuple[tuple[str, str], ...]:
    """Return (field name, its prefix), or ("", a whole pair) where the value never changes.

    Sorted by field name, so that neither the order of the columns nor the place a value comes
    from (column, constant, URL) matters.
    """
    slots = [(name, name, prefixed(name)) for _, name in column_map.fields]
    fixed = (*column_map.constants, *column_map.destination.query)
    slots += [(name, "", prefixed(name) + prefixed(value)) for name, value in fixed]
    slots.sort(key=lambda slot: slot[0])
    ssn_fields = column_map.ssn_fields
    return tuple((marker, text) for name, marker, text in slots if name not in ssn_fields)


def _key_columns(column_map: ColumnMap, names: Sequence[str]) -> tuple[tuple[int, str], ...]:
    found = {_key_column(column_map, name) for name in names}
    return tuple(
        (index, prefixed(trimmed(column_map.columns[index])))
        for index in sorted(found, key=lambda index: trimmed(column_map.columns[index]))
    )


def _key_column(column_map: ColumnMap, name: str) -> int:
    wanted = trimmed(name)
    indexes = [i for i, column in enumerate(column_map.columns) if trimmed(column) == wanted]
    if not wanted or not indexes:
        raise ConfigError(
            f"the key column '{shown(name)}' is not in the input"
            f"{did_you_mean(name, column_map.columns)}",
            advice="Name columns as they stand in the header, before any mapping.",
        )
    if len(indexes) > 1:
        raise ConfigError(
            f"the key column '{shown(name)}' stands in the header more than once",
            advice="Rename one of them in the input.",
        )
    if indexes[0] in column_map.ssn_columns:
        raise ConfigError(
            f"the key column '{shown(name)}' holds social security numbers: a digest of nine"
            " digits can be turned back into them",
            advice="Choose another unique column, or give the field another type under"
            " [map.types] if it holds something else.",
        )
    return indexes[0]


def prefixed(text: str) -> str:
    """Return a text with its length before it."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return f"{len(text)}:{text}"


def digest_of(keyed: "hashlib.blake2b", text: str) -> bytes:
    """Return the digest of a text; ``keyed`` stays as it is."""
    digest = keyed.copy()
    # A key column that is not sent may hold a lone surrogate: it still tells rows apart.
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()

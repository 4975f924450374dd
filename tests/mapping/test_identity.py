import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import Destination, parse_url
from bulkpost.errors import ConfigError
from bulkpost.fields.field_type import FieldType
from bulkpost.lead import Identity, Lead
from bulkpost.mapping.column_map import build_map
from bulkpost.mapping.identity import Identifier, reference_of
from bulkpost.mapping.refusal import Refusal
from bulkpost.mapping.settings import MapSettings
from bulkpost.row import Row

FLOW = "5f00000000000000000000a1"
SOURCE = "5f00000000000000000000b2"
URL = f"https://app.leadconduit.com/flows/{FLOW}/sources/{SOURCE}/submit"
TO = parse_url(URL)
SALT = bytes(range(32))
COLUMNS = ("a", "b", "ssn", "id")

texts = st.text(max_size=6)


def identity(
    columns: tuple[str, ...],
    cells: tuple[str, ...],
    settings: MapSettings | None = None,
    *,
    key: tuple[str, ...] = (),
    to: Destination = TO,
    salt: bytes = SALT,
) -> Identity | Refusal:
    column_map = build_map(columns, settings or MapSettings(), to)
    row = Row(1, 2, cells)
    lead = column_map.lead(row)
    assert isinstance(lead, Lead)
    return Identifier(salt, column_map, key).identify(row, lead)


def test_i29_a_key_cell_is_the_same_with_and_without_spaces_if_cells_are_stripped() -> None:
    """With `strip`, spaces around a key make no other row, and a key of nothing else is none."""
    columns, settings = ("no", "a"), MapSettings(strip=True)

    plain = identity(columns, ("7", "x"), settings, key=("no",))
    spaced = identity(columns, ("\u00a07 ", " x"), settings, key=("no",))
    blank = identity(columns, ("\u200b", "x"), settings, key=("no",))

    assert plain == spaced
    assert isinstance(blank, Refusal)


def test_the_same_row_is_the_same_in_every_run() -> None:
    """How a key is spelled is fixed for all time: ledgers outlive versions."""
    spelled = f"{len(URL)}:{URL}content;1:a1:11:b1:é"
    digest = hashlib.blake2b(
        spelled.encode(), key=SALT, digest_size=16, person=b"bulkpost key 1"
    ).digest()
    assert Identity(digest) == identity(COLUMNS, ("1", "é", "078-05-1120", ""))


@given(st.tuples(texts, texts, texts), st.tuples(texts, texts, texts))
def test_different_rows_never_share_a_key(
    cells: tuple[str, str, str], others: tuple[str, str, str]
) -> None:
    """No two different rows spell the same text, however their cells are cut up."""
    columns = ("a", "ab", "b", "x")
    same = all(
        unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
        for one, other in zip(cells, others, strict=True)
    )
    first, second = identity(columns, (*cells, "x")), identity(columns, (*others, "x"))
    assert same == (first == second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("1:b1:c", ""), ("", "1:b1:c")),
        (("x1:b1:c", "d"), ("x", "1:cd")),
        (("2:ab", "c"), ("2", ":abc")),
    ],
)
def test_cells_do_not_run_into_each_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Neither concatenation nor a forged length makes two rows one."""
    for key in ((), ("id",)):
        first = identity(("a", "b", "id"), (*one, "k"), key=key)
        assert first != identity(("a", "b", "id"), (*other, "k"), key=key)


@given(value=texts, other=texts, one_ssn=texts, other_ssn=texts, has_key=st.booleans())
def test_changing_only_an_ssn_changes_nothing(
    value: str, other: str, one_ssn: str, other_ssn: str, *, has_key: bool
) -> None:
    """A social security number enters no digest, neither key nor content."""
    key = ("id",) if has_key else ()
    first = identity(COLUMNS, (value, other, one_ssn, "k"), key=key)
    assert first == identity(COLUMNS, (value, other, other_ssn, "k"), key=key)


def test_an_ssn_in_a_constant_or_in_the_url_enters_no_digest() -> None:
    """Wherever the number comes from, it stays out."""
    plain = identity(("a",), ("1",))
    assert plain == identity(("a",), ("1",), MapSettings(constants={"ssn": "078-05-1120"}))
    assert plain == identity(("a",), ("1",), to=parse_url(f"{URL}?ssn=078-05-1120"))
    typed = MapSettings(types={"b": FieldType.SSN})
    assert plain == identity(("a", "b"), ("1", "078-05-1120"), typed)


@given(st.permutations(range(4)), st.tuples(texts, texts, texts))
def test_the_order_of_the_columns_does_not_matter(
    order: list[int], cells: tuple[str, str, str]
) -> None:
    """A re-sorted export is the same list."""
    columns, values = ("a", "b", "c", "d"), (*cells, "x")
    shuffled = identity(tuple(columns[i] for i in order), tuple(values[i] for i in order))
    assert identity(columns, values) == shuffled


def test_where_a_value_comes_from_does_not_matter() -> None:
    """Column, constant and URL set the same field of the same lead."""
    from_column = identity(("a", "b"), ("1", "2"))
    assert from_column == identity(("a",), ("1",), MapSettings(constants={"b": "2"}))
    assert from_column == identity(("a",), ("1",), to=parse_url(f"{URL}?b=2"))
    assert from_column == identity(("a", "x"), ("1", "2"), MapSettings(columns={"x": "b"}))


def test_empty_dropped_and_generated_values_do_not_matter() -> None:
    """The key covers what is sent from the row, and nothing else."""
    plain = identity(("a",), ("1",))
    assert plain == identity(("a", "b"), ("1", ""))
    assert plain == identity(("a", "b"), ("1", "2"), MapSettings(columns={"b": False}))
    assert plain == identity(("a",), ("1",), MapSettings(reference="reference"))


def test_composed_and_decomposed_accents_are_the_same() -> None:
    """An export from another machine may spell é in two code points."""
    assert identity(("a",), ("\u00e9",)) == identity(("a",), ("e\u0301",))


def test_destinations_and_salts_keep_their_rows_apart() -> None:
    """Sandbox, live and other sources never hide each other's rows; nor do other ledgers."""
    plain = identity(("a",), ("1",))
    assert plain != identity(("a",), ("1",), to=parse_url(URL.replace("b2", "b3")))
    assert plain != identity(("a",), ("1",), salt=b"another salt of 32 bytes........")
    assert plain != identity(("a",), ("1",), to=parse_url(f"{URL}?tag="))


def test_a_routed_row_belongs_to_the_flow_it_names() -> None:
    """The destination of the key is the row's own, the same as if the URL had named it."""
    routed = identity(
        ("a", "flow_id", "source_id"),
        ("1", FLOW, SOURCE),
        MapSettings(route=True),
        to=Destination("https://app.leadconduit.com", "", ""),
    )
    assert identity(("a",), ("1",)) == routed


def test_key_columns_make_the_key_and_the_rest_the_content() -> None:
    """An edited row keeps its key and changes its content: a conflict, not a new lead."""
    first = identity(("id", "a"), ("7", "1"), key=("id",))
    edited = identity(("id", "a"), ("7", "2"), key=("id",))
    other = identity(("id", "a"), ("8", "1"), key=("id",))
    assert isinstance(first, Identity)
    assert isinstance(edited, Identity)
    assert isinstance(other, Identity)
    assert first.key == edited.key
    assert first.content != edited.content
    assert first.key != other.key
    assert identity(("id", "a"), ("7", "1")) != Identity(first.key)


def test_a_key_column_need_not_be_sent() -> None:
    """A dropped column can tell rows apart, and its text does not enter the content."""
    settings = MapSettings(columns={"id": False})
    first = identity(("id", "a"), ("7", "1"), settings, key=("id",))
    other = identity(("id", "a"), ("8", "1"), settings, key=("id",))
    assert isinstance(first, Identity)
    assert isinstance(other, Identity)
    assert first.key != other.key
    assert first.content == other.content


def test_several_key_columns_count_in_any_order() -> None:
    """``--key a,b`` and ``--key b,a`` mean the same, and their cells do not run together."""
    cells = ("1", "23", "x")
    forwards = identity(("a", "b", "c"), cells, key=("a", "b"))
    assert forwards == identity(("a", "b", "c"), cells, key=("b", "a"))
    assert forwards != identity(("a", "b", "c"), ("12", "3", "x"), key=("a", "b"))


@pytest.mark.parametrize("cell", ["", " ", "\t\u00a0"])
def test_an_empty_key_cell_refuses_its_row(cell: str) -> None:
    """Rows without a key would all be one row."""
    expected = Refusal("the key column is empty: column 1")
    assert expected == identity(("id", "a"), (cell, "1"), key=("id",))


def test_a_lone_surrogate_in_a_key_that_is_not_sent_is_a_key_all_the_same() -> None:
    """No text in a cell makes the mapper fail."""
    settings = MapSettings(columns={"id": False})
    assert isinstance(identity(("id", "a"), ("\ud800", "1"), settings, key=("id",)), Identity)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("emial", "did you mean 'email'"),
        ("", "is not in the input"),
        ("SSN", "social security"),
        ("Dropped Social", "social security"),
        ("tax", "social security"),
        ("twice", "more than once"),
    ],
)
def test_a_key_column_that_cannot_serve_is_refused(key: str, word: str) -> None:
    """Unknown, ambiguous and social security columns are refused before anything is sent."""
    columns = ("email", "SSN", "Dropped Social", "tax", "twice", "twice")
    settings = MapSettings(
        columns={"SSN": "field_9", "Dropped Social": False, "twice": False},
        types={"tax": FieldType.SSN},
    )
    column_map = build_map(columns, settings, TO)
    with pytest.raises(ConfigError, match=word) as caught:
        Identifier(SALT, column_map, (key,))
    assert caught.value.advice


def test_a_reference_names_a_row_of_a_ledger_in_24_characters() -> None:
    """The reference is stable, lower case, and made of ledger and key only."""
    assert "aebagbafaydqqcikbmga2dqp" == reference_of(bytes(range(1, 17)), bytes(range(6, 22)))
    assert reference_of(bytes(16), bytes(16)) != reference_of(bytes(16), b"\x01" + bytes(15))

from collections.abc import Mapping
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.destination import Destination, parse_url
from bulkpost.errors import MappingError
from bulkpost.fields.field_type import FieldType
from bulkpost.lead import Lead
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.refusal import Refusal
from bulkpost.mapping.settings import MapSettings
from bulkpost.row import Row

FLOW = "5f00000000000000000000a1"
SOURCE = "5f00000000000000000000b2"
URL = f"https://app.leadconduit.com/flows/{FLOW}/sources/{SOURCE}/submit"
TO = parse_url(URL)
ROUTED = Destination("https://app.leadconduit.com", "", "")


def mapped(
    columns: tuple[str, ...],
    names: Mapping[str, str | bool] | None = None,
    to: Destination = TO,
    **settings: object,
) -> ColumnMap:
    raw = {"columns": dict(names or {}), **settings}
    return build_map(columns, msgspec.convert(raw, MapSettings), to)


def refused(
    columns: tuple[str, ...],
    names: Mapping[str, str | bool] | None = None,
    to: Destination = TO,
    **settings: object,
) -> str:
    with pytest.raises(MappingError) as caught:
        mapped(columns, names, to, **settings)
    assert caught.value.advice
    return caught.value.message


def row(*cells: str, defect: str | None = None) -> Row:
    return Row(7, 9, cells, defect)


def test_a_header_is_a_field_name_by_default() -> None:
    """Without settings every column is sent under its own name, without outer spaces."""
    column_map = mapped(("email", "loan.amount", " state\u00a0"))
    assert ((0, "email"), (1, "loan.amount"), (2, "state")) == column_map.fields
    assert () == column_map.warnings


def test_the_config_maps_drops_and_adds() -> None:
    """Columns take other names or none, and constants come after them."""
    column_map = mapped(
        ("Mail", "note", "x", "keep"),
        {"Mail": "email", "note": False, "x": "", "keep": True},
        constants={"lead_type": "mortgage"},
    )
    expected = Lead(7, TO, (("email", "a@example.com"), ("keep", "k"), ("lead_type", "mortgage")))
    assert expected == column_map.lead(row("a@example.com", "n", "x", "k"))
    assert ("note", "x") == column_map.dropped


def test_an_empty_cell_is_not_sent_and_a_cell_of_spaces_is() -> None:
    """Empty means absent; anything else goes as it is, NUL and line breaks too."""
    column_map = mapped(("a", "b", "c"))
    expected = Lead(7, TO, (("b", "  "), ("c", "0123\n\x00")))
    assert expected == column_map.lead(row("", "  ", "0123\n\x00"))


def test_i31_a_row_with_all_fields_empty_is_refused() -> None:
    """A row whose sent cells are all empty is invalid, even if constants would go with it."""
    column_map = mapped(("a", "b"), {"b": False}, constants={"c": "1"})
    assert Refusal("all fields are empty") == column_map.lead(row("", "dropped"))


@pytest.mark.parametrize("blank", ["  ", "\t", "\u00a0", "\u200b \ufeff"])
def test_i31_a_row_of_blanks_is_refused_like_an_empty_one(blank: str) -> None:
    """A row that holds nothing but spaces and invisible characters is not sent."""
    assert Refusal("all fields are empty") == mapped(("a", "b")).lead(row(blank, ""))
    assert isinstance(mapped(("a", "b")).lead(row(blank, "x")), Lead)


def test_i29_cells_are_stripped_if_asked_for_and_by_that_rule_the_map_is_another() -> None:
    """With `strip`, spaces around a text are not sent, and a cell of nothing else is empty."""
    kept, stripped = mapped(("a", "b", "c")), mapped(("a", "b", "c"), strip=True)
    cells = (" x y\u00a0", "\u200b \u200bz\ufeff\n", "\u2060 ")

    assert Lead(7, TO, tuple(zip("abc", cells, strict=True))) == kept.lead(row(*cells))
    assert Lead(7, TO, (("a", "x y"), ("b", "z"))) == stripped.lead(row(*cells))
    assert kept.digest != stripped.digest


def test_i15_duplicate_headers_are_refused_by_number() -> None:
    """A header that stands there twice refuses the list, with the numbers of all its columns."""
    message = refused(("email", "state", "email"))
    assert "column 1 'email', column 3 'email': the header stands there more than once" in message


@pytest.mark.parametrize("twin", ["Email", "EMAIL", "email ", "\tEmail", "\ufeffemail"])
def test_i15_names_that_differ_only_in_case_or_spaces_are_refused(twin: str) -> None:
    """Two headers that differ only in case or outer spaces refuse the list, with their numbers."""
    message = refused(("email", "state", twin))
    assert "differ only in case or outer spaces" in message
    assert "column 1 " in message
    assert "column 3" in message


def test_twin_headers_may_be_told_apart_by_the_config() -> None:
    """Dropping one of two twins, or mapping it elsewhere, settles the matter."""
    assert ((0, "email"),) == mapped(("email", "Email"), {"Email": False}).fields
    assert ((0, "email"), (1, "email_2")) == mapped(("email", "Email"), {"Email": "email_2"}).fields


@pytest.mark.parametrize("columns", [("company", "company.name"), ("company.name", "company")])
def test_a_field_that_is_a_prefix_of_another_is_refused(columns: tuple[str, ...]) -> None:
    """LeadConduit drops every ``company.*`` beside ``company``, whichever comes first."""
    message = refused(columns)
    assert "'company'" in message
    assert "'company.name'" in message
    assert "silently drop" in message


def test_a_prefix_is_found_wherever_the_names_come_from() -> None:
    """Constants, the reference and the URL's query hide fields as columns do."""
    assert "silently drop" in refused(("loan.amount.low",), constants={"loan.amount": "1"})
    assert "silently drop" in refused(("reference.id",), reference="reference")
    assert "silently drop" in refused(("company.name",), to=parse_url(f"{URL}?company=x"))
    assert "silently drop" in refused(("company",), to=parse_url(f"{URL}?company.name=x"))


def test_names_that_only_begin_alike_are_no_prefixes() -> None:
    """``company`` and ``company_name`` are two fields, ``a.b`` and ``a.c`` are brothers."""
    columns = ("company", "company_name", "a.b", "a.c", "vehicle.0.make", "vehicle.1.make")
    assert 6 == len(mapped(columns).fields)


@pytest.mark.parametrize("column", ["state", "State"])
def test_a_field_that_the_url_sets_is_refused(column: str) -> None:
    """The query would win over the row, silently."""
    message = refused(("email", column), to=parse_url(f"{URL}?state=TX"))
    assert "column 2" in message
    assert "the URL's query" in message


def test_a_name_that_the_url_repeats_is_its_own_affair() -> None:
    """Two equal names in the query are not a conflict of the columns."""
    assert 1 == len(mapped(("email",), to=parse_url(f"{URL}?tag=a&tag=b")).fields)


def test_two_columns_onto_one_field_are_refused() -> None:
    """One of the two would be lost or both would become a list."""
    message = refused(("Home", "Work"), {"Home": "phone_1", "Work": "phone_1"})
    assert "column 1 'Home', column 2 'Work' would all feed the field 'phone_1'" in message
    assert "the constant 'state'" in refused(("state", "x"), constants={"state": "TX"})
    assert "the reference field" in refused(("reference",), reference="reference")


@pytest.mark.parametrize("name", ["loan.", ".x", "a..b", "."])
def test_an_empty_part_of_a_name_is_refused(name: str) -> None:
    """LeadConduit reads an empty part as the index 0."""
    assert "empty part" in refused(("email", name))
    assert "empty part" in refused(("email", "x"), {"x": name})


@pytest.mark.parametrize("name", ["__proto__.x", "a.constructor.b", "a.prototype", "__proto__"])
def test_a_name_that_the_parser_drops_is_refused(name: str) -> None:
    """LeadConduit's parser drops these without a word."""
    assert "silently drops" in refused(("email", name))
    assert "silently drops" in refused(("email",), constants={name: "1"})


@pytest.mark.parametrize("name", ["xxTrustedFormCertUrl", "XXTRUSTEDFORMCERTURL"])
def test_two_names_for_the_certificate_are_refused(name: str) -> None:
    """One is renamed to the other and overwrites it; alone it is fine, in any case."""
    assert "overwrite" in refused((name, "trustedform_cert_url"))
    assert () == mapped((name,)).warnings


def test_a_mapping_of_a_column_that_is_not_there_is_refused() -> None:
    """A typo in the config is answered with the nearest header."""
    message = refused(("first_name", "email"), {"frist_name": "x", "email": "email"})
    assert "'frist_name', which the input does not have (did you mean 'first_name'?)" in message


def test_a_type_for_a_field_that_is_not_there_is_refused() -> None:
    """A typo there would let a social security number into a digest."""
    message = refused(("taxid",), types={"taxidd": "ssn"})
    assert "'taxidd', which is not sent (did you mean 'taxid'?)" in message


def test_an_unknown_type_is_refused() -> None:
    """The types are a closed list."""
    with pytest.raises(msgspec.ValidationError, match="ssnn"):
        msgspec.convert({"types": {"a": "ssnn"}}, MapSettings)


def test_all_problems_stand_in_one_message() -> None:
    """Somebody with five mistakes needs one run to see them, not five."""
    message = refused(
        ("email", "Email", "company", "company.name", "a..b", "state"),
        {"nope": "x"},
        to=parse_url(f"{URL}?state=TX"),
    )
    for part in ("'Email'", "'company.name'", "'a..b'", "'nope'", "'state'"):
        assert part in message


def test_nothing_to_send_is_refused() -> None:
    """A map that drops everything, or an input without columns, is a mistake."""
    assert "no column would be sent" in refused(("a",), {"a": False}, constants={"b": "1"})
    assert "no column would be sent" in refused(())
    assert "no column would be sent" in refused(("",))


def test_an_empty_constant_is_refused() -> None:
    """An empty field is not sent, so an empty constant is a mistake."""
    assert "the constant 'b'" in refused(("a",), constants={"b": ""})


def test_unusable_columns_are_refused_unless_dropped() -> None:
    """A column of lists is named with the reason; dropping it settles the matter."""
    unusable = [("tags", "its values are lists")]
    with pytest.raises(MappingError, match="'tags' cannot be sent: its values are lists"):
        build_map(("email", "tags"), MapSettings(), TO, unusable)
    dropped = MapSettings(columns={"tags": False})
    assert ("tags",) == build_map(("email", "tags"), dropped, TO, unusable).dropped


def test_an_unnamed_column_is_never_sent_and_never_lost_silently() -> None:
    """Text in a column without a name refuses its row; an empty cell there does not."""
    column_map = mapped(("a", "", " "))
    assert ["unnamed_column"] == [finding.code for finding in column_map.warnings]
    assert Lead(7, TO, (("a", "1"),)) == column_map.lead(row("1", "", ""))
    expected = Refusal("there is text in a column without a name: column 3")
    assert expected == column_map.lead(row("1", "", "secret"))


def test_an_unnamed_column_can_be_dropped() -> None:
    """Trailing commas are common: the header "" stands for them in the config."""
    column_map = mapped(("a", "", ""), {"": False})
    assert () == column_map.warnings
    assert Lead(7, TO, (("a", "1"),)) == column_map.lead(row("1", "", "x"))


def test_a_defect_of_the_row_is_its_refusal() -> None:
    """What the reader found stands, whatever the cells say."""
    assert Refusal("line 9: too long") == mapped(("a",)).lead(row(defect="line 9: too long"))
    expected = Refusal("the row has 2 cells and the header 1")
    assert expected == mapped(("a",)).lead(row("1", "2"))


def test_i30_a_lone_surrogate_is_refused_without_its_text() -> None:
    """A cell that is no valid Unicode text makes its row invalid, but only if it would be sent."""
    column_map = mapped(("a", "b", "c"), {"c": False})
    assert Refusal("column 2 (b) is not valid Unicode text") == column_map.lead(
        row("1", "x\ud800", "")
    )
    assert isinstance(column_map.lead(row("é", "1", "x\ud800")), Lead)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("First_Name", "upper_case"),
        ("first name", "spaces"),
        ("first\u200bname", "spaces"),
        ("redir_url", "redir_url"),
        ("trustedform_ping_url", "trustedform_ping_url"),
        ("xxtrustedformpingurl", "trustedform_ping_url"),
        ("flow_id", "route_columns_sent"),
    ],
)
def test_an_odd_name_is_sent_with_a_warning(column: str, code: str) -> None:
    """Names that LeadConduit may ignore are told, with advice, and not refused."""
    column_map = mapped(("email", column))
    assert code in [finding.code for finding in column_map.warnings]
    assert all(finding.message and finding.advice for finding in column_map.warnings)
    assert 2 == len(column_map.fields)


@pytest.mark.parametrize(
    "cell", ["jane@example.com", "512-555-0143", "2024-01-05", "78751", "https://example.com/a"]
)
def test_i16_a_header_that_is_data_is_refused_and_not_repeated(cell: str) -> None:
    """Where the first row of a list is a lead instead of a header, the list is refused.

    Its cells are somebody's data, so the message has the numbers of the columns only.
    """
    message = refused(("Jane", "Acme Inc.", cell, "Jane"), {"email": "email"})
    assert "looks like data, not like names: column 3" in message
    assert "--no-header" in message
    assert not [text for text in ("Jane", "Acme", cell) if text in message]


def test_a_column_may_be_called_like_data() -> None:
    """Who names it under [map.columns] says that it is a column."""
    column_map = mapped(("email", "2024", "512", "1"), {"2024": True, "512": "phone_1", "1": False})
    assert ((0, "email"), (1, "2024"), (2, "phone_1")) == column_map.fields


def test_i16_a_header_without_any_name_of_a_field_is_refused() -> None:
    """A list in which no column is called like a field is refused: LeadConduit would ignore each.

    One column that the config names is enough to say that this is the header.
    """
    message = refused(("Jane", "DOE", "Austin TX"))
    assert "no header is spelled like a field" in message
    assert "--no-header" in message
    for columns in (("Jane", "doe"), ("a.b", "X"), ("x_2",), ("xxTrustedFormCertUrl",)):
        assert len(columns) == len(mapped(columns).fields)
    assert 2 == len(mapped(("First Name", "E-mail"), {"E-mail": True}).fields)


def test_i16_a_column_that_has_only_a_place_is_refused_until_it_has_a_field() -> None:
    """In a list without a header, every column must be given a field or dropped."""
    columns = ("column_1", "column_2", "column_3")
    message = refused(columns, {"column_1": "email"})
    assert "column 2 'column_2', column 3 'column_3': a place is no name" in message
    column_map = mapped(columns, {"column_1": "email", "column_2": False, "column_3": True})
    assert ((0, "email"), (2, "column_3")) == column_map.fields
    assert 2 == len(mapped(("email", "column_1")).fields)


def test_rows_may_route_themselves() -> None:
    """With ``route`` the ids come from the row and are not sent as fields."""
    column_map = mapped(("email", "flow_id", "Source"), {"Source": "source_id"}, ROUTED, route=True)
    lead = column_map.lead(row("a@example.com", FLOW.upper(), SOURCE))
    assert Lead(7, TO, (("email", "a@example.com"),)) == lead


@pytest.mark.parametrize("flow_id", ["", "123-45-6789", FLOW + "0", " " + FLOW])
def test_a_bad_route_is_refused_without_its_text(flow_id: str) -> None:
    """A row whose ids are none is refused alone, and the cell is not repeated."""
    column_map = mapped(("email", "flow_id", "source_id"), None, ROUTED, route=True)
    refusal = column_map.lead(row("a@example.com", flow_id, SOURCE))
    assert isinstance(refusal, Refusal)
    assert "flow_id" in refusal.reason
    assert "6789" not in refusal.reason


def test_routing_needs_its_columns_and_a_general_destination() -> None:
    """Half a route, two routes or none are refused before anything is sent."""
    assert "'source_id'" in refused(("email", "flow_id"), None, ROUTED, route=True)
    assert "names them already" in refused(("email", "flow_id", "source_id"), None, TO, route=True)
    assert "names a flow and a source" in refused(("email",), None, ROUTED)
    assert "no column would be sent" in refused(("flow_id", "source_id"), None, ROUTED, route=True)


@pytest.mark.parametrize(
    ("column", "types", "is_ssn"),
    [
        ("ssn", {}, True),
        ("co_borrower.SSN", {}, True),
        ("socialsecurity", {}, True),
        ("social_handle", {"social_handle": "string"}, False),
        ("tax_no", {"tax_no": "ssn"}, True),
        ("email", {}, False),
    ],
)
def test_what_counts_as_a_social_security_number(
    column: str, types: dict[str, str], *, is_ssn: bool
) -> None:
    """The name decides on the safe side, and the config has the last word."""
    assert is_ssn == (column in mapped(("a", column), types=types).ssn_fields)


def test_a_column_called_ssn_is_one_whatever_field_it_feeds() -> None:
    """Renaming does not turn a social security number into something else."""
    assert frozenset({"custom_1"}) == mapped(("SSN",), {"SSN": "custom_1"}).ssn_fields
    assert frozenset({0}) == mapped(("SSN", "a"), {"SSN": False}).ssn_columns


based = partial(mapped, constants={"k": "1"}, reference="reference")


@pytest.mark.parametrize(
    "changed",
    [
        based(("a", "b", "c")),
        based(("a", "b"), {"b": False}),
        based(("a", "b"), {"b": "c"}),
        based(("a", "b"), {"a": "b", "b": "a"}),
        mapped(("a", "b"), constants={"k": "2"}, reference="reference"),
        based(("a", "b"), reference=""),
        based(("a", "b"), types={"b": "ssn"}),
        based(("a", "b"), None, parse_url(f"{URL}?q=1")),
    ],
)
def test_the_digest_changes_with_what_is_sent(changed: ColumnMap) -> None:
    """A changed map is noticed before it makes every row look new."""
    assert based(("a", "b")).digest != changed.digest


def test_the_digest_does_not_change_with_what_is_not_sent() -> None:
    """Re-sorted columns, dropped columns and spelled-out defaults are the same map."""
    digest = based(("a", "b")).digest
    assert digest == based(("b", "a")).digest
    assert digest == based(("a", "x", "b"), {"x": False}).digest
    assert digest == based(("a", "b"), {"a": "a"}, types={"a": FieldType.EMAIL}).digest


def test_a_constant_ssn_does_not_reach_the_digest() -> None:
    """The digest is stored, and a hash of nine digits is the nine digits."""
    first = mapped(("a",), constants={"ssn": "078-05-1120"})
    assert first.digest == mapped(("a",), constants={"ssn": "219-09-9999"}).digest
    assert "078" not in repr(first)


@given(st.lists(st.text(st.characters(), max_size=8), max_size=6))
def test_any_header_is_mapped_or_refused(columns: list[str]) -> None:
    """No header makes the mapper fail in any other way, and messages can be encoded."""
    try:
        column_map = build_map(columns, MapSettings(), TO)
    except MappingError as error:
        error.message.encode()
        return
    for finding in column_map.warnings:
        finding.message.encode()
    lead = column_map.lead(Row(1, 2, tuple("x" if name else "" for name in columns)))
    assert isinstance(lead, Lead | Refusal)

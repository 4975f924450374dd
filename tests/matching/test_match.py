"""Which column is taken for which field, and which is left to a person."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulkpost.config import convert
from bulkpost.destination import Destination
from bulkpost.errors import MappingError
from bulkpost.fields.field_type import FieldType
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.settings import MapSettings
from bulkpost.matching.draft import Draft, config_text
from bulkpost.matching.match import ColumnMatch, Fate, match_columns
from bulkpost.matching.settling import SENT, settled
from bulkpost.matching.spelling import spelled
from bulkpost.matching.target import CERTAIN, Target, Targets, standard_targets
from bulkpost.matching.values import Likeness, likeness_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STANDARD = Targets(standard_targets())
PLACE = Destination("https://app.leadconduit.com", "1" * 24, "2" * 24)
EMAILS = ["ada@example.net", "bob@example.net", "eve@example.net"]
PHONES = ["(512) 789-1111", "512-789-2222", "5127893333"]
SSNS = ["123-45-6780", "223-45-6781", "323-45-6782"]
WORDS = ["alpha", "beta", "gamma"]


def matched(
    *columns: str, values: Sequence[Sequence[str]] = (), targets: Targets = STANDARD
) -> tuple[ColumnMatch, ...]:
    likenesses = [likeness_of(cells, NOW) for cells in values] or [Likeness()] * len(columns)
    return settled(match_columns(columns, targets, likenesses, is_whole=targets is not STANDARD))


def fates(*columns: str, values: Sequence[Sequence[str]] = ()) -> list[str]:
    return [match.field or match.fate.value for match in matched(*columns, values=values)]


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("first_name", "first_name"),
        ("First Name", "first_name"),
        ("FIRSTNAME", "first_name"),
        ("firstName", "first_name"),
        ("F.Name", "first_name"),
        ("Customer First Name", "first_name"),
        ("Surname", "last_name"),
        ("E-Mail Address", "email"),
        ("EMail", "email"),
        ("Zip", "postal_code"),
        ("ZIP/Postal Code", "postal_code"),
        ("PLZ", "postal_code"),
        ("Cell", "phone_1"),
        ("Phone #", "phone_1"),
        ("Phone 2", "phone_2"),
        ("Téléphone", "phone_1"),
        ("DOB", "dob"),
        ("D.O.B.", "dob"),
        ("Geburtsdatum", "dob"),
        ("St", "state"),
        ("Straße", "address_1"),
        ("STRASSE", "address_1"),
        ("Address Line 2", "address_2"),
        ("xxTrustedFormCertUrl", "trustedform_cert_url"),
        ("TrustedForm Cert URL", "trustedform_cert_url"),
        ("SSN", "ssn"),
        ("mortgage.property.state", "mortgage.property.state"),
        ("Property Zip Code", "mortgage.property.postal_code"),
        ("lead_type_acme", "lead_type_acme"),  # spelled like a field of the account's own
        ("Telephome", "uncertain"),  # alike, and no value says so
        ("Notes", "uncertain"),
        ("Customer ID", "unmatched"),
        ("flow_id", "unmatched"),
        ("***", "unmatched"),
        ("", "unnamed"),
        ("  ", "unnamed"),
    ],
)
def test_a_column_is_known_by_its_name_however_it_is_spelled(column: str, field: str) -> None:
    """Case, signs, accents, camels, other words, other languages."""
    assert [field] == fates(column)


def test_values_make_a_likely_name_certain_and_a_wrong_one_uncertain() -> None:
    """A mistyped name is believed if its values agree; another word is not if they object."""
    assert ["phone_1"] == fates("Telephome", values=[PHONES])
    assert ["uncertain"] == fates("Cell", values=[WORDS])
    assert ["uncertain"] == fates("St", values=[["new", "used", "new"]])
    assert ["state"] == fates("state", values=[["new", "used", "new"]])  # it is the very name
    assert ["phone_1"] == fates("Cell", values=[WORDS[:2]])  # two values tell nothing


def test_a_name_that_says_nothing_is_offered_what_its_values_look_like() -> None:
    """It is not mapped by that: many columns hold addresses and numbers."""
    (match,) = matched("Kontaktpunkt X", values=[EMAILS])

    assert Fate.UNCERTAIN is match.fate
    assert ["email"] == [one.field for one in match.candidates]
    assert match.confidence < CERTAIN


def test_one_field_goes_to_one_column() -> None:
    """The plainest name has it; the others are offered what is left, or wait for a decision."""
    assert ["phone_1", "uncertain"] == fates("Phone", "Cell")
    assert ["phone_2"] == [one.field for one in matched("Phone", "Cell")[1].candidates]
    assert ["uncertain", "uncertain"] == fates("Home Phone", "Cell")
    assert ["email", "unmatched"] == fates("email", "email_address")
    assert ["phone_1", "phone_2", "phone_3"] == fates("Phone1", "Phone2", "Phone3")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("email", "email"), ["repeated", "repeated"]),
        (("company", "company.name"), ["conflict", "company.name"]),
        (("loan.purpose", "loan.purpose.code"), ["conflict", "loan.purpose.code"]),
        (("a..b", "email"), ["conflict", "email"]),
        (("constructor", "email"), ["conflict", "email"]),
    ],
)
def test_what_would_lose_data_is_left_out(columns: tuple[str, ...], expected: list[str]) -> None:
    """Repeated names, and names that are the beginning of others."""
    whole = Targets(Target(name, FieldType.STRING) for name in columns)

    assert expected == [
        match.field or match.fate.value for match in matched(*columns, targets=whole)
    ]


def test_a_field_that_the_url_sets_is_no_columns() -> None:
    """The URL would win over the column, in every row."""
    (match,) = settled(matched("email"), {"email"})

    assert Fate.CONFLICT is match.fate


@pytest.mark.parametrize(
    ("column", "values", "fate"),
    [
        ("SSN", SSNS, Fate.MAPPED),
        ("Tax No", SSNS, Fate.UNCERTAIN),
        ("Tax No", ["234-56-7890", "", "345 67 8901", "***-**-1234"], Fate.UNCERTAIN),
        ("Phone", SSNS, Fate.UNCERTAIN),
        ("member_no", ["123456780", "223456781", "323456782"], Fate.UNCERTAIN),
        ("social_network", WORDS, Fate.OWN),
    ],
)
def test_a_column_of_social_security_numbers_is_marked(
    column: str, values: list[str], fate: Fate
) -> None:
    """By its name or by its values alone; what only looks so is not sent unasked."""
    (match,) = matched(column, values=[values])

    assert match.is_ssn
    assert match.ssn_why
    assert fate is match.fate


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Phone", PHONES),
        ("Customer ID", ["100000001", "100000002", "100000003"]),
        ("postal_code", ["787511234", "054151234", "100011234"]),
        ("Date", ["2024-01-05", "2024-02-06", "2024-03-07"]),
    ],
)
def test_a_column_of_other_numbers_is_not_marked(column: str, values: list[str]) -> None:
    """Telephone numbers, running numbers, ZIP+4, dates."""
    assert not matched(column, values=[values])[0].is_ssn


def test_a_flows_own_fields_are_matched_by_name_and_label() -> None:
    """And a name that the flow does not have is left out, however it is spelled."""
    whole = Targets(
        (
            Target("zip", FieldType.POSTAL_CODE),
            Target("lead_type_acme", FieldType.STRING, "Kind of Lead"),
            Target("citizen", FieldType.SSN, "Tax No"),
        )
    )
    (secret,) = matched("Tax no.", values=[SSNS], targets=whole)
    assert ("citizen", True) == (secret.field, secret.is_ssn)  # nothing to suspect: it is one
    found = matched("PLZ", "Kind of lead", "comments", targets=whole)

    assert ["zip", "lead_type_acme", "unmatched"] == [
        match.field or match.fate.value for match in found
    ]


def written(matches: Sequence[ColumnMatch]) -> str:
    return config_text(Draft("a list.csv", "", matches, "the catalogue", {}, {}))


def map_of(columns: Sequence[str], settings: MapSettings) -> ColumnMap | None:
    """Return the map; None if nothing is left to send."""
    try:
        return build_map(columns, settings, PLACE)
    except MappingError as error:
        nothing = ("no column would be sent", "no header is spelled", "a place is no name", "data")
        if not any(words in error.message for words in nothing):
            raise
        return None


NAMES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ("email", "E-Mail", "Email ", "company", "company.name", "a\u200b", "x\ty", '"', "\\", "#")
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=12), st.data())
@example(["\ud800", "email"], None)
@example(["a\nb", "\x00", "\x7f", "\x85", "\u2028", '"""', "'", "]", "="], None)
@example(["SSN", "ssn", "Tax\nNo", "email", "email"], None)
def test_any_header_gives_a_config_that_loads_and_a_map_without_conflicts(
    columns: list[str], data: st.DataObject | None
) -> None:
    """Whatever the columns are called; at worst, nothing is left to send."""
    values = [
        data.draw(st.sampled_from([EMAILS, PHONES, SSNS, WORDS, []])) if data else SSNS
        for _ in columns
    ]
    matches = matched(*columns, values=values)
    config = convert(tomllib.loads(written(matches)), "test")

    sent = {match.field for match in matches if match.fate in SENT}
    assert len(sent) == sum(match.fate in SENT for match in matches)
    if any("\ud800" <= char <= "\udfff" for column in columns for char in column):
        return  # such a name cannot be written, and is refused by its own rule
    column_map = map_of(columns, config.map)
    if column_map is None:
        return
    assert sent == {name for _, name in column_map.fields}
    secret = {match.index for match in matches if match.is_ssn and match.fate is not Fate.REPEATED}
    assert secret <= column_map.ssn_columns | {i for i, name in enumerate(columns) if not name}


@given(st.lists(st.text(max_size=30), min_size=3, max_size=3))
def test_no_value_is_in_a_config(cells: list[str]) -> None:
    """Only counts come out of the values."""
    telling = [f"ZQX{cell}ZQX" for cell in cells]
    text = written(matched("Tax No", "email", values=[SSNS, telling]))

    assert "ZQX" not in text
    assert not any(ssn in text for ssn in SSNS)


@given(st.text(max_size=200))
def test_a_name_is_spelled_the_same_twice(name: str) -> None:
    """Spelling what is spelled changes nothing, and case makes no difference to plain letters."""
    assert spelled(name) == spelled(spelled(name))
    assert spelled("first name") == spelled("FIRST_NAME")

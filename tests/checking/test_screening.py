"""What ``refuse`` and ``normalise`` make of a lead."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkpost.checking.normal import normal_text
from bulkpost.checking.screening import Screening, refusal_digest
from bulkpost.checking.settings import CheckSettings
from bulkpost.config import convert
from bulkpost.destination import Destination
from bulkpost.errors import ConfigError
from bulkpost.fields import parse
from bulkpost.fields.field_type import FieldType
from bulkpost.lead import Lead
from bulkpost.mapping.column_map import ColumnMap, build_map
from bulkpost.mapping.refusal import Refusal
from bulkpost.mapping.settings import MapSettings
from bulkpost.row import Row

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHERE = Destination("https://app.leadconduit.com", "5f0c1d2e3a4b5c6d7e8f9a0b", "6a1b" * 6)
TYPES: dict[str, FieldType] = {}


def a_map(*columns: str, **settings: Any) -> ColumnMap:
    return build_map(columns, MapSettings(**settings), WHERE)


def outcome(cells: dict[str, str], **settings: Any) -> str | dict[str, str]:
    """The reason of a refusal, or what is sent."""
    column_map = a_map(*cells)
    lead = column_map.lead(Row(1, 2, tuple(cells.values())))
    assert isinstance(lead, Lead)
    screening = Screening(column_map, TYPES, CheckSettings(**settings), AS_OF)
    screened = screening.screen(lead)
    if isinstance(screened, Refusal):
        return screened.reason
    sent = dict(screened.lead.fields)
    assert [name for name in sent if sent[name] != cells[name]] == list(screened.changed)
    return sent


@pytest.mark.parametrize(
    ("refuse", "cells", "reason"),
    [
        (["invalid"], {"postal_code": "1234"}, "column 1 (postal_code): the ZIP code is too short"),
        (["invalid"], {"note": "a", "email": " @"}, "column 2 (email): LeadConduit cannot read"),
        (["invalid"], {"email": "a@gmail.con"}, None),
        (["doubtful"], {"email": "a@gmail.con"}, "column 1 (email): the e-mail address's domain"),
        (["doubtful"], {"postal_code": "1234"}, "column 1 (postal_code): the ZIP code is"),
        (["doubtful"], {"note": "fine", "state": "TX"}, None),
        (["email_domain_mistyped"], {"email": "a@gmail.con"}, "column 1 (email): the e-mail"),
        (["email_domain_mistyped"], {"postal_code": "1234"}, None),
        (["placeholder"], {"postal_code": "n/a"}, "column 1 (postal_code): the text looks like"),
        (["phone_masked", "dob_minor"], {"dob": "2020-01-05"}, "column 1 (dob): the person would"),
        (["invalid"], {"email": "a@b.com", "trustedform_cert_url": "x"}, None),
    ],
)
def test_a_row_is_refused_by_what_is_named(
    refuse: list[str], cells: dict[str, str], reason: str | None
) -> None:
    """By a code, by not being understood, or by any finding; the reason is fixed words."""
    found = outcome(cells, refuse=tuple(refuse))

    if reason is None:
        assert cells == found
    else:
        assert isinstance(found, str)
        assert found.startswith(reason)


def test_a_constant_that_would_be_refused_is_a_mistake_of_the_config() -> None:
    """Every row would be refused alike: nothing is begun."""
    column_map = a_map("email", constants={"state": "Teksas", "note": "x"})
    with pytest.raises(ConfigError, match="every lead carries state") as caught:
        Screening(column_map, TYPES, CheckSettings(refuse=("doubtful",)), AS_OF)
    Screening(column_map, TYPES, CheckSettings(refuse=("invalid",)), AS_OF)

    assert "Teksas" not in caught.value.message + caught.value.advice


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["phone_maskd"], "(did you mean 'phone_masked'?)"),
        (["Invalid"], "(did you mean 'invalid'?)"),
        (["qqqqqq"], "refuse: 'qqqqqq' is neither invalid, doubtful nor the code of a finding"),
    ],
)
def test_an_unknown_word_is_refused_with_what_was_meant(values: list[str], words: str) -> None:
    """A row that should have been refused would otherwise be sent, and paid."""
    with pytest.raises(ConfigError) as caught:
        convert({"check": {"refuse": values}}, "c.toml")

    assert caught.value.message.startswith("c.toml: check: ")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("field_type", "text", "sent"),
    [
        ("phone", "(512) 789-1111", "5127891111"),
        ("phone", "512-789-1111 x12", "5127891111x12"),
        ("phone", "512-789-1111h", "512-789-1111h"),  # the letter says "home"
        ("phone", "+44 20 7946 0018", "+44 20 7946 0018"),  # the country would be lost
        ("phone", "+1 416 967 1111", "+1 416 967 1111"),  # there is a finding
        ("phone", "***-***-1234", "***-***-1234"),
        ("date", "Jan 5, 2024", "2024-01-05"),
        ("date", "05.01.2024", "05.01.2024"),  # perhaps the fifth of January
        ("date", "13/05/2024", "13/05/2024"),
        ("dob", "1/5/1984", "1984-01-05"),
        ("state", "Texas", "TX"),
        ("state", "texas ", "texas "),
        ("state", "YT", "YT"),
        ("postal_code", "787510042", "78751-0042"),
        ("postal_code", "k1a0b1", "K1A 0B1"),
        ("postal_code", "2134", "2134"),
        ("email", "Ann@Example.org", "Ann@Example.org"),  # not of these types
        ("boolean", "yes", "yes"),
    ],
)
def test_a_value_is_sent_as_it_is_read_where_that_is_safe(
    field_type: FieldType, text: str, sent: str
) -> None:
    """Without a finding, and only if the new text is read as the old one is."""
    parsed = parse(field_type, text, as_of=AS_OF)

    assert sent == normal_text(FieldType(field_type), text, parsed, AS_OF)


@given(
    st.sampled_from(list(FieldType)),
    st.one_of(
        st.text(), st.from_regex(r"[(+ ]?[0-9A-Za-z*]{1,5}[-./ )]{0,2}[0-9A-Za-z]{1,8}.{0,6}")
    ),
)
@example(FieldType.PHONE, "5127891111x1")
@example(FieldType.DATE, "1/5")
@example(FieldType.POSTAL_CODE, "1AA")
def test_what_is_sent_instead_is_read_alike(field_type: FieldType, text: str) -> None:
    """Value, validity and components stay, and a second time changes nothing."""
    parsed = parse(field_type, text, as_of=AS_OF)
    sent = normal_text(field_type, text, parsed, AS_OF)
    again = parse(field_type, sent, as_of=AS_OF)

    assert (parsed.valid, parsed.value) == (again.valid, again.value)
    assert {**parsed.parts, "code": 0} == {**again.parts, "code": 0}
    assert sent == normal_text(field_type, sent, again, AS_OF)
    assert sent in {text, parsed.value}


def test_both_at_once() -> None:
    """A row is refused by its own text, and changed if it is not."""
    both = {"refuse": ("invalid",), "normalise": True}

    assert {"state": "TX", "email": "a@b.com"} == outcome(
        {"state": "Texas", "email": "a@b.com"}, **both
    )
    assert "column 2" in outcome({"state": "Texas", "email": "no"}, **both)


def test_what_refuses_is_told_by_a_digest() -> None:
    """Another word or type may decide otherwise; the order of words and normalise cannot."""
    column_map = a_map("email", "note")

    def digest(*words: str, types: dict[str, FieldType] = TYPES, **more: bool) -> str:
        return refusal_digest(column_map, types, CheckSettings(refuse=words, **more))

    assert "" == digest() == digest(normalise=True)
    assert digest("invalid", "blank") == digest("blank", "invalid", normalise=True)
    different = {
        digest("invalid"),
        digest("blank"),
        digest("invalid", types={"note": FieldType.IP}),
    }
    assert 3 == len(different)


def test_settings_survive_being_written_down() -> None:
    """As every other setting, for a flag is laid over them."""
    settings = CheckSettings(refuse=("invalid", "phone_masked"), normalise=True)

    assert settings == msgspec.convert(msgspec.to_builtins(settings), CheckSettings)
    assert not settings.is_idle
    assert CheckSettings(count=False).is_idle
    assert not CheckSettings().is_idle

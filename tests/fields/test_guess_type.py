import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.fields import guess_type


@pytest.mark.parametrize(
    ("name", "field_type"),
    [
        ("first_name", "first_name"), ("last_name", "last_name"), ("email", "email"),
        ("phone_1", "phone"), ("phone_2", "phone"), ("mortgage.property.state", "state"),
        ("mortgage.property.postal_code", "postal_code"), ("address_1", "street"),
        ("address_2", None), ("city", "city"), ("dob", "dob"), ("ssn", "ssn"),
        ("social_security_number", "ssn"), ("gender", "gender"), ("ip_address", "ip"),
        ("age", "range"), ("credit_score", "range"), ("landing.page.url", "url"),
        ("trustedform_cert_url", "trustedform_url"), ("xxTrustedFormCertUrl", "trustedform_url"),
        ("mortgage.loan.amount", "number"), ("mortgage.loan.down_payment", "number"),
        ("is_test", "boolean"), ("insurance.has_policy", "boolean"),
        ("spouse.first_name", "first_name"),
        ("policy.start_date", "date"), ("comments", None), ("reference", None),
        ("mortgage.property.type", None), ("", None), ("x" * 1000, None), (".", None),
    ],
)  # fmt: skip
def test_the_last_part_of_a_name_tells_the_type(name: str, field_type: str | None) -> None:
    """As the standard catalogue's names do; where they do not, there is no guess."""
    assert field_type == guess_type(name)


@given(st.text())
def test_any_name_has_an_answer(name: str) -> None:
    """And the same one again."""
    assert guess_type(name) == guess_type(name)

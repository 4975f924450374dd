"""What LeadConduit reads otherwise than a person would: each such text must be spoken of."""

import pytest
from field_reading import codes

QUIRKS = {
    "number": [
        "1e3", "1/2", "\u20ac45,10", "1.000,50", "($20)", "\u22125", "12:30", "5-", "1-2", "1.2.3",
        "2024-01-05", "\u0663",
    ],
    "date": [
        "13/05/2024", "2024/01/05", "05.01.2024", "13.05.2024", "Thu Jan 05 2024", "Jan 2024",
        "2024", "1/5", "24", "05-01-24", "1-5-24", "May 32 2010", "1704412800",
        "2024-01-05T13:45:00-06:00", "1/5/69", "5-Jan-24",
    ],
    "dob": ["2000-02-29", "2030-01-01"],
    "ssn": [
        "000-12-3456", "666-12-3456", "912-34-5678", "219-00-4567", "219-45-0000",
        "SSN: 219-45-6789 ok", "xxx-xx-1234", "01-23-4567",
    ],
    "postal_code": ["1AA", "Z9Z 9Z9", "QQ1 1QQ", "2134", "12345.0", "'12345", "12345,", "GIR 0AA"],
    "state": [
        "TX ", "District of Columbia", "Newfoundland and Labrador", "U.S. Virgin Islands", "Yukon",
        "Nunavut", "Northwest Territories", "Micronesia", "FM", "NT", "NU", "YT", "AA", "AE", "AP",
        "Qu\u00e9bec",
    ],
    "range": [
        "100\u2013200", "100/200", "100:200", "100~200", "1,2", "100\t200", "10-1", "-10 to -5",
        ".5-1", "1-2-3", "$1k-$2k", "<50", "under 50", "2024-01-01 to 2024-01-02",
    ],
    "gender": ["M.", "Man", "Woman", "X", "non-binary", "1", "2"],
    "phone": [
        "5127891111 cell", "5127891111 home", "5127891111h ", "020 7946 0958", "+44 20 7946 0958",
        "001 44 20 7946 0958", "512,789,1111", "512_789_1111", "{512}7891111", "5127891111.0",
        "5.12789E+09", "8337891111", "*67 512 789 1111", "6045551234", "9007891111",
    ],
    "email": [
        "Name <a@b.com>", "a@b.com (c)", "a @b.com", "a@b", f"{'a' * 65}@b.com", "\u00e4@b.com",
        "mailto:a@b.com", "a@b.com, c@d.com", "\ta@b.com", "a@b.com.", "a@gmail.con",
    ],
    "boolean": ["on", "off", "x", "\u2713", "s\u00ed", "1.0", "-1"],
    "url": ["none", "N/A", "1", "a@b.org", "512-555-0143", "https:/x"],
    "time": ["I will call you monday", "1704412800", "3pm"],
    "street": ["Main St", "PO Box 5"],
    "ip": ["127.0.0.1", "224.0.0.1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field_type", "text"), [(kind, text) for kind, texts in QUIRKS.items() for text in texts]
)
def test_no_known_quirk_passes_in_silence(field_type: str, text: str) -> None:
    """Whatever LeadConduit makes of these, it is not what was meant, and it says nothing."""
    assert codes(field_type, text)


@pytest.mark.parametrize(
    ("field_type", "text"),
    [
        ("number", "250,000"), ("date", "05/06/2024"), ("dob", "Mar 4, 1980"),
        ("ssn", "219-45-6789"), ("postal_code", "78751-4424"), ("state", "Texas"),
        ("range", "$1,000 - $2,000"), ("range", "-5 to 5"), ("range", "100,200"), ("gender", "f"),
        ("phone", "+1 (512) 789-1111"), ("email", "ada.byron+x@acme-tools.co.uk"),
        ("boolean", "no"), ("url", "https://acme.com/a?b=c"), ("time", "2024-01-05T13:45:00Z"),
        ("street", "12 1/2 Elm St Apt 4"), ("ip", "8.8.8.8"), ("city", "Winston-Salem"),
        ("first_name", "Mary Ann"), ("last_name", "O'Brien-Smith"), ("string", "Call after 5 pm"),
    ],
)  # fmt: skip
def test_an_ordinary_text_is_passed_over_in_silence(field_type: str, text: str) -> None:
    """A finding on every row would teach people not to read findings."""
    assert [] == codes(field_type, text)

"""Makes ``sample_data``: wholly fictitious leads and feedback, the same bytes every time.

Run it as ``python tests/make_sample_data.py [DIRECTORY]``. Addresses are at example.com, .net and
.org, telephone numbers end in 555-01xx: both are set aside for fiction and reach nobody.
"""

import csv
import io
import random
import sys
import unicodedata
from pathlib import Path
from urllib.parse import urlencode

from bulkpost.sandbox.incoming import Incoming
from bulkpost.sandbox.routes import Target
from bulkpost.sandbox.sandbox import Sandbox

ROWS = 1_000
COLUMNS = (
    "first_name", "last_name", "email", "phone_1", "address_1", "city", "state", "postal_code",
    "mortgage.property.state", "mortgage.property.postal_code", "mortgage.property.type",
    "mortgage.property.use", "mortgage.loan.purpose", "mortgage.loan.amount",
    "mortgage.loan.down_payment", "comments",
)  # fmt: skip
_FIRST = (
    "Ann", "Benjamin", "Chloé", "Daniel", "Élise", "Fatima", "Grace", "Hiroshi", "Ines", "José",
    "Kenji", "Laura", "María", "Noah", "Olivia", "Priya", "Quinn", "Renée", "Søren", "Thandiwe",
    "Ursula", "Victor", "Wen", "Ximena", "Yusuf", "Zoë", "Anne-Marie", "D'Angelo", "Mary Jo",
)  # fmt: skip
_LAST = (
    "Abbott", "Baptiste", "Chen", "D'Souza", "Eriksson", "Fernández", "García", "Hughes", "Ito",
    "Jackson", "Kowalski", "López", "Müller", "Nguyen", "O'Brien", "O\u2019Neill", "Peña",
    "Quiñones", "Rodríguez", "Smith-Jones", "St. John", "Tanaka", "Upton", "van der Berg",
    "Walker", "Young",
)  # fmt: skip
# City, state, how its postal codes begin, area code.
_PLACES = (
    ("Austin", "TX", "787", "512"), ("Houston", "TX", "770", "713"),
    ("Boston", "MA", "021", "617"), ("Springfield", "MA", "011", "413"),
    ("Newark", "NJ", "071", "973"), ("Hartford", "CT", "061", "860"),
    ("Portland", "ME", "041", "207"), ("Burlington", "VT", "054", "802"),
    ("Denver", "CO", "802", "303"), ("Seattle", "WA", "981", "206"),
    ("Miami", "FL", "331", "305"), ("Fresno", "CA", "937", "559"),
    ("Chicago", "IL", "606", "312"), ("Columbus", "OH", "432", "614"),
)  # fmt: skip
_STREETS = (
    "Oak St",
    "Maple Ave",
    "2nd St",
    "Elm Dr",
    "Lakeview Rd",
    "Main St",
    "Mill Ln",
    "Hill Ct",
)
_PHONE_FORMS = (
    "({a}) 555-{n}", "{a}-555-{n}", "{a}.555.{n}", "{a}555{n}", "+1 {a} 555 {n}", "1-{a}-555-{n}",
    "({a}) 555-{n}h", "{a}-555-{n} x12",
)  # fmt: skip
_TYPES = ("single family", "condo", "townhouse", "multi family", "manufactured")
_USES = ("primary", "secondary", "investment")
_PURPOSES = ("purchase", "refinance", "home equity")
_COMMENTS = ("", "", "", "", "", "Call after 5 pm", "Prefers e-mail", "First home", "Self-employed")
# Row number to what makes it worth looking at: all of it valid, all of it easily got wrong.
_ODD = {
    17: {"last_name": "Null"},
    42: {"last_name": "NA", "first_name": "True"},
    99: {"address_1": "12 Oak St, Apt 4"},
    128: {"comments": "Ring twice.\nDog in the garden."},
    256: {"mortgage.loan.amount": "350,000"},
    300: {"comments": 'Said "maybe" twice'},
    404: {"phone_1": "", "address_1": ""},
    512: {"mortgage.loan.down_payment": ""},
    640: {"first_name": "Zoë", "last_name": "Ångström"},
    777: {"postal_code": "01234", "mortgage.property.postal_code": "01234-0042"},
    888: {"comments": "None"},
}
# Row number to the earlier row that it repeats.
_REPEATS = {205: 12, 431: 430, 666: 99, 842: 3, 1_000: 1}

MESSY_COLUMNS = (
    "first_name,last_name,email,phone_1,state,postal_code,dob,ssn,credit_score,"
    "mortgage.loan.amount,comments"
)
_MESSY = (
    "Ann,Abbott,ann@example.com,(512) 555-0101,TX,78751,1980-03-04,,680-700,250000,All well",
    "Ben,Chen,ben@example.com,512-555-0102,TX,78751,1981-04-05,,720,260000",  # a cell too few
    "Cleo,D'Souza,cleo@example.com,512-555-0103,TX,78751,1982-05-06,,,270000,Fine,one too many",
    "Dan,Ito,dan@example.com,512-555-0104,TX,78751,1983-06-07,,,280000,,,,",  # trailing commas
    'Eve,"O\'Brien, Jr.",eve@example.com,512-555-0105,TX,78751,1984-07-08,,700+,290000,Comma',
    'Fay,Young,fay@example.com,512-555-0106,TX,78751,1985-08-09,,650,300000,"Two\nlines"',
    'Gus,Walker,gus@example.com,512-555-0107,TX,78751,1986-09-10,,640 to 660,310000,A 5" disk',
    'Hal,Upton,hal@example.com,512-555-0108,TX,78751,1987-10-11,,,320000,"Said ""yes"" at once"',
    'Ida,Chen,ida@example.com,512-555-0109,TX,78751,1988-11-12,,,330000,"Broken" quotes',
    "Jon;Peña;jon@example.com;512-555-0110;TX;78751;1989-12-13;;700;340000;Semicolons",
    ",,,,,,,,,,",
    "Kai,Tanaka,kai@example.com,512-555-0111,TX,78751,1990-01-14,,,350000,A \0 NUL",
    "",
    "Lea,López,lea@gmail.con,512-555-0112,TX,78751,1991-02-15,***-**-1234,710,360000,Mistyped",
    "Max,Müller,max@example.com,512-555-0113,MA,1234,1992-03-16,,100\u2013200,370000,Lost the zero",
    "Nia,NA,nia@example.com,512-555-0114,TX,78751,05.01.2024,1234567,690,380000,Day or month?",
    "Oto,null,oto@example.com,512-555-0115,TX,78751,44927,,1e3,1e5,Numbers of a spreadsheet",
    "Pia,García,pia@example.com,5125550116.0,TX,78751.0,1993-04-17,,730.0,390000.0,Decimal points",
    # The first one again.
    "Ann,Abbott,ann@example.com,(512) 555-0101,TX,78751,1980-03-04,,680-700,250000,All well",
    "ann,abbott,ANN@example.com,512.555.0101,tx,78751,1980-03-04,,680-700,250000,Nearly a repeat",
    " Quin , Young ,quin@example.com,512-555-0117,TX,78751,1994-05-18,078-05-1120,,400000,Blanks",
    "Rae,Ngu\u200byen,rae@example.com,512-555-0118,TX,78751,1995-06-19,,,410000,Unseen character",
    '=HYPERLINK("http://example.com"),Smith,sam@example.com,512-555-0119,TX,78751,,,,420000,=1',
    "Tia,Smith,tia@example.com,555-0120,Texas,ABCDE,31/12/1996,12-345-678,700-,-5,Nothing fits",
    "Uwe,Eriksson,not an address,n/a,??,,unknown,n/a,good,a lot,Nothing fits at all",
    'Zed,Young,zed@example.com,512-555-0121,TX,78751,1997-08-21,,750,430000,"Last, and well"',
)
_CP1252 = (
    "first_name;last_name;email;phone_1;comments",
    "José;Peña;jose@example.com;512-555-0130;Crème brûlée",
    "Zoë;Müller;zoe@example.com;512-555-0131;Pays in €",
    "Renée;O\u2019Neill;renee@example.com;512-555-0132;Curly apostrophe",
    "Søren;Ångström;soren@example.com;512-555-0133;Naïve café",
)


FEEDBACK_COLUMNS = ("event_id", "type", "reason", "crm_number")
_RETURN_REASONS = ("Wrong number", "No answer after five calls", "Out of area", "Not interested")
_CONVERSION_REASONS = ("", "Policy sold", "")
_FEEDBACK_ROWS = range(3, 123, 4)
_UNKNOWN_EVENT = "5af4b98aa8065fa3a79bf4b3"


def leads() -> list[dict[str, str]]:
    """Return the leads of ``leads.csv`` and ``leads.parquet``."""
    dice = random.Random(2024)
    rows: list[dict[str, str]] = []
    for number in range(1, ROWS + 1):
        fresh = _lead(dice, number) | _ODD.get(number, {})
        rows.append(dict(rows[_REPEATS[number] - 1]) if number in _REPEATS else fresh)
    return rows


def leads_csv() -> str:
    """Return the text of ``leads.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in leads())
    return text.getvalue()


def feedback_csv() -> str:
    """Return the text of ``feedback.csv``: about leads of ``leads.csv`` that the sandbox took."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FEEDBACK_COLUMNS)
    writer.writerows(
        [*row, f"C-{number}"] for number, row in enumerate(_feedback_rows(), start=1001)
    )
    return text.getvalue()


def messy_csv() -> str:
    """Return the text of ``messy.csv``."""
    return "\n".join([MESSY_COLUMNS, *_MESSY]) + "\n"


def messy_cp1252_csv() -> bytes:
    """Return the bytes of ``messy-cp1252.csv``: what a spreadsheet saves in western Europe."""
    return ("\r\n".join(_CP1252) + "\r\n").encode("cp1252")


def write_parquet(path: Path) -> None:
    """Write the leads as Parquet: text, but for one column of integers with gaps."""
    import pyarrow as pa  # noqa: PLC0415  # slow to load, and needed here only
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    rows = leads()
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in COLUMNS}
    down_payments = [row["mortgage.loan.down_payment"] for row in rows]
    columns["mortgage.loan.down_payment"] = pa.array(
        [int(text) if text else None for text in down_payments], pa.int64()
    )
    pq.write_table(pa.table(columns), path, compression="zstd")


def main(directory: Path) -> None:
    """Write all files into a directory."""
    directory.mkdir(exist_ok=True)
    (directory / "leads.csv").write_text(leads_csv(), encoding="utf-8", newline="")
    (directory / "feedback.csv").write_text(feedback_csv(), encoding="utf-8", newline="")
    (directory / "messy.csv").write_text(messy_csv(), encoding="utf-8", newline="")
    (directory / "messy-cp1252.csv").write_bytes(messy_cp1252_csv())
    write_parquet(directory / "leads.parquet")


def _feedback_rows() -> list[tuple[str, str, str]]:
    events = _events()
    rows = [
        (event, "return", _RETURN_REASONS[place % 4])
        if place % 3
        else (event, "conversion", _CONVERSION_REASONS[place % 9 // 3])
        for place, event in enumerate(events)
    ]
    return [
        *rows,
        (events[1].upper(), "Return", rows[1][2]),  # the same again
        (events[2], "return", "Changed our mind"),  # the same with another reason
        (events[3], "return", "Cancelled after ten days"),  # converted before, and now returned
        (_UNKNOWN_EVENT, "return", "Wrong number"),
        ("5.9E+23", "return", "Wrong number"),  # what a spreadsheet makes of an id
    ]


def _events() -> list[str]:
    """Return the events of some leads, as every sandbox names them."""
    sandbox = Sandbox()
    for number in _FEEDBACK_ROWS:
        fields = [(name, text) for name, text in leads()[number - 1].items() if text]
        body = urlencode(fields).encode()
        posted = Incoming("POST", "", "", "application/x-www-form-urlencoded", body)
        sandbox.receive(Target("1" * 24, "2" * 24), posted)
    return [str(lead.event_id) for lead in sandbox.leads]


def _lead(dice: random.Random, number: int) -> dict[str, str]:
    first, last = dice.choice(_FIRST), dice.choice(_LAST)
    city, state, zip_start, area = dice.choice(_PLACES)
    postal_code = f"{zip_start}{dice.randrange(100):02d}"
    amount = dice.randrange(80, 900) * 1_000
    letters = unicodedata.normalize("NFD", f"{first}.{last}".lower().replace("ø", "o"))
    mailbox = "".join(letter for letter in letters if letter in _MAILBOX)
    phone = dice.choice(_PHONE_FORMS).format(a=area, n=f"01{dice.randrange(100):02d}")
    return {
        "first_name": first,
        "last_name": last,
        "email": f"{mailbox}{number}@example.{dice.choice(('com', 'net', 'org'))}",
        "phone_1": phone,
        "address_1": f"{dice.randrange(1, 9_900)} {dice.choice(_STREETS)}",
        "city": city,
        "state": state,
        "postal_code": postal_code,
        "mortgage.property.state": state,
        "mortgage.property.postal_code": postal_code,
        "mortgage.property.type": dice.choice(_TYPES),
        "mortgage.property.use": dice.choice(_USES),
        "mortgage.loan.purpose": dice.choice(_PURPOSES),
        "mortgage.loan.amount": str(amount),
        "mortgage.loan.down_payment": str(amount * dice.randrange(5, 40) // 100),
        "comments": dice.choice(_COMMENTS),
    }


_MAILBOX = frozenset("abcdefghijklmnopqrstuvwxyz.")

if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "sample_data")

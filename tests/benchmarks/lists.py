"""Lists of fictitious leads, as long as asked; the same for every contender."""

import csv
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "sample_data" / "leads.csv"
_HEADER = (
    "first_name,last_name,email,phone_1,address_1,city,state,postal_code,mortgage.property.state,"
    "mortgage.property.type,mortgage.property.use,mortgage.loan.purpose,mortgage.loan.amount,"
    "mortgage.loan.down_payment,comments\n"
)
_CITIES = (
    ("Fresno", "CA", "93774"),
    ("Peñasco", "NM", "87553"),
    ("Austin", "TX", "78701"),
    ("Columbus", "OH", "43004"),
)
_LINES_AT_ONCE = 20_000


def write_list(path: Path, rows: int) -> Path:
    """Write a CSV of that many different leads and return its path."""
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEADER)
        for start in range(1, rows + 1, _LINES_AT_ONCE):
            numbers = range(start, min(start + _LINES_AT_ONCE, rows + 1))
            file.writelines(map(_line, numbers))
    return path


def write_sample_list(path: Path, rows: int) -> Path:
    """Write that many leads shaped as those of ``sample_data/leads.csv``, no two alike."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        header, *leads = csv.reader(file)
    email = header.index("email")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(rows):
            lead = list(leads[number % len(leads)])
            lead[email] = f"{number}.{lead[email]}"
            writer.writerow(lead)
    return path


def _line(number: int) -> str:
    city, state, postal_code = _CITIES[number % len(_CITIES)]
    comment = "" if number % 3 else "Call after 5 pm"
    return (
        f"Ada{number % 97},Lovelace,ada.{number}@example.com,555-01{number % 100:02d},"
        f"{number} Elm Dr,{city},{state},{postal_code},{state},single family,primary,refinance,"
        f"{100_000 + number % 900_000},{number % 90_000},{comment}\n"
    )

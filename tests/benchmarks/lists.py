"""Lists of fictitious leads, as long as asked; the same for every contender."""

from pathlib import Path

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


def _line(number: int) -> str:
    city, state, postal_code = _CITIES[number % len(_CITIES)]
    comment = "" if number % 3 else "Call after 5 pm"
    return (
        f"Ada{number % 97},Lovelace,ada.{number}@example.com,555-01{number % 100:02d},"
        f"{number} Elm Dr,{city},{state},{postal_code},{state},single family,primary,refinance,"
        f"{100_000 + number % 900_000},{number % 90_000},{comment}\n"
    )

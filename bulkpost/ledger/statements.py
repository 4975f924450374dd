"""The SQL statements, one per file in ``sqlite/``, read once."""

from functools import cache
from importlib.resources import files


@cache
def sql(name: str) -> str:
    """Return the statement ``sqlite/NAME.sql``."""
    return (files("bulkpost.ledger.sqlite") / f"{name}.sql").read_text(encoding="utf-8")
